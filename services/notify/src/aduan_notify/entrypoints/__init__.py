"""How the world reaches notify: its postman, its HTTP side, its page. Events come by the core."""
