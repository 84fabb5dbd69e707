"""What keeps people unknown: masking numbers and names in texts, sealing what must be kept."""
