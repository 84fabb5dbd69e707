"""One document per case and service: body, keys, columns, inbox and outbox in one write (ADR 2)."""
