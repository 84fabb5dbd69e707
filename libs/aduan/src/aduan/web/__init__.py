"""What every service's HTTP side shares: problems, keys, the app with its middleware, cursors."""
