"""A seeded cast of officers and reporters who act over public HTTP only, as their script says."""
