"""Runs routing alone on the embedded engine: others' events go in, people call it over HTTP."""

import base64
import io
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import httpx
from aduan_harness import World
from aduan_http import client_of
from PIL import Image
from prometheus_client import CollectorRegistry
from pydantic import BaseModel, SecretStr
from pydantic_core import from_json

from aduan.clock import ManualClock
from aduan.contracts.envelope import Cause, Emit, Raw, encode
from aduan.contracts.events import (
    ComplaintCreated,
    ComplaintReplied,
    MirrorChanged,
    SlaElapsed,
    SlaScheduled,
)
from aduan.messaging.sqlite import SqliteBus
from aduan.service import Service
from aduan.ticket import ALPHABET, NotATicket, grouped, read_ticket
from aduan.web.keys import SCOPES, KeyRecord, Scope, make_key
from aduan_routing.bootstrap import build, spec
from aduan_routing.domain.case import CASES
from aduan_routing.settings import Settings

TENANT = "33.74"
REFERENCE = Path(__file__).parents[2] / "reference"
START = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
SEAL_KEY = base64.b64encode(b"s" * 32).decode()
ROAD = "Jalan berlubang besar di depan pasar, aspal rusak parah sejak minggu lalu."
_CAUSE = Cause("cause", "correlation", "00-" + "1" * 32 + "-" + "2" * 16 + "-00")
_TOPICS: Mapping[type[BaseModel], tuple[str, str]] = {
    ComplaintCreated: ("intake", "complaint.created"),
    ComplaintReplied: ("intake", "complaint.replied"),
    SlaScheduled: ("sla", "sla.scheduled"),
    SlaElapsed: ("sla", "sla.elapsed"),
    MirrorChanged: ("sync", "mirror.changed"),
}


def ticket_of(number: int) -> str:
    """Return a ticket that passes its check."""
    body = f"{number:010d}"
    for letter in ALPHABET:
        try:
            return read_ticket(grouped("SMG", body + letter))
        except NotATicket:
            continue
    raise AssertionError("one of the letters fits")


class CaseEvents:
    """Writes the events of one case as intake, sla and sync would."""

    def __init__(self, name: str, number: int = 1, *, tenant: str = TENANT) -> None:
        self.id = str(uuid5(NAMESPACE_URL, name))
        self.ticket = ticket_of(number)
        self.tenant = tenant
        self._seq: dict[str, int] = {}
        self._replies = 0

    def created(self, text: str | None = ROAD, **changes: Any) -> Raw:
        """complaint.created."""
        data = {
            "ticket": self.ticket,
            "portal": "web",
            "inlet": "web",
            "received_at": START,
            "text": text,
            "anonymous": False,
            "confidential": False,
            "flags_complete": True,
            "reporter": {"pseudonym": "p1"},
            **changes,
        }
        return self.write(ComplaintCreated.model_validate(data))

    def secret(self) -> Raw:
        """complaint.created of a confidential complaint."""
        ref = f"/internal/v1/complaints/{self.id}/content"
        return self.created(None, confidential=True, content_ref=ref)

    def replied(self, kind: str, at: datetime, **changes: Any) -> Raw:
        """complaint.replied; the reply's id is r1, r2 ..."""
        self._replies += 1
        data = {
            "reply_id": f"r{self._replies}",
            "kind": kind,
            "text": None if kind in ("rating", "withdrawal") else "Mohon diperiksa kembali.",
            "replied_at": at,
            "by": "reporter",
            **changes,
        }
        return self.write(ComplaintReplied.model_validate(data))

    def elapsed(self, timer: str, started_at: str | datetime) -> Raw:
        """sla.elapsed."""
        data = {"timer": timer, "instance": 1, "started_at": started_at, "due_at": started_at}
        return self.write(SlaElapsed.model_validate(data))

    def due(self, at: datetime | None) -> Raw:
        """sla.scheduled with one nearest date."""
        nearest = {"name": "handle", "due_at": at} if at is not None else None
        data: dict[str, Any] = {"clocks": [], "nearest": nearest, "cause": "x"}
        return self.write(SlaScheduled.model_validate(data))

    def mirror(self, kind: str, system: str | None = "sp4n", **changes: Any) -> Raw:
        """mirror.changed."""
        return self.write(MirrorChanged.model_validate({"kind": kind, "system": system, **changes}))

    def write(self, data: BaseModel) -> Raw:
        """Give an event the next place in its stream."""
        stream, topic = _TOPICS[type(data)]
        self._seq[stream] = self._seq.get(stream, 0) + 1
        service = "sync-laporgub" if stream == "sync" else stream
        return encode(
            Emit(topic, data),
            service=service,
            tenant=self.tenant,
            case_id=self.id,
            seq=self._seq[stream],
            now=START,
            cause=_CAUSE,
        )


class Routing:
    """The built service, its clock, its callers, and what it told."""

    def __init__(self, service: Service, http: httpx.AsyncClient, clock: ManualClock) -> None:
        self.service = service
        self.http = http
        self.clock = clock
        self.keys: dict[str, str] = {}
        self.log: SqliteBus | None = None

    @property
    def cases(self) -> Any:
        """The case documents."""
        return self.service.runtime.cases

    async def hears(self, *events: Raw) -> None:
        """Deliver events, one after the other, under the inbox rule."""
        for raw in events:
            await self.cases.deliver(raw.attributes()["subject"], [raw])

    async def body(self, case: CaseEvents) -> dict[str, Any]:
        """Return the document's body."""
        found = await self.cases.get(case.id)
        assert found is not None
        return dict(found)

    async def told(self, case: CaseEvents) -> Sequence[dict[str, Any]]:
        """Return the events of a case: their data, with `topic` and `time`."""
        stored = await self.cases.store.events(CASES, case.id, 0)
        found = []
        for one in stored:
            head = one.raw.attributes()
            name = head["type"].removeprefix("id.aduan.").removesuffix(".v1")
            found.append({**from_json(one.raw.value), "topic": name, "time": head["time"]})
        return found

    async def call(self, method: str, path: str, who: str, **options: Any) -> httpx.Response:
        """Call as the holder of a key. who: an office's code, coordinator, admin, ..."""
        headers = {"Authorization": f"Bearer {self.keys[who]}", **options.pop("headers", {})}
        return await self.http.request(method, path, headers=headers, **options)

    async def act(
        self, case: CaseEvents, action: str, who: str, fields: Any = None, **headers: str
    ) -> httpx.Response:
        """Post an action."""
        return await self.call(
            "POST", f"/v1/cases/{case.id}/{action}", who, json=fields or {}, headers=headers
        )

    async def done(self, case: CaseEvents, action: str, who: str, fields: Any = None) -> Any:
        """Post an action that must be accepted; return the case after it."""
        answer = await self.act(case, action, who, fields)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def proof(self, case: CaseEvents, who: str = "DPU") -> str:
        """Store a photo as evidence; return its id."""
        answer = await self.call(
            "POST",
            "/v1/evidence",
            who,
            data={"case": case.id},
            files={"file": ("foto.png", photo(), "image/png")},
        )
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def later(self, **step: float) -> datetime:
        """Let time pass; return the new domain time."""
        self.clock.advance(timedelta(**step))
        return self.clock.now()


def photo(colour: str = "gray") -> bytes:
    """Return a small PNG."""
    file = io.BytesIO()
    Image.new("RGB", (40, 30), colour).save(file, "PNG")
    return file.getvalue()


def key_of(scopes: Sequence[Scope], opd: str | None = None) -> tuple[str, KeyRecord]:
    """Return a key of the tenant."""
    return make_key(tenant=TENANT, scopes=scopes, opd=opd)


@asynccontextmanager
async def routing_in(
    folder: Path,
    *,
    intake: httpx.AsyncBaseTransport | None = None,
    extra_keys: Mapping[str, tuple[str, KeyRecord]] | None = None,
    units_bus: str = "sqlite:////unused",
    tenants: tuple[str, ...] = (TENANT,),
    kafka: Mapping[str, Any] | None = None,
) -> AsyncIterator[Routing]:
    """Build routing on a folder, with keys of two offices, the coordinator and an administrator.

    units_bus: where connected units' topics are; by default in the embedded log. kafka: who routing
    is there, as fields of its settings.
    """
    clock = ManualClock(START)
    world = World(folder, clock)
    office: tuple[Scope, ...] = ("cases:read", "cases:act", "content:read")
    keys = {
        "DPU": key_of(office, "DPU"),
        "DISHUB": key_of(office, "DISHUB"),
        "INSPEKTORAT": key_of(office, "INSPEKTORAT"),
        "coordinator": key_of(("cases:read", "cases:coordinate", "content:read")),
        "reader": key_of(("cases:read",)),
        "admin": make_key(tenant=TENANT, scopes=sorted(SCOPES)),  # type: ignore[arg-type]  # the closed set
        "stranger": make_key(tenant="35.73", scopes=("cases:read", "cases:coordinate")),
        **(extra_keys or {}),
    }
    settings = Settings(
        store="sqlite:////unused",
        bus=units_bus,
        reference_dir=REFERENCE,
        tenants=tenants,
        seal_key=SecretStr(SEAL_KEY),
        intake_url="http://intake.test" if intake is not None else None,
        intake_content_key=SecretStr("unused") if intake is not None else None,
        secure_cookies=False,
        static_keys=tuple(record for _, record in keys.values()),
        **(kafka or {}),
    )
    what = spec(settings)
    service = await build(
        settings,
        spec=what,
        store=world.store(what),
        bus=world.bus,
        clock=clock,
        registry=CollectorRegistry(),
        intake_transport=intake,
    )
    async with client_of(service.app) as http:
        routing = Routing(service, http, clock)
        routing.log = world.bus
        routing.keys = {name: text for name, (text, _) in keys.items()}
        yield routing
    if service.close is not None:
        await service.close()
    world.close()
