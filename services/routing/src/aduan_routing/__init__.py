"""routing: decides where a complaint goes, and keeps the life of its case."""
