"""How the ports are done: reference files, images, keys, the call to intake."""
