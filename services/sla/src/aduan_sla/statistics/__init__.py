"""Statistics at work: their metrics, the part that both engines share, and the one in process."""
