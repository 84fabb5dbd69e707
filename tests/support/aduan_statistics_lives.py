"""Lives of cases for statistics: events as intake, routing and sla write them, and a city of many."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from aduan_sla_story import wib

from aduan.contracts.envelope import Cause, Emit, Raw, encode
from aduan.contracts.topics import BY_NAME
from aduan_sla.adapters.dimensions import load_labels
from aduan_sla.domain.statistics.facts import CaseFacts, learn
from aduan_sla.domain.statistics.figures import Figures, Sums
from aduan_sla.domain.statistics.labels import Labels
from aduan_sla.domain.statistics.reading import facts_of

TENANT: Final = "33.74"
REFERENCE: Final = Path(__file__).resolve().parents[2] / "reference"
_CAUSE: Final = Cause("cause", "correlation", "00-" + "1" * 32 + "-" + "2" * 16 + "-00")
PLAIN: Final = "pengaduan_tidak_berkadar_pengawasan"
QUESTION: Final = "permintaan_informasi"
OVERSIGHT: Final = "pengaduan_berkadar_pengawasan"


@cache
def labels() -> dict[str, Labels]:
    """Return the closed lists of Semarang as they are shipped."""
    return {TENANT: load_labels(REFERENCE, TENANT)}


@dataclass
class Life:
    """Writes the events of one case. Times are WIB texts, or moments."""

    name: str
    received: str | datetime
    area: str | None = None
    category: str | None = None
    hint: str | None = None
    test: bool = False
    tenant: str = TENANT
    events: list[Raw] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.id = str(uuid5(NAMESPACE_URL, self.name))
        self.received_at = _moment(self.received)
        self._seq: dict[str, int] = {}
        self._case: dict[str, Any] = {}
        self._tell(
            "complaint.created",
            self.received_at,
            {
                "ticket": f"SMG-{self.id[:8].upper()}", "portal": "web", "inlet": "web",
                "received_at": self.received_at, "class_hint": self.hint,
                "category_hint": self.category, "place": {"area_code": self.area},
                "anonymous": False, "confidential": False, "flags_complete": True,
                "reporter": {"pseudonym": "p1"}, "test": self.test,
            },
        )  # fmt: skip

    def assigned(self, at: str | datetime, opd: str) -> "Life":
        """complaint.assigned."""
        case = self._shows(at, state="assigned", opd=opd, assigned_at=_moment(at))
        self._tell(
            "complaint.assigned",
            _moment(at),
            {
                "case": case, "opd": {"code": opd, "level": "dinas"},
                "method": "rule", "confidence": 0.9,
            },
        )  # fmt: skip
        return self

    def moved(self, at: str | datetime, state: str, *, by: str = "office", **case: Any) -> "Life":
        """complaint.progressed. case: what else of the snapshot changes; by: who acted."""
        before = self._case.get("state")
        when = case.pop("published", at)
        if state == "answered" != before:
            case = {"answered_at": _moment(when), **case}
        owed = {"on": "2027-06-30", "fiscal_year": 2027, "unit": "DPU"}
        self._tell(
            "complaint.progressed",
            _moment(at),
            {
                "case": self._shows(at, state=state, **case), "action": "move", "from": before,
                "to": state, "actor": {"kind": by},
                "citizen_text": "Laporan Bapak/Ibu sedang kami proses.",
                "follow_up": owed if state == "conditionally_closed" else None,
            },
        )  # fmt: skip
        return self

    def clocks(self, at: str | datetime, *clocks: tuple[str, str, str | datetime]) -> "Life":
        """sla.scheduled. clocks: name, state, and when it is due or was met."""
        rows = [
            {
                "name": name, "instance": 1, "policy": "p", "policy_version": "1", "scope": "sp4n",
                "unit": "hours", "state": state, "started_at": self.received_at,
                "due_at": _moment(when), "ended_at": _moment(when) if state == "met" else None,
            }
            for name, state, when in clocks
        ]  # fmt: skip
        self._tell("sla.scheduled", _moment(at), {"clocks": rows, "cause": "c"})
        return self

    def _shows(self, at: str | datetime, **changes: Any) -> dict[str, Any]:
        self._case = {
            "class": PLAIN, "class_confirmed": False, "anonymous": False, "confidential": False,
            "oversight": False, "received_at": self.received_at, "area": self.area,
            "category": self.category, "opd": None,
            **self._case, **changes, "version": self._case.get("version", 0) + 1,
        }  # fmt: skip
        return self._case

    def _tell(self, topic: str, at: datetime, data: dict[str, Any]) -> None:
        known = BY_NAME[topic]
        self._seq[known.stream] = self._seq.get(known.stream, 0) + 1
        self.events.append(
            encode(
                Emit(topic, known.event.model_validate(data)), service=known.producer,
                tenant=self.tenant, case_id=self.id, seq=self._seq[known.stream], now=at,
                cause=_CAUSE,
            )
        )  # fmt: skip


def _moment(at: str | datetime) -> datetime:
    return at if isinstance(at, datetime) else wib(at)


def fold(events: Sequence[Raw]) -> dict[str, CaseFacts]:
    """Return the facts of each case, as a reader keeps them who hears the events in this order."""
    known: dict[str, CaseFacts] = {}
    for raw in events:
        case = raw.address().case_id
        known[case] = learn(known.get(case), facts_of(raw))
    return known


def figures(cases: Sequence[CaseFacts], now: datetime) -> Sums:
    """Return the sums over cases, each added as a whole."""
    found = Figures(labels(), now)
    for facts in cases:
        found.change(None, facts)
    return found.sums()


def city(seed: int, cases: int, now: datetime, *, sla: bool = True) -> list[Life]:
    """Return lives of the fortnight before `now`: every way that a case can go, and some trials.

    sla: with events of sla, as we think it would tell; else a real one tells.
    """
    chance = random.Random(seed)
    known = labels()[TENANT]
    opds, kinds = sorted(known.opd), sorted(known.category)
    areas = [f"{code}.1001" for code in sorted(known.kecamatan)]
    return [
        _a_life(chance, f"{seed}/{number}", now, opds, kinds, areas, sla=sla)
        for number in range(cases)
    ]


def _a_life(
    chance: random.Random,
    name: str,
    now: datetime,
    opds: Sequence[str],
    kinds: Sequence[str],
    areas: Sequence[str],
    *,
    sla: bool,
) -> Life:
    received = now - timedelta(minutes=chance.randrange(60, 14 * 24 * 60))

    def later(since: datetime) -> datetime:
        return min(now, since + timedelta(minutes=chance.randrange(1, 3 * 24 * 60)))

    life = Life(
        name,
        received,
        area=chance.choice([*areas, None, "33.74"]),
        category=chance.choice([*kinds, None, "tidak-dikenal"]),
        hint=chance.choice([None, PLAIN, PLAIN, QUESTION, OVERSIGHT]),
        test=chance.random() < 0.1,
    )
    if chance.random() < 0.1:
        return life
    at = later(received)
    if life.hint == OVERSIGHT:
        closed = {"oversight": True, "class": OVERSIGHT, "class_confirmed": True}
        life.moved(at, "triage", by="coordinator", **closed)
    else:
        life.assigned(at, chance.choice(opds))
    if sla:
        life.clocks(at, ("handle", "running", at + timedelta(hours=72)))
    ways = (
        ("accepted", "in_progress", "answered", "closed"),
        ("accepted", "in_progress", "answered", "in_progress", "answered"),
        ("accepted", "in_progress", "conditionally_closed"),
        ("in_progress", "awaiting_reporter", "in_progress"),
        ("returned", "rejected"),
        ("accepted",),
    )
    for state in chance.choice(ways):
        at = later(at)
        life.moved(at, state)
        if sla and state == "answered":
            late = chance.random() < 0.3
            word = ("handle", "breached" if late else "met", at)
            life.clocks(at, word, ("complete", "met", at))
    return life
