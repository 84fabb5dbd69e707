"""What is told to whom, and what was decided about it. Pure: no I/O, no clock, no settings."""
