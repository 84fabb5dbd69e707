"""Stand-ins for what Aduan talks to: partners, a mail server, officers and reporters."""
