"""What LaporGub does with a report: number it, keep its timeline, move it on, pass it to a city.

Plain functions over one transaction; times are handed in. Texts that a citizen would read are
Bahasa Indonesia.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from aduan.clock import WIB, iso, parse_iso
from aduan_simulators.laporgub.book import Pen, Row
from aduan_simulators.laporgub.faults import PartnerError, read_plan
from aduan_simulators.laporgub.places import CITIES, SECTORS
from aduan_simulators.laporgub.samples import citizen_report

TICKET = "ticket"
INBOUND = "masuk"

Filled = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Status = Literal[
    "belum dijawab",
    "verifikasi",
    "progres",
    "selesai",
    "dikembalikan",
    "bukan wewenang",
    "spam",
    "tidak layak",
]


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How this LaporGub acts by itself. None or 0 switches a habit off.

    All times are real ones.
    verify_after: how long after a partner's submission its staff mark it "verifikasi".
    inbound_total, inbound_every: how many reports citizens of the city send, and how far apart.
    """

    seed: int = 1
    city_id: int = 3374
    verify_after: timedelta | None = None
    inbound_total: int = 0
    inbound_every: timedelta = timedelta(seconds=5)


class Submission(BaseModel):
    """A partner's report. ref is the partner's own reference; jenis 1 is public, 0 private."""

    model_config = ConfigDict(extra="forbid")
    ref: Filled = Field(max_length=80)
    judul: str | None = Field(default=None, max_length=200)
    aduan: Filled = Field(max_length=10_000)
    lokasi: Filled = Field(max_length=500)
    kota_id: int
    jenis: Literal[0, 1]
    anonim: Literal[0, 1] = 0
    sektor: str = "Kabupaten Kota"
    pelapor: dict[str, str] | None = None


class Response(BaseModel):
    """A partner's entry in the timeline of a ticket. status moves the ticket, if given."""

    model_config = ConfigDict(extra="forbid")
    ref: Filled = Field(max_length=80)
    judul: Filled = Field(max_length=200)
    isi: Filled = Field(max_length=10_000)
    status: Status | None = None


def local_text(now: datetime) -> str:
    """Return a moment as LaporGub writes it: WIB without a zone."""
    return f"{now.astimezone(WIB):%Y-%m-%d %H:%M:%S}"


def submit(
    pen: Pen,
    form: Submission,
    *,
    partner: str,
    now: datetime,
    wall: datetime,
    behaviour: Behaviour,
) -> Row:
    """Store a partner's report as a new ticket; a repeated `ref` becomes another ticket.

    Raises PartnerError 422 for an unknown city or sector, and for what the switches refuse.
    """
    plan = read_plan(pen)
    errors: dict[str, list[str]] = {}
    if form.kota_id not in CITIES:
        errors["kota_id"] = ["unknown"]
    if form.sektor not in SECTORS:
        errors["sektor"] = ["unknown"]
    if plan.identity_required and not form.pelapor:
        errors["pelapor"] = ["required"]
    if plan.confidential_refused and form.jenis == 0:
        errors["jenis"] = ["private_refused"]
    if errors:
        raise PartnerError(422, "Data tidak lengkap atau tidak sah", errors)
    row = _new_ticket(pen, form.model_dump(), source="mitra", now=now, seed=behaviour.seed)
    row["mitra"] = partner
    due = ""
    if behaviour.verify_after is not None:
        due = iso(wall + behaviour.verify_after)
    return _save(pen, row, due=due)


def respond(pen: Pen, ticket: str, form: Response, *, user: str, now: datetime) -> Row:
    """Add a partner's entry and return it with its id. A repeat adds another entry."""
    row = ticket_of(pen, ticket)
    entry = _entry(row, form.judul, form.isi, user=user, now=now, ref=form.ref)
    if form.status is not None:
        row["status"] = form.status
    _save(pen, row)
    return entry


def staff_moves(
    pen: Pen, ticket: str, *, status: str | None, title: str, text: str, now: datetime
) -> Row:
    """Let the province's staff add an entry and, if `status` is given, move the ticket."""
    row = ticket_of(pen, ticket)
    _entry(row, title, text, user="Admin LaporGub", now=now)
    if status is not None:
        row["status"] = status
    return _save(pen, row)


def send_to_city(pen: Pen, ticket: str, *, now: datetime) -> Row:
    """Put a ticket into the city's inbound list, also one that the city itself had submitted."""
    row = ticket_of(pen, ticket)
    number = pen.next_number(INBOUND)
    pen.put(INBOUND, str(number), {"tiket": ticket, "dikirim": local_text(now)})
    return row


def citizen_reports(pen: Pen, form: dict[str, Any], *, now: datetime, behaviour: Behaviour) -> Row:
    """Store a citizen's report to the province that concerns the city, and send it there."""
    form = {"ref": "", "judul": None, "kota_id": behaviour.city_id, **form}
    row = _new_ticket(pen, form, source="warga", now=now, seed=behaviour.seed)
    row["kanal"] = form.get("kanal", "Web")
    pen.next_number("own")
    _save(pen, row)
    return send_to_city(pen, row["tiket"], now=now)


def advance(pen: Pen, *, now: datetime, wall: datetime, behaviour: Behaviour) -> None:
    """Do what staff and citizens have done by now. Called before every answer; needs no timer."""
    for row in pen.due(TICKET, iso(wall)):
        if row["status"] == "belum dijawab":
            row["status"] = "verifikasi"
            _entry(row, "Verifikasi", "Laporan diverifikasi.", user="Admin LaporGub", now=now)
        _save(pen, row)
    sent = pen.number("citizen")
    if sent >= behaviour.inbound_total:
        return
    started = pen.switch("started").get("at")
    if started is None:
        pen.set_switch("started", {"at": iso(wall)})
        started = iso(wall)
    elapsed = wall - parse_iso(started)
    wanted = min(behaviour.inbound_total, 1 + int(elapsed / behaviour.inbound_every))
    for _ in range(wanted - sent):
        number = pen.next_number("citizen")
        citizen_reports(pen, citizen_report(behaviour.seed, number), now=now, behaviour=behaviour)


def ticket_of(pen: Pen, ticket: str) -> Row:
    """Return a ticket. Raises PartnerError 404."""
    row = pen.get(TICKET, ticket)
    if row is None:
        raise PartnerError(404, "Tiket tidak ditemukan")
    return row


def _new_ticket(pen: Pen, form: Row, *, source: str, now: datetime, seed: int) -> Row:
    number = pen.next_number(TICKET)
    # A step that shares no factor with the range visits every number once: unique, not sequential.
    digits = 10_000_000 + (number * 7_919 + seed * 104_729) % 90_000_000
    row: Row = {
        **form,
        "tiket": f"LGWP{digits}",
        "asal": source,
        "mitra": None,
        "kanal": "API",
        "status": "belum dijawab",
        "dibuat": local_text(now),
        "linimasa": [],
    }
    _entry(row, "Laporan diterima", "Laporan telah diterima.", user="Sistem", now=now)
    return row


def _entry(
    row: Row, title: str, text: str, *, user: str, now: datetime, ref: str | None = None
) -> Row:
    entry = {
        "id": f"{row['tiket']}-{len(row['linimasa']) + 1}",
        "title": title,
        "date": local_text(now),
        "user": user,
        "description": text,
        "ref": ref,
    }
    row["linimasa"].append(entry)
    return entry


def _save(pen: Pen, row: Row, *, due: str = "") -> Row:
    pen.put(TICKET, row["tiket"], row, ref=row["ref"] or "", due=due)
    return row
