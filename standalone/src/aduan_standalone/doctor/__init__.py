"""What `aduan doctor` looks at. Nothing here changes anything, and nothing here shows a secret."""
