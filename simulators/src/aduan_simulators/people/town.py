"""What the cast can see and do: the part of the public HTTP interfaces that people use."""

from dataclasses import dataclass
from typing import Protocol

from aduan_simulators.people.script import Step


class NotNow(Exception):
    """Something a person tried was refused, or the other side is away. The words are for a log."""


@dataclass(frozen=True, slots=True)
class SeenCase:
    """A case as the coordinator's listing shows it. text: empty where the content is closed."""

    id: str
    ticket: str
    state: str
    opd: str | None
    text: str


class Town(Protocol):
    """Officers, the coordinator and reporters, acting on one instance. Everything raises NotNow."""

    async def undecided(self) -> list[SeenCase]:
        """Return the cases in triage or assigned."""
        ...

    async def act(self, case: SeenCase, step: Step) -> None:
        """Let the office of the case, or the coordinator, do what the step says."""
        ...

    async def reply(self, case: SeenCase, step: Step, token: str) -> None:
        """Let the reporter say what the step says."""
        ...

    async def was_in(self, case: SeenCase, state: str) -> bool:
        """Whether the case is in a state, or has been since the cast first saw it."""
        ...

    async def breached(self, case: SeenCase) -> bool:
        """Whether a deadline of the case was broken."""
        ...
