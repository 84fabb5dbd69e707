"""notify on the embedded engine, a real mail sink, intake's contacts as a double, invented events."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx
from aduan_harness import World, eventually
from prometheus_client import CollectorRegistry
from pydantic import BaseModel

from aduan.clock import Clock, SystemClock
from aduan.contracts.envelope import Cause, Emit, Raw, encode, new_traceparent
from aduan.contracts.events import (
    ComplaintAssigned,
    ComplaintCreated,
    ComplaintProgressed,
    MirrorChanged,
    SlaBreached,
    SlaElapsed,
    SlaWarned,
)
from aduan.contracts.topics import BY_NAME
from aduan.contracts.values import Case, Office
from aduan.service import Service
from aduan.web.keys import Scope, make_key
from aduan_notify.bootstrap import build, spec
from aduan_notify.settings import Settings
from aduan_simulators.mailsink.process import running as mailsink
from aduan_simulators.mailsink.reading import Mailbox, read

TENANT: Final = "33.74"
REFERENCE: Final = Path(__file__).resolve().parents[2] / "reference"
AT: Final = datetime(2026, 11, 2, 2, 0, tzinfo=UTC)
PERSON: Final = "warga.teladan@contoh.test"
DPU: Final = "dpu@opd.semarang.test"
COORDINATOR: Final = "diskominfo@opd.semarang.test"
KEY, RECORD = make_key(
    tenant=TENANT, scopes=("deliveries:read", "subscriptions:manage", "ops:read")
)


def a_key(*scopes: Scope, opd: str | None = None, tenant: str = TENANT) -> tuple[str, Any]:
    """Return a key and its record."""
    return make_key(tenant=tenant, scopes=scopes, opd=opd)


def settings(**changes: Any) -> Settings:
    """notify's settings for a test: everything quick."""
    known: dict[str, Any] = {
        "store": "sqlite:////unused",
        "bus": "sqlite:////unused",
        "reference_dir": REFERENCE,
        "public_url": "http://127.0.0.1:8000",
        "intake_url": "http://intake.test",
        "intake_token": "aduan_notify_" + "x" * 40,
        "smtp_host": "127.0.0.1",
        "smtp_port": 1,
        "smtp_timeout_seconds": 2.0,
        "lease_seconds": 10.0,
        "poll_seconds": 0.02,
        "retry_first_seconds": 0.05,
        "static_keys": (RECORD,),
    }
    return Settings.model_validate({**known, **changes})


@dataclass
class Intake:
    """The contacts that intake would resolve: complaint id -> address; asked counts the calls."""

    contacts: dict[str, str] = field(default_factory=dict)
    status: int = 200
    asked: Counter[str] = field(default_factory=Counter)
    seen: list[httpx.Request] = field(default_factory=list)

    def transport(self) -> httpx.MockTransport:
        """What stands in for the network to intake."""
        return httpx.MockTransport(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        complaint_id = request.url.path.rsplit("/", 1)[1]
        self.asked[complaint_id] += 1
        if self.status != 200:
            return httpx.Response(self.status)
        if complaint_id not in self.contacts:
            return httpx.Response(404)
        channels = [
            {"kind": "phone", "address": "080000000000"},
            {"kind": "email", "address": self.contacts[complaint_id]},
        ]
        return httpx.Response(200, json={"channels": channels})


class Story:
    """Tells events of one case as their producers would, each stream counted from 1."""

    def __init__(self, town: "Town", case_id: str, ticket: str) -> None:
        self.id = case_id
        self.ticket = ticket
        self.tenant = TENANT
        self.raws: list[Raw] = []
        self._town = town
        self._seq: Counter[str] = Counter()
        self._facts: dict[str, Any] = {}

    def write(self, topic: str, data: BaseModel, *, event_id: str | None = None) -> Raw:
        """Return the next event of a stream, as its producer would publish it."""
        known = BY_NAME[topic]
        self._seq[known.stream] += 1
        raw = encode(
            Emit(topic, data, event_id=event_id, occurred_at=AT),
            service=known.producer,
            tenant=self.tenant,
            case_id=self.id,
            seq=self._seq[known.stream],
            now=AT,
            cause=Cause(str(uuid4()), str(uuid4()), new_traceparent()),
        )
        self.raws.append(raw)
        return raw

    async def tell(self, topic: str, data: BaseModel, *, event_id: str | None = None) -> None:
        """Publish the next event of a stream."""
        await self._town.publish(self.write(topic, data, event_id=event_id))

    def created(self, **changes: Any) -> ComplaintCreated:
        """A complaint whose reporter left an e-mail address."""
        known: dict[str, Any] = {
            "ticket": self.ticket,
            "portal": "web",
            "inlet": "lapor-semar-web",
            "received_at": AT,
            "title": "Lampu padam",
            "text": "Lampu jalan padam, kata Bu Sulastri.",
            "anonymous": False,
            "confidential": False,
            "flags_complete": True,
            "reporter": {"pseudonym": "P-1", "reachable_by": ("email",)},
        }
        return ComplaintCreated.model_validate({**known, **changes})

    def case(self, state: str, **changes: Any) -> Case:
        """A snapshot of the case; what is given stays for the next ones."""
        self._facts |= changes
        known: dict[str, Any] = {
            "version": 1,
            "state": state,
            "class": "pengaduan_tidak_berkadar_pengawasan",
            "class_confirmed": True,
            "anonymous": False,
            "confidential": False,
            "oversight": False,
            "received_at": AT,
        }
        return Case.model_validate({**known, **self._facts})

    def assigned(
        self, opd: str = "DPU", *, note: str | None = None, **changes: Any
    ) -> ComplaintAssigned:
        """The office becomes responsible."""
        return ComplaintAssigned(
            case=self.case("assigned", opd=opd, **changes),
            opd=Office(code=opd, level="dinas"),
            method="rule",
            confidence=0.9,
            note=note,
        )

    def progressed(
        self, before: str | None, after: str, *, by: str = "office", **changes: Any
    ) -> ComplaintProgressed:
        """A transition; case holds changes of the snapshot."""
        case = self.case(after, **changes.pop("case", {}))
        return ComplaintProgressed.model_validate(
            {
                "case": case,
                "action": "step",
                "from": before,
                "to": after,
                "actor": {"kind": by, "opd": case.opd if by == "office" else None},
                "citizen_text": "Ada perkembangan.",
                **changes,
            }
        )

    def breached(self, level: int, *audience: str, **changes: Any) -> SlaBreached:
        """A missed deadline of the office."""
        return SlaBreached.model_validate(
            {
                **self._notice(audience),
                "detected_at": AT,
                "level": level,
                **changes,
            }
        )

    def warned(self, *audience: str, **changes: Any) -> SlaWarned:
        """A deadline comes near."""
        return SlaWarned.model_validate({**self._notice(audience), "share": 0.75, **changes})

    def elapsed(self, timer: str) -> SlaElapsed:
        """A timer ran out."""
        return SlaElapsed.model_validate(
            {"timer": timer, "instance": 1, "started_at": AT, "due_at": AT}
        )

    def mirror(self, kind: str, **changes: Any) -> MirrorChanged:
        """What the partner did."""
        return MirrorChanged.model_validate({"system": "laporgub", "kind": kind, **changes})

    def _notice(self, audience: tuple[str, ...]) -> Mapping[str, Any]:
        return {
            "clock": "handle",
            "instance": 1,
            "policy": "semarang-handle",
            "policy_version": "1",
            "legal_basis": "contoh",
            "due_at": AT,
            "audience": audience,
            "opd": "DPU",
            "class": "pengaduan_tidak_berkadar_pengawasan",
            "state": "accepted",
        }


class Town:
    """One running notify and its surroundings."""

    def __init__(self, world: World, mails: Path, port: int) -> None:
        self.world = world
        self.mails = mails
        self.port = port
        self.intake = Intake()
        self.registry = CollectorRegistry()
        self._number = 0

    async def service(self, **changes: Any) -> Service:
        """Build notify on this town's folder."""
        given = settings(smtp_port=self.port, **changes)
        what = spec(given)
        return await build(
            given,
            spec=what,
            store=self.world.store(what),
            bus=self.world.bus,
            clock=self.world.clock,
            registry=self.registry,
            intake=self.intake.transport(),
        )

    def story(self, *, email: str | None = PERSON) -> Story:
        """Begin a case; its reporter is reachable at `email`."""
        self._number += 1
        story = Story(self, str(uuid4()), f"SMG-0000-0000-{self._number:03d}")
        if email is not None:
            self.intake.contacts[story.id] = email
        return story

    async def publish(self, *raws: Raw) -> None:
        """Append events to the log."""
        assert all(await self.world.bus.publish(raws))

    @property
    def mailbox(self) -> Mailbox:
        """What the sink has kept."""
        return read(self.mails)


@asynccontextmanager
async def a_town(folder: Path, *sink: str, clock: Clock | None = None) -> AsyncIterator[Town]:
    """Give a town whose mail sink runs with these options; notify is not running yet."""
    (folder / "data").mkdir()
    world = World(folder / "data", clock or SystemClock())
    try:
        async with mailsink(folder / "mails", *sink) as port:
            yield Town(world, folder / "mails", port)
    finally:
        world.close()


async def rows_of(service: Service, story: Story) -> list[dict[str, Any]]:
    """Return the ledger of a case, oldest cause first; empty before the case is there."""
    body = await service.runtime.cases.get(story.id)
    return [] if body is None else [dict(row) for row in body["rows"]]


async def decided(service: Service, story: Story, count: int, *, within: float = 15.0) -> None:
    """Wait until `count` rows are there and none is open."""

    async def all_decided() -> bool:
        rows = await rows_of(service, story)
        return len(rows) == count and all(row["next_at"] is None for row in rows)

    await eventually(all_decided, within=within)


def told(rows: list[dict[str, Any]]) -> set[tuple[str, str, str, str]]:
    """Return (cause, audience, decision, reason) of each row."""
    return {(row["cause"], row["audience"], row["decision"], row["reason"]) for row in rows}
