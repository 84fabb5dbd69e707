"""What services tell each other: topics, events and their envelope. Everything else is generated."""
