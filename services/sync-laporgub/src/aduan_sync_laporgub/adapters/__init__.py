"""How the ports are done: partners and intake over HTTP, reference data from files."""
