"""Pure decisions: what to tell a partner, and what a partner's word means. No I/O, no clock."""
