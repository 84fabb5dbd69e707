"""sla: keeps every deadline of a case, warns, and records what was missed."""
