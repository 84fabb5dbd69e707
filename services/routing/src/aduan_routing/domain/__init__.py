"""Rules of a case: pure, without I/O, clock or settings."""
