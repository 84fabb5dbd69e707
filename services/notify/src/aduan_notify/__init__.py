"""Aduan's notify: tells everyone concerned, once, and keeps a ledger of what was decided."""
