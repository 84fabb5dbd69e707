"""Logs, metrics and traces: what a service tells its operator, and never about a person."""
