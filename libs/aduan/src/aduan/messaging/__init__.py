"""Getting events from one service to another without losing one (DESIGN 4)."""
