"""The pages at /lacak: how a complaint goes on, and what its reporter answers."""

import io
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from aduan_harness import World, eventually, records_of
from aduan_intake_world import Intake, a_complaint, intake_in
from aduan_pages import Page
from PIL import Image

from aduan.clock import ManualClock
from aduan.contracts.envelope import Reaction
from aduan.storage.port import Body
from aduan.ticket import new_ticket

START = datetime(2026, 12, 1, 2, tzinfo=UTC)
EVIL = '<img src=x onerror="alert(1)">'


@pytest.fixture
async def intake(tmp_path: Path) -> AsyncIterator[Intake]:
    """A running intake."""
    world = World(tmp_path, ManualClock(START))
    async with intake_in(world) as running:
        yield running
    world.close()


async def complain(intake: Intake, **changes: Any) -> tuple[str, str]:
    """Post a complaint; return its ticket and the reporter's token."""
    made = (await intake.post(a_complaint(**changes))).json()
    return made["ticket"], made["reporter_token"]


async def in_state(intake: Intake, ticket: str, **changes: Any) -> None:
    """Let the projection say what routing and sla would have told."""
    cases = intake.service.runtime.cases
    found = await cases.get_by_key(f"ticket:{ticket}")
    assert found is not None

    def change(body: Body | None, _now: datetime) -> Reaction:
        return Reaction({**(body or {}), **changes})

    await cases.command(found[0], change)


async def told(intake: Intake) -> list[dict[str, Any]]:
    """The replies that were published, once all of them are."""
    runtime = intake.service.runtime

    async def published() -> bool:
        return await runtime.store.pending_count(runtime.spec.collections[0]) == 0

    await eventually(published)
    values = records_of(runtime.bus, "complaint.replied")  # type: ignore[arg-type]  # the embedded log
    return [json.loads(value) for value in values]


async def look(intake: Intake, ticket: str) -> Page:
    """Open the page of a complaint."""
    answer = await intake.http.get(f"/lacak/{ticket}")
    assert answer.status_code == 200
    return Page(answer.text)


async def answer(
    intake: Intake, ticket: str, fields: dict[str, str], *photos: bytes
) -> httpx.Response:
    """Press the button of the reply box."""
    files = [("foto", (f"{n}.png", photo, "image/png")) for n, photo in enumerate(photos)]
    return await intake.http.post(
        f"/lacak/{ticket}/balasan", data=fields, files=files or {"foto": ("", b"")}
    )


def photo() -> bytes:
    """A small picture."""
    out = io.BytesIO()
    Image.new("RGB", (16, 16), "teal").save(out, "PNG")
    return out.getvalue()


async def test_a_ticket_leads_to_its_page_in_any_spelling(intake: Intake) -> None:
    """Lower case and spaces; the address that is shown in the end is the written form."""
    ticket, _ = await complain(intake)
    sloppy = ticket.lower().replace("-", " ")
    found = await intake.http.get("/lacak", params={"tiket": sloppy})
    typed = await intake.http.get(f"/lacak/{sloppy}")

    assert (found.status_code, found.headers["location"]) == (303, f"/lacak/{ticket}")
    assert (typed.status_code, typed.headers["location"]) == (303, f"/lacak/{ticket}")


@pytest.mark.parametrize(
    ("ticket", "status"),
    [("SMG-AAAAA-AAAAA-A", 422), ("halo", 422), (new_ticket("SMG"), 404)],
    ids=["mistyped", "no ticket", "unknown"],
)
async def test_a_wrong_ticket_gets_a_friendly_page(
    intake: Intake, ticket: str, status: int
) -> None:
    """The search again, what was typed still in it, and a sentence beside it."""
    for answered in (
        await intake.http.get(f"/lacak/{ticket}"),
        await intake.http.get("/lacak", params={"tiket": ticket}),
    ):
        page = Page(answered.text)

        assert answered.status_code == status
        assert "Mohon periksa kembali" in page.errors["tiket"]
        assert page.fields["tiket"] == ticket


async def test_the_page_tells_state_due_date_and_every_step_in_plain_words(intake: Intake) -> None:
    """What routing and sla told, in WIB, oldest first."""
    ticket, _ = await complain(intake)
    lines = [
        {"at": "2026-12-01T03:00:00.000000Z", "text": "Sedang dikerjakan.", "by": "system"},
        {"at": "2026-12-02T03:00:00.000000Z", "text": "Dijawab.", "by": "system", "more": EVIL},
    ]
    due = {"name": "complete", "due_at": "2026-12-15T16:59:59.000000Z"}
    await in_state(intake, ticket, state="in_progress", timeline=lines, nearest=due)
    page = await look(intake, ticket)

    assert "Sedang ditindaklanjuti" in page.said
    assert ("span", {"class": "badge state-in_progress"}) in page.tags
    assert (
        "Laporan diselesaikan paling lambat Selasa, 15 Desember 2026 pukul 23.59 WIB." in page.said
    )
    order = [page.said.index(text) for text in ("Laporan diterima.", "Sedang dikerj", "Dijawab.")]
    assert order == sorted(order)
    assert "Rabu, 2 Desember 2026 pukul 10.00 WIB" in page.said
    assert EVIL in page.said
    assert not [tag for tag, _ in page.tags if tag == "img"]


async def test_of_a_confidential_complaint_the_public_learns_only_that_it_exists(
    intake: Intake,
) -> None:
    """No state, no step, no reply box; a wrong token changes nothing."""
    ticket, _ = await complain(intake, confidential=True)
    page = await look(intake, ticket)
    wrong = await intake.http.post(f"/lacak/{ticket}/buka", data={"token": "A" * 32})
    refused = Page(wrong.text)

    assert wrong.status_code == 403
    assert "tidak cocok" in refused.errors["token"]
    for shown in (page, refused):
        assert "rahasia" in shown.said
        assert "Laporan diterima" not in shown.said
        assert not [given for _, given in shown.tags if "timeline" in given.get("class", "")]
        assert "isi" not in shown.fields


async def test_its_reporter_opens_a_confidential_complaint_with_the_token(intake: Intake) -> None:
    """As it is copied from the page, in groups; the token travels in the body of a form only."""
    ticket, token = await complain(intake, confidential=True)
    grouped = " ".join(token[at : at + 4] for at in range(0, 32, 4)).lower()
    opened = await intake.http.post(f"/lacak/{ticket}/buka", data={"token": grouped})
    page = Page(opened.text)
    addresses = page.values_of("a", "href") + page.values_of("form", "action")

    assert opened.status_code == 200
    assert "Laporan diterima." in page.said
    assert "set-cookie" not in opened.headers
    assert {given["method"] for tag, given in page.tags if tag == "form"} == {"post"}
    assert not [
        address
        for address in addresses
        if token in address.upper().replace("%20", "").replace(" ", "")
    ]


async def test_a_token_in_the_address_opens_nothing(intake: Intake) -> None:
    """Addresses end up in histories and logs, so none is read from there."""
    ticket, token = await complain(intake, confidential=True)
    page = await look(intake, f"{ticket}?token={token}")

    assert "Laporan diterima" not in page.said


@pytest.mark.parametrize(
    ("state", "kind", "more"),
    [
        ("awaiting_reporter", "reply", {"isi": "Dekat pos kamling."}),
        ("in_progress", "supplement", {"isi": "Sekarang dua lampu."}),
        ("answered", "rating", {"nilai": "4"}),
        ("answered", "objection", {"isi": "Masih padam."}),
        ("triage", "withdrawal", {}),
    ],
)
async def test_the_reporter_can_say_everything_that_the_state_offers(
    intake: Intake, state: str, kind: str, more: dict[str, str]
) -> None:
    """One event of that kind, then back to the page with thanks."""
    ticket, token = await complain(intake)
    await in_state(intake, ticket, state=state)
    page = await look(intake, ticket)
    fields = {**page.fields, "balasan": kind, "token": token, **more}
    sent = await answer(intake, ticket, fields)
    after = await intake.http.get(sent.headers["location"])
    (event,) = await told(intake)

    assert kind in [given["value"] for _, given in page.tags if given.get("name") == "balasan"]
    assert sent.status_code == 303
    assert "sudah kami terima" in Page(after.text).said
    assert token not in sent.headers["location"]
    assert (event["kind"], event.get("text")) == (kind, more.get("isi"))
    assert event.get("rating") == (4 if kind == "rating" else None)


async def test_two_clicks_in_the_reply_box_make_one_reply(intake: Intake) -> None:
    """The hidden key is the same; the photo is kept once."""
    ticket, token = await complain(intake)
    page = await look(intake, ticket)
    fields = {**page.fields, "balasan": "supplement", "isi": "Dua lampu.", "token": token}
    statuses = [(await answer(intake, ticket, fields, photo())).status_code for _ in range(2)]
    events = await told(intake)

    assert statuses == [303, 303]
    assert sorted(len(event["attachments"]) for event in events) == [0, 1]


async def test_nobody_speaks_without_the_token(intake: Intake) -> None:
    """No cookie speaks for the reporter, so a form of another site cannot either."""
    ticket, token = await complain(intake)
    page = await look(intake, ticket)
    good = {**page.fields, "balasan": "withdrawal", "isi": "Tidak jadi."}
    await answer(intake, ticket, {**good, "balasan": "supplement", "token": token})
    for wrong in ("", "A" * 32, token[:-1]):
        key = (await look(intake, ticket)).fields["kunci"]
        refused = await answer(intake, ticket, {**good, "kunci": key, "token": wrong})
        again = Page(refused.text)

        assert refused.status_code == 403
        assert "tidak cocok" in again.errors["token"]
        assert again.fields["isi"] == "Tidak jadi."
    assert [event["kind"] for event in await told(intake)] == ["supplement"]
    assert not intake.http.cookies


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"balasan": "supplement", "isi": ""}, "isi"),
        ({"balasan": "objection", "isi": "x" * 10_001}, "isi"),
        ({"balasan": "rating", "nilai": ""}, "nilai"),
        ({"balasan": "rating", "nilai": "6"}, "nilai"),
        ({"balasan": "marah"}, "balasan"),
    ],
)
async def test_an_error_in_a_reply_stands_beside_its_field(
    intake: Intake, change: dict[str, str], field: str
) -> None:
    """422, the input is kept, nothing is told."""
    ticket, token = await complain(intake)
    await in_state(intake, ticket, state="answered")
    page = await look(intake, ticket)
    refused = await answer(intake, ticket, {**page.fields, "token": token, **change})
    again = Page(refused.text)

    assert refused.status_code == 422
    assert list(again.errors) == [field]
    assert again.fields["token"] == token
    assert await told(intake) == []


async def test_html_in_a_reply_stays_text(intake: Intake) -> None:
    """In the box that is shown again."""
    ticket, _ = await complain(intake)
    page = await look(intake, ticket)
    refused = await answer(intake, ticket, {**page.fields, "isi": EVIL, "token": EVIL})
    again = Page(refused.text)

    assert (again.fields["isi"], again.fields["token"]) == (EVIL, EVIL)
    assert not [tag for tag, _ in again.tags if tag == "img"]


async def test_a_reply_to_a_confidential_complaint_hides_its_words_from_the_event(
    intake: Intake,
) -> None:
    """The reporter opens it, answers, and the event says only where the words may be asked for."""
    ticket, token = await complain(intake, confidential=True)
    opened = Page((await intake.http.post(f"/lacak/{ticket}/buka", data={"token": token})).text)
    fields = {**opened.fields, "balasan": "supplement", "isi": "Pungutannya di loket 3."}
    sent = await answer(intake, ticket, fields)
    (event,) = await told(intake)

    assert sent.status_code == 303
    assert "text" not in event
    assert event["content_ref"].startswith("/internal/v1/complaints/")


async def test_a_rejected_complaint_offers_no_reply_box(intake: Intake) -> None:
    """Where nothing can follow, nothing is asked."""
    ticket, _ = await complain(intake)
    await in_state(intake, ticket, state="rejected")
    page = await look(intake, ticket)

    assert "Tidak dapat diproses" in page.said
    assert "isi" not in page.fields
