"""How the ports of sla are done."""
