"""Aduan on one machine: all five services in one process, and the `aduan` command."""
