"""How the world reaches sla: its ticks and its HTTP side. Events come in through the core."""
