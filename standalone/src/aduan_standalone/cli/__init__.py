"""The `aduan` command: it speaks HTTP to a running instance and never opens its databases."""
