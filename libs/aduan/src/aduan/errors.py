"""The base of every error that Aduan raises on purpose, and the three names of failure (ADR 2)."""


class AduanError(Exception):
    """Base of all errors of this project. Its text never holds personal data."""


class Busy(AduanError):
    """Our own store or broker is away, full or contended: pause, back off, try again."""


class Poison(AduanError):
    """This event can never work as the code is: dead-letter it and hold its stream of its case."""
