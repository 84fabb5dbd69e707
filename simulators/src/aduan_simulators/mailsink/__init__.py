"""An SMTP server that keeps every mail as a file and delivers none: for the demo and for tests."""
