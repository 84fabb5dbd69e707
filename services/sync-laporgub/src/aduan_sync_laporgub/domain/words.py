"""The vocabulary of one partner, read from `reference/partners/<system>.toml`.

No authoritative list of either partner's words is known, so the map is data: the raw word is always
kept, and a word that is not in it changes no state and raises an alert.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from aduan.contracts.values import ReportClass, State
from aduan.errors import AduanError
from aduan_sync_laporgub.domain.systems import MirrorSystem

UNKNOWN: Final = "unknown_status"
FITS: Final = "fits"
REFUSED_THERE: Final = "refused_there"
SECOND_RETURN: Final = "second_return"


class WordsUnreadable(AduanError):
    """The partner's file is not a vocabulary; the text names the file and the key."""


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Inbound(_Data):
    """What one raw word means. fits: our states that it does not contradict."""

    raw: str
    status: State
    fits: tuple[State, ...] = ()
    kind: Literal["status", "reroute_requested"] = "status"
    final: bool = False


class Entries(_Data):
    """Titles or codes of remote entries: answers to the reporter, and receipts that say nothing."""

    answers: tuple[str, ...]
    receipts: tuple[str, ...] = ()


class TenantAt(_Data):
    """How a tenant is known at the partner."""

    place: str
    city_id: int = 0
    institution_id: int = 0
    user_id: int = 0
    national_id: int = 0


class Words(_Data):
    """One partner's vocabulary. sectors, inlets: with a `default`."""

    system: MirrorSystem
    name: str
    version: str
    supports_confidential: bool
    conditional_as_progress: bool
    text_limit: int = Field(ge=100, le=10_000)
    inbound: tuple[Inbound, ...]
    entries: Entries
    outbound: dict[State, str]
    sectors: dict[str, str]
    inlets: dict[str, str]
    classifications: dict[ReportClass, int] = Field(default_factory=dict)
    tenants: dict[str, TenantAt]

    def meaning(self, raw: str) -> Inbound | None:
        """Return what a raw word means, ignoring case and spacing; None when it is unknown."""
        wanted = plain(raw)
        return next((word for word in self.inbound if plain(word.raw) == wanted), None)

    def is_answer(self, title: str) -> bool:
        """Whether a remote entry of this title or code answers the reporter."""
        return plain(title) in {plain(word) for word in self.entries.answers}

    def is_receipt(self, title: str) -> bool:
        """Whether a remote entry only says that the report arrived."""
        return plain(title) in {plain(word) for word in self.entries.receipts}

    def outward(self, state: State) -> str | None:
        """Return the partner's word for our state; None: this state is not told there."""
        if state == "conditionally_closed" and not self.conditional_as_progress:
            return None
        return self.outbound.get(state)

    def sector(self, category: str | None) -> str:
        """Return the partner's sector for a category of ours."""
        return self.sectors.get(category or "default", self.sectors["default"])

    def inlet(self, channel: str) -> str:
        """Return our inlet code for the partner's channel word."""
        return self.inlets.get(plain(channel), self.inlets["default"])


def plain(word: str) -> str:
    """Return a word as it is compared: lower case, single spaces."""
    return " ".join(word.casefold().split())


def read_words(data: Mapping[str, Any], *, source: str) -> Words:
    """Check a parsed file. Raises WordsUnreadable that names `source` and the first wrong key."""
    try:
        words = Words.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise WordsUnreadable(f"{source}: {where}: {first['type']}") from None
    for name, table in (("sectors", words.sectors), ("inlets", words.inlets)):
        if "default" not in table:
            raise WordsUnreadable(f"{source}: {name}.default: missing")
    seen = [plain(word.raw) for word in words.inbound]
    if len(set(seen)) != len(seen):
        raise WordsUnreadable(f"{source}: inbound: a word is listed twice")
    return words
