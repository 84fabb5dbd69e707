"""What ends a command with one sentence and an exit code instead of a traceback."""

from typing import Final

USAGE: Final = 2  # what was asked for cannot be done: file, mapping, port, folder, credentials
FAILED: Final = 1  # it was tried and did not work out


class Refusal(Exception):
    """One sentence for the person at the terminal. code: the exit code, never 0."""

    def __init__(self, sentence: str, *, code: int = USAGE) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.code = code
