"""What servers say about themselves."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Facts:
    """A server's own answers, for the end of the report."""

    kind: str
    version: str
    identity: str
    pids: tuple[int, ...]
    origin: str

    def __str__(self) -> str:
        """One line for a person."""
        pids = ", ".join(map(str, self.pids)) or "not told"
        return f"{self.kind} {self.version}, {self.identity}, pid {pids} ({self.origin})"
