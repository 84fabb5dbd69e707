"""`aduan demo`: an instance of its own, the samples, the cast, and a live table of what happens."""
