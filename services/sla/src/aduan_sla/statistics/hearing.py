"""One record of the log on its way to the fold: read, left to others, or kept as a letter."""

from dataclasses import dataclass
from typing import Final

from aduan.contracts.envelope import Raw
from aduan.contracts.topics import STATISTICS
from aduan.errors import AduanError, Poison
from aduan.messaging.dead_letters import Letter, LetterKind, copy_of
from aduan.observability.where import places
from aduan_sla.domain.statistics.facts import CaseFacts
from aduan_sla.domain.statistics.reading import facts_of

NAME: Final = STATISTICS.name


class Unreadable(AduanError):
    """The record can never be counted as the code is. kind: poison, or bug. The text has no data."""

    def __init__(self, kind: LetterKind, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Heard:
    """What a record says of which case."""

    case_id: str
    facts: CaseFacts


def hear(raw: Raw, tenants: frozenset[str]) -> Heard | None:
    """Return what a record says; None where its tenant is not counted. Raises Unreadable."""
    try:
        place = raw.address()
        if place.tenant not in tenants:
            return None
        if raw.key != place.case_id.encode():
            # Facts of one case in two partitions would never meet.
            raise Poison("the key is not the complaint")
        return Heard(place.case_id, facts_of(raw))
    except Poison as error:
        raise Unreadable("poison", str(error)) from None
    except Exception as error:
        where = ", ".join(places(error))
        raise Unreadable("bug", f"{type(error).__name__} at {where}") from error


def letter_of(raw: Raw, where: str, error: Unreadable) -> Raw:
    """Return the copy for `aduan.statistics.dlq`. where: topic:partition:offset.

    After a repair the events are read again from the topics: what was counted before changes nothing.
    """
    return copy_of(Letter(where, error.kind, "", "", 0, error.reason, "", raw), NAME)
