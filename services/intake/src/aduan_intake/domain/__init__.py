"""What a complaint is before anybody decides on it. Pure."""
