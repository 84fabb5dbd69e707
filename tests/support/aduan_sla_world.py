"""Runs sla alone on the embedded engine: others' events go in, its own come out."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from aduan_harness import World
from aduan_sla_story import REFERENCE, wib
from prometheus_client import CollectorRegistry
from pydantic import BaseModel
from pydantic_core import from_json

from aduan.clock import ManualClock
from aduan.contracts.envelope import Cause, Emit, Raw, encode
from aduan.contracts.events import (
    ComplaintAssigned,
    ComplaintCreated,
    ComplaintProgressed,
    ComplaintReplied,
)
from aduan.service import Service
from aduan.web.keys import KeyRecord, Scope, make_key
from aduan_sla.bootstrap import build, load_books, spec
from aduan_sla.domain.case import CASES
from aduan_sla.entrypoints.ticker import Ticker
from aduan_sla.metrics import Metrics
from aduan_sla.settings import Settings

TENANT = "33.74"
_CAUSE = Cause("cause", "correlation", "00-" + "1" * 32 + "-" + "2" * 16 + "-00")


class CaseEvents:
    """Writes the events of one case as intake and routing would. Times are WIB texts."""

    def __init__(
        self, name: str, received: str, hint: str | None = None, *, tenant: str = TENANT
    ) -> None:
        self.id = str(uuid5(NAMESPACE_URL, name))
        self.ticket = f"SMG-{self.id[:8].upper()}"
        self.tenant = tenant
        self._received = wib(received)
        self._hint = hint
        self._seq = {"intake": 0, "routing": 0}
        self._case: dict[str, Any] = {}
        self.all: list[Raw] = []

    def created(self, *, test: bool = False) -> Raw:
        """complaint.created."""
        data = {
            "ticket": self.ticket,
            "portal": "web",
            "inlet": "web",
            "received_at": self._received,
            "class_hint": self._hint,
            "anonymous": False,
            "confidential": False,
            "flags_complete": True,
            "reporter": {"pseudonym": "p1"},
            "test": test,
        }
        return self._write("intake", ComplaintCreated.model_validate(data), self._received)

    def replied(self, at: str, reply_id: str) -> Raw:
        """complaint.replied."""
        data = {"reply_id": reply_id, "kind": "reply", "replied_at": wib(at), "by": "reporter"}
        return self._write("intake", ComplaintReplied.model_validate(data), wib(at))

    def assigned(self, at: str, opd: str) -> Raw:
        """complaint.assigned."""
        case = self._snapshot("assigned", opd, wib(at))
        data = {
            "case": case,
            "opd": {"code": opd, "level": "dinas"},
            "method": "rule",
            "confidence": 0.9,
        }
        return self._write("routing", ComplaintAssigned.model_validate(data), wib(at))

    def progressed(
        self,
        at: str,
        state: str,
        *,
        opd: str | None = "",
        confirmed: str | None = None,
        reply_id: str | None = None,
        owed: str | None = None,
        by: str = "office",
        published: str | None = None,
        area: str | None = None,
        verified: bool = False,
    ) -> Raw:
        """complaint.progressed; opd "" keeps the office."""
        before = self._case.get("state")
        kept = self._case.get("opd") if opd == "" else opd
        case = self._snapshot(state, kept, wib(published or at), confirmed, area)
        if verified:
            case["verified"] = {"at": wib(at), "by": "coordinator"}
        data = {
            "case": case,
            "action": "move",
            "from": before,
            "to": state,
            "actor": {"kind": by},
            "citizen_text": "Laporan Bapak/Ibu sedang kami proses.",
            "follow_up": {"on": owed, "fiscal_year": 2027, "unit": "DPU"} if owed else None,
            "reply_id": reply_id,
        }
        return self._write("routing", ComplaintProgressed.model_validate(data), wib(at))

    def _snapshot(
        self,
        state: str,
        opd: str | None,
        at: datetime,
        confirmed: str | None = None,
        area: str | None = None,
    ) -> dict[str, Any]:
        self._case = {
            "version": self._case.get("version", 0) + 1,
            "class": confirmed or self._case.get("class", "pengaduan_tidak_berkadar_pengawasan"),
            "class_confirmed": bool(confirmed) or self._case.get("class_confirmed", False),
            "anonymous": False,
            "confidential": False,
            "oversight": False,
            "received_at": self._received,
            "state": state,
            "opd": opd,
            "area": area or self._case.get("area"),
            "answered_at": at if state == "answered" else self._case.get("answered_at"),
        }
        return self._case

    def _write(self, stream: str, data: BaseModel, at: datetime) -> Raw:
        self._seq[stream] += 1
        names = {
            ComplaintCreated: "complaint.created",
            ComplaintReplied: "complaint.replied",
            ComplaintAssigned: "complaint.assigned",
            ComplaintProgressed: "complaint.progressed",
        }
        raw = encode(
            Emit(names[type(data)], data),
            service=stream,
            tenant=self.tenant,
            case_id=self.id,
            seq=self._seq[stream],
            now=at,
            cause=_CAUSE,
        )
        self.all.append(raw)
        return raw


class Sla:
    """The built service on a folder, its clock, and what it told."""

    def __init__(self, folder: Path, now: str) -> None:
        self.clock = ManualClock(wib(now))
        self.world = World(folder, self.clock)
        self.registry = CollectorRegistry()
        self._keys: list[KeyRecord] = []
        self.settings = Settings(
            store="sqlite:////unused",
            bus="sqlite:////unused",
            reference_dir=REFERENCE,
            tick_seconds=0.01,
        )
        self.service: Service | None = None
        self.known: datetime | None = None

    def key(self, *scopes: Scope, opd: str | None = None, tenant: str = TENANT) -> str:
        """Make a key; before `build`."""
        text, record = make_key(tenant=tenant, scopes=scopes, opd=opd)
        self._keys.append(record)
        return text

    async def build(self) -> "Sla":
        """Build the service as a host would."""
        settings = self.settings.model_copy(update={"static_keys": tuple(self._keys)})
        what = spec(settings)
        self.service = await build(
            settings,
            spec=what,
            store=self.world.store(what),
            bus=self.world.bus,
            clock=self.clock,
            registry=self.registry,
        )
        self.ticker = Ticker(
            cases=self.cases,
            clock=self.clock,
            books=load_books(settings),
            caught_up=lambda: self.known or self.clock.now(),
            metrics=Metrics(CollectorRegistry()),
        )
        return self

    @property
    def cases(self) -> Any:
        """The case documents."""
        assert self.service is not None
        return self.service.runtime.cases

    async def hears(self, *events: Raw) -> None:
        """Deliver events, one after the other, under the inbox rule."""
        for raw in events:
            await self.cases.deliver(raw.attributes()["subject"], [raw])

    async def at(self, text: str) -> int:
        """Let it be this time in WIB, and tick once; return how many cases told something."""
        self.clock.advance(wib(text) - self.clock.now())
        return await self.ticker.round()

    async def wait(self, seconds: float) -> None:
        """Let real seconds pass while the domain clock stands."""
        self.clock.ticks += seconds

    async def told(self, case: CaseEvents, topic: str | None = None) -> Sequence[dict[str, Any]]:
        """Return what sla told about a case: data, with `topic`, `id` and `time`."""
        stored = await self.cases.store.events(CASES, case.id, 0)
        found = []
        for one in stored:
            head = one.raw.attributes()
            name = head["type"].removeprefix("id.aduan.").removesuffix(".v1")
            if topic in (None, name):
                found.append(
                    {
                        **from_json(one.raw.value),
                        "topic": name,
                        "id": head["id"],
                        "time": head["time"],
                    }
                )
        return found

    async def clock_of(self, case: CaseEvents, name: str, number: int = 1) -> dict[str, Any]:
        """Return a clock as it was last published."""
        last = (await self.told(case, "sla.scheduled"))[-1]
        for clock in last["clocks"]:
            if (clock["name"], clock["instance"]) == (name, number):
                return dict(clock)
        raise AssertionError(f"no {name} {number}")
