"""A small bridge between a unit's own work orders and Aduan. An example to copy."""
