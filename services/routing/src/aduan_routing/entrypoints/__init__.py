"""How the world reaches routing: HTTP, the desk, and the worker that claims content."""
