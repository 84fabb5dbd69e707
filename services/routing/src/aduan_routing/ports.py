"""What routing needs from outside its own store."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from aduan.contracts.envelope import Raw
from aduan.errors import AduanError


class ContentGone(AduanError):
    """There is nothing behind the reference, now and later."""


class IntakeAway(AduanError):
    """Intake did not answer usably: try again later."""


class Intake(Protocol):
    """Intake's inner door for confidential content."""

    async def content(self, content_ref: str) -> Mapping[str, Any]:
        """Return what lies behind a content_ref. Raises ContentGone, IntakeAway."""
        ...

    async def close(self) -> None:
        """Release connections."""
        ...


class UnitLog(Protocol):
    """Where the connected units' records go. One unit's failure is not another's."""

    async def publish(self, topic: str, records: Sequence[Raw]) -> Sequence[bool]:
        """Append records of one topic; for each, whether it was acknowledged. Raises Busy."""
        ...

    async def close(self) -> None:
        """Release connections."""
        ...
