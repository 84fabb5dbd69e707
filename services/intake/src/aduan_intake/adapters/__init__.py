"""How intake's outside is read."""
