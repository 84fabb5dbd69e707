"""How the world reaches this service: HTTP, and the workers that look for due work."""
