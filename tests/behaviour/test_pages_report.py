"""The form at /lapor, filled in as a citizen's browser does."""

import io
import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from aduan_harness import World, eventually, records_of
from aduan_intake_world import Intake, intake_in
from aduan_pages import Page
from PIL import Image

from aduan.clock import ManualClock
from aduan_intake.domain.complaint import COMPLAINTS
from aduan_intake.domain.images import BYTES_LIMIT

START = datetime(2026, 12, 1, 2, tzinfo=UTC)
WORDS = "Lampu jalan di depan balai RW padam sejak tiga malam."
EVIL = '<script>alert("x")</script>'


@pytest.fixture
async def intake(tmp_path: Path) -> AsyncIterator[Intake]:
    """A running intake."""
    world = World(tmp_path, ManualClock(START))
    async with intake_in(world) as running:
        yield running
    world.close()


async def form(intake: Intake, **filled: str) -> dict[str, str]:
    """Open the form and fill it in."""
    page = Page((await intake.http.get("/lapor")).text)
    return {**page.fields, **filled}


async def send(
    intake: Intake, fields: dict[str, str], photos: tuple[bytes, ...] = ()
) -> httpx.Response:
    """Press the button."""
    files = [("foto", (f"foto-{n}.jpg", photo, "image/jpeg")) for n, photo in enumerate(photos)]
    return await intake.http.post("/lapor", data=fields, files=files or {"foto": ("", b"")})


async def told(intake: Intake, topic: str) -> list[dict[str, Any]]:
    """What was published, once all of it is."""
    runtime = intake.service.runtime

    async def published() -> bool:
        return await runtime.store.pending_count(runtime.spec.collections[0]) == 0

    await eventually(published)
    values = records_of(runtime.bus, topic)  # type: ignore[arg-type]  # the embedded log
    return [json.loads(value) for value in values]


def photo(colour: str = "orange", size: int = 64) -> bytes:
    """A small picture."""
    out = io.BytesIO()
    Image.new("RGB", (size, size), colour).save(out, "JPEG")
    return out.getvalue()


def ticket_on(page: Page) -> str:
    """The number that the page hands over."""
    found = re.search(r"\b[A-Z]{3}-[0-9A-Z]{5}-[0-9A-Z]{5}-[0-9A-Z]\b", page.said)
    assert found
    return found[0]


async def test_a_complaint_is_sent_and_number_and_token_are_handed_over(intake: Intake) -> None:
    """Words, kind, area, place, day and flags arrive; the contact is sealed away."""
    fields = await form(
        intake,
        jenis="aspirasi",
        judul="Lampu jalan",
        uraian=WORDS,
        wilayah="33.74.01.1001",
        lokasi="Depan balai RW",
        tanggal="2026-11-28",
        nama="Sekar Wening",
        surel="sekar@contoh.id",
    )
    answer = await send(intake, fields)
    page = Page(answer.text)
    (event,) = await told(intake, "complaint.created")

    assert answer.status_code == 201
    assert (await intake.http.get(f"/v1/complaints/{ticket_on(page)}")).status_code == 200
    assert (event["text"], event["title"]) == (WORDS, "Lampu jalan")
    assert (event["citizen_word"], event["class_hint"]) == ("aspirasi", "aspirasi")
    assert event["place"]["area_code"] == "33.74.01.1001"
    assert event["place"]["text"] == "Depan balai RW"
    assert event["occurred_on"] == "2026-11-28"
    assert (event["portal"], event["inlet"]) == ("web", "lapor-semar-web")
    assert (event["anonymous"], event["confidential"], event["flags_complete"]) == (
        False,
        False,
        True,
    )
    assert event["reporter"]["reachable_by"] == ["email"]
    assert "sekar" not in json.dumps(event).lower()


async def test_the_words_alone_are_enough(intake: Intake) -> None:
    """Everything else may stay empty."""
    answer = await send(intake, await form(intake, uraian=WORDS))

    assert answer.status_code == 201
    assert await intake.documents() == 1


async def test_two_clicks_make_one_complaint(intake: Intake) -> None:
    """The hidden key is the same, so both answers name the same number, photo and all."""
    fields = await form(intake, uraian=WORDS)
    answers = [await send(intake, fields, (photo(),)) for _ in range(2)]

    assert len({ticket_on(Page(answer.text)) for answer in answers}) == 1
    assert await intake.documents() == 1
    assert len(await told(intake, "complaint.replied")) == 1


async def test_each_opened_form_has_a_key_of_its_own(intake: Intake) -> None:
    """The same words from two forms are two complaints."""
    for _ in range(2):
        await send(intake, await form(intake, uraian=WORDS))

    assert await intake.documents() == 2


async def test_a_form_that_was_sent_and_then_changed_asks_once_more(intake: Intake) -> None:
    """Back, edit, send: nothing is lost; the second press makes the second complaint."""
    fields = await form(intake, uraian=WORDS)
    await send(intake, fields)
    refused = await send(intake, {**fields, "uraian": "Got mampet."})
    again = Page(refused.text)
    taken = await send(intake, again.fields)

    assert refused.status_code == 422
    assert "sudah kami terima sebelumnya" in again.said
    assert again.fields["uraian"] == "Got mampet."
    assert (taken.status_code, await intake.documents()) == (201, 2)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"uraian": "  "}, "uraian"),
        ({"uraian": "x" * 10_001}, "uraian"),
        ({"judul": "x" * 201}, "judul"),
        ({"jenis": "marah"}, "jenis"),
        ({"wilayah": "33.74.99"}, "wilayah"),
        ({"wilayah": "Tembalang"}, "wilayah"),
        ({"lokasi": "x" * 501}, "lokasi"),
        ({"tanggal": "kemarin"}, "tanggal"),
        ({"tanggal": "2026-12-02"}, "tanggal"),
        ({"nama": "x" * 201}, "nama"),
        ({"surel": "sekar"}, "surel"),
        ({"telepon": "rumah"}, "telepon"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_an_error_stands_beside_its_field_and_keeps_what_was_written(
    intake: Intake, change: dict[str, str], field: str
) -> None:
    """422, the summary leads to the field, nothing is stored, and the rest is still there."""
    good = {"uraian": WORDS, "lokasi": "Depan pasar", "nama": "Sekar", "rahasia": "ya"}
    fields = await form(intake, **{**good, **change})
    answer = await send(intake, fields)
    page = Page(answer.text)
    kept = {name: value.strip() for name, value in fields.items() if name != field}

    assert answer.status_code == 422
    assert list(page.errors) == [field]
    assert f"#f-{field}" in page.values_of("a", "href")
    assert f"f-{field}" in page.values_of("input", "id") + page.values_of(
        "textarea", "id"
    ) + page.values_of("select", "id")
    assert kept.items() <= page.fields.items()
    assert await intake.documents() == 0


async def test_three_photos_go_along_and_are_told_without_their_content(intake: Intake) -> None:
    """Each is a supplement of the complaint; the page says nothing was lost."""
    fields = await form(intake, uraian=WORDS)
    answer = await send(intake, fields, (photo("red"), photo("green"), photo("blue")))
    told_of = await told(intake, "complaint.replied")

    assert answer.status_code == 201
    assert "belum tersimpan" not in Page(answer.text).said
    assert [len(event["attachments"]) for event in told_of] == [1, 1, 1]


@pytest.mark.parametrize(
    ("photos", "sentence"),
    [
        ((b"PK not a picture",), "bukan foto"),
        ((photo()[:200],), "tidak utuh"),
        ((photo() + b"x" * BYTES_LIMIT,), "terlalu besar"),
        (tuple(photo() for _ in range(4)), "Paling banyak 3"),
    ],
    ids=["no picture", "cut off", "too large", "too many"],
)
async def test_a_photo_that_cannot_be_taken_stops_the_form_before_anything_is_stored(
    intake: Intake, photos: tuple[bytes, ...], sentence: str
) -> None:
    """422 with a sentence beside the photo field; the words are kept."""
    answer = await send(intake, await form(intake, uraian=WORDS), photos)
    page = Page(answer.text)

    assert answer.status_code == 422
    assert sentence in page.errors["foto"]
    assert page.fields["uraian"] == WORDS
    assert await intake.documents() == 0


async def test_html_in_what_people_write_stays_text(intake: Intake) -> None:
    """In the form that comes back, and nowhere as a tag."""
    fields = await form(intake, uraian=EVIL, lokasi=EVIL, nama=EVIL, judul=EVIL, surel=EVIL)
    answer = await send(intake, fields)
    page = Page(answer.text)

    assert answer.status_code == 422
    assert "<script" not in answer.text
    assert {page.fields[name] for name in ("uraian", "lokasi", "nama", "judul")} == {EVIL}


async def test_the_flags_are_what_the_citizen_ticked(intake: Intake) -> None:
    """A ticked box is true; a confidential text stays out of the event."""
    await send(intake, await form(intake, uraian=WORDS, anonim="ya", rahasia="ya"))
    (event,) = await told(intake, "complaint.created")

    assert (event["anonymous"], event["confidential"]) == (True, True)
    assert event.get("text") is None


async def test_the_token_stands_on_the_page_only(intake: Intake) -> None:
    """In no address, no cookie and no header; and the page may not be kept by a cache."""
    answer = await send(intake, await form(intake, uraian=WORDS))
    page = Page(answer.text)
    token = page.said.partition("Kunci pelapor ")[2].partition(" Kunci ini")[0]
    bare = token.replace(" ", "")
    addresses = page.values_of("a", "href") + page.values_of("form", "action")

    assert re.fullmatch(r"[A-Z2-7]{32}", bare)
    assert not [address for address in addresses if bare in address]
    assert not [value for value in answer.headers.values() if bare in value]
    assert "set-cookie" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"


async def test_a_form_without_its_hidden_key_is_shown_again(intake: Intake) -> None:
    """Without the key a repeat could not be told from a new complaint."""
    fields = await form(intake, uraian=WORDS)
    answer = await send(intake, {**fields, "kunci": "x"})
    again = Page(answer.text)

    assert (answer.status_code, await intake.documents()) == (422, 0)
    assert again.fields["uraian"] == WORDS
    assert (await send(intake, again.fields)).status_code == 201


async def test_the_form_says_112_and_offers_every_kelurahan(intake: Intake) -> None:
    """16 kecamatan with 177 kelurahan, and the emergency number before the first field."""
    page = Page((await intake.http.get("/lapor")).text)
    codes = [code for code in page.values_of("option", "value") if code]

    assert "112" in page.said.partition("Apa yang terjadi")[0]
    assert len(page.values_of("optgroup", "label")) == 16
    assert (len(set(codes)), len(codes)) == (193, 193)


async def test_every_field_of_the_form_has_a_label(intake: Intake) -> None:
    """Each id that a label names exists, once."""
    page = Page((await intake.http.get("/lapor")).text)
    ids = [given["id"] for _, given in page.tags if "id" in given]

    assert len(ids) == len(set(ids))
    assert set(page.values_of("label", "for")) <= set(ids)
    assert {"f-uraian", "f-wilayah", "f-foto", "f-surel"} <= set(page.values_of("label", "for"))


async def test_forms_that_come_too_fast_are_slowed_down_with_a_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """429 with a friendly page once the hour's number is used up; reading goes on."""
    monkeypatch.setenv("ADUAN_INTAKE_FORM_POSTS_PER_HOUR", "2")
    world = World(tmp_path, ManualClock(START))
    async with intake_in(world) as intake:
        fields = [await form(intake, uraian=f"{WORDS} {n}") for n in range(3)]
        answers = [await send(intake, one) for one in fields]
        reading = await intake.http.get("/lapor")
        through_api = await intake.post({"text": WORDS, "external_id": "e"})
        stored = await intake.documents()
    world.close()

    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert "Mohon tunggu sebentar" in Page(answers[2].text).said
    assert int(answers[2].headers["retry-after"]) > 0
    assert (reading.status_code, through_api.status_code, stored) == (200, 201, 3)


async def test_the_form_belongs_to_the_citys_citizens_wherever_the_canary_stands(
    tmp_path: Path,
) -> None:
    """A report that became the canary's would reach nobody and be gone after a day."""
    world = World(tmp_path, ManualClock(START))
    async with intake_in(world, tenants=("00.00", "33.74")) as intake:
        answer = await send(intake, await form(intake, uraian=WORDS))
        documents = intake.service.runtime.store
        city, canary = [
            await documents.count(COMPLAINTS, "received", equal=(code,))
            for code in ("33.74", "00.00")
        ]
    world.close()

    assert answer.status_code < 400
    assert (1, 0) == (city, canary)
