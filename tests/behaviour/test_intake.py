"""intake through its front door: one complaint, once, whatever happens to the answer."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aduan_harness import World, records_of
from aduan_intake_world import Intake, a_complaint, intake_in
from PIL import Image

from aduan.clock import ManualClock
from aduan.web.keys import SCOPES, make_key

START = datetime(2026, 12, 1, 2, tzinfo=UTC)


@pytest.fixture
async def intake(tmp_path: Path) -> AsyncIterator[Intake]:
    """A running intake."""
    world = World(tmp_path, ManualClock(START))
    async with intake_in(world) as running:
        yield running
    world.close()


def events(intake: Intake, topic: str) -> list[dict[str, Any]]:
    """What was published."""
    bus = intake.service.runtime.bus
    return [json.loads(value) for value in records_of(bus, topic)]  # type: ignore[arg-type]  # the embedded log


async def settled(intake: Intake) -> None:
    """Wait until the relay has published everything."""
    from aduan_harness import eventually

    async def published() -> bool:
        runtime = intake.service.runtime
        return await runtime.store.pending_count(runtime.spec.collections[0]) == 0

    await eventually(published)


async def test_a_complaint_is_acknowledged_with_ticket_token_and_location(intake: Intake) -> None:
    """201, and the ticket answers without a key as received."""
    answer = await intake.post(a_complaint())
    made = answer.json()
    seen = await intake.http.get(answer.headers["Location"])

    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/v1/complaints/{made['ticket']}"
    assert (seen.status_code, seen.json()["state"]) == (200, "received")


async def test_a_repeat_answers_the_same_token_included(intake: Intake) -> None:
    """The lost answer comes again; nothing is stored twice and one event is told."""
    body = a_complaint()
    first = await intake.post(body, **{"Idempotency-Key": "k"})
    again = await intake.post(body, **{"Idempotency-Key": "k"})
    by_id = await intake.post(body)
    await settled(intake)

    assert again.json() == first.json() == by_id.json()
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == by_id.headers["Idempotent-Replayed"] == "true"
    assert (await intake.documents(), len(events(intake, "complaint.created"))) == (1, 1)


async def test_fifty_concurrent_posts_of_one_complaint_make_one(intake: Intake) -> None:
    """Whoever comes first wins; all get its answer."""
    answers = await asyncio.gather(*(intake.post(a_complaint()) for _ in range(50)))

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["ticket"] for answer in answers}) == 1
    assert await intake.documents() == 1


async def test_a_key_with_another_body_is_422_and_an_external_id_with_another_body_409(
    intake: Intake,
) -> None:
    """Neither changes anything."""
    await intake.post(a_complaint(external_id=None), **{"Idempotency-Key": "k"})
    await intake.post(a_complaint(external_id="e"))
    other = {"text": "Sesuatu yang lain sama sekali."}
    by_key = await intake.post(a_complaint(external_id=None, **other), **{"Idempotency-Key": "k"})
    by_id = await intake.post(a_complaint(external_id="e", **other))

    assert (by_key.status_code, by_key.json()["code"]) == (422, "idempotency_key_reused")
    assert (by_id.status_code, by_id.json()["code"]) == (409, "external_id_taken")
    assert await intake.documents() == 2


async def test_without_a_key_and_an_external_id_it_is_400(intake: Intake) -> None:
    """A repeat could not be recognised, so it is not taken at all."""
    answer = await intake.post(a_complaint(external_id=None))

    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_required")
    assert await intake.documents() == 0


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"text": ""}, "text"),
        ({"text": "x" * 10_001}, "text"),
        ({"mood": "angry"}, "mood"),
        ({"place": {"lat": 91}}, "place.lat"),
        ({"place": {"area_code": "Semarang"}}, "place.area_code"),
        ({"anonymous": "perhaps"}, "anonymous"),
        ({"reporter": {"email": "not an address"}}, "reporter.email"),
        ({"reporter": {"nik": "3374011234567890"}}, "reporter.nik"),
        ({"reported_at": "2026-12-01T08:00:00"}, "reported_at"),
        ({"class_hint": "marah"}, "class_hint"),
    ],
)
async def test_bad_input_names_the_field_and_changes_nothing(
    intake: Intake, change: dict[str, Any], field: str
) -> None:
    """A problem+json, free of what was sent."""
    answer = await intake.post(a_complaint(**change))

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert field in [error["field"] for error in answer.json()["errors"]]
    assert "3374011234567890" not in answer.text
    assert await intake.documents() == 0


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"text": 1e999}'])
async def test_a_body_that_is_no_complaint_is_a_4xx(intake: Intake, body: bytes) -> None:
    """Whatever it is, it is the caller's error."""
    answer = await intake.http.post(
        "/v1/complaints",
        content=body,
        headers={"Authorization": f"Bearer {intake.portal_key}", "Idempotency-Key": "k"},
    )

    assert 400 <= answer.status_code < 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert await intake.documents() == 0


async def test_without_a_key_nothing_is_taken(intake: Intake) -> None:
    """401 for no key and for a wrong one."""
    none = await intake.http.post("/v1/complaints", json=a_complaint())
    wrong = await intake.http.post(
        "/v1/complaints",
        json=a_complaint(),
        headers={"Authorization": "Bearer aduan_00_" + "x" * 43},
    )

    assert (none.status_code, wrong.status_code) == (401, 401)
    assert await intake.documents() == 0


async def test_numbers_addresses_and_the_own_name_are_masked_in_the_event(intake: Intake) -> None:
    """The text as received stays sealed; what travels is clean, and says what was masked."""
    await intake.post(
        a_complaint(
            text="Saya Budi Santoso, NIK 3374011234567890, hubungi 0812-3456-7890 atau b@ex.test.",
            title="Laporan Santoso",
            reporter={"name": "Budi Santoso", "email": "b@ex.test", "phone": "081234567890"},
            place={"text": "rumah Budi"},
        )
    )
    await settled(intake)
    (event,) = events(intake, "complaint.created")

    assert event["text"] == "Saya [NAMA], NIK [NIK], hubungi [TELEPON] atau [EMAIL]."
    assert (event["title"], event["place"]["text"]) == ("Laporan [NAMA]", "rumah [NAMA]")
    assert event["scrubbed"] == {"nik": 1, "phone": 1, "email": 1, "name": 3}
    assert event["reporter"]["reachable_by"] == ["email", "phone"]
    assert "Budi" not in json.dumps(event)


async def test_missing_flags_count_as_both_until_a_coordinator_decides(intake: Intake) -> None:
    """Everything defaults to the safe side."""
    body = a_complaint()
    del body["anonymous"], body["confidential"]
    await intake.post(body)
    await settled(intake)
    (event,) = events(intake, "complaint.created")

    assert (event["anonymous"], event["confidential"], event["flags_complete"]) == (
        True, True, False,
    )  # fmt: skip


async def test_a_confidential_complaint_travels_without_its_content(intake: Intake) -> None:
    """Behind content_ref: title, text, words and point of the place. The public sees a number."""
    answer = await intake.post(
        a_complaint(
            confidential=True,
            title="Judul",
            place={"area_code": "33.74.01.1001", "lat": -6.98, "lng": 110.4, "text": "gang buntu"},
        )
    )
    await settled(intake)
    (event,) = events(intake, "complaint.created")
    public = (await intake.http.get(answer.headers["Location"])).json()

    assert event["content_ref"].endswith("/content")
    assert not {"title", "text"} & event.keys()
    assert event["place"] == {"area_code": "33.74.01.1001"}
    assert (public["state"], public["timeline"], public["confidential"]) == (None, [], True)


async def test_an_oversight_report_is_confidential_from_the_start(intake: Intake) -> None:
    """Berkadar pengawasan implies rahasia, whatever the flag says."""
    await intake.post(a_complaint(class_hint="pengaduan_berkadar_pengawasan"))
    await settled(intake)

    assert events(intake, "complaint.created")[0]["confidential"] is True


async def test_the_reporter_sees_his_confidential_complaint_with_his_token(intake: Intake) -> None:
    """And nobody with another one."""
    answer = await intake.post(a_complaint(confidential=True))
    where, token = answer.headers["Location"], answer.json()["reporter_token"]
    mine = await intake.http.get(where, headers={"X-Reporter-Token": token})
    other = await intake.http.get(where, headers={"X-Reporter-Token": "A" * 32})

    assert (mine.json()["state"], other.status_code) == ("received", 403)


@pytest.mark.parametrize("spelling", [str.lower, lambda t: t.replace("-", " "), lambda t: f" {t} "])
async def test_a_ticket_is_read_in_any_spelling(intake: Intake, spelling: Any) -> None:
    """As people type it."""
    ticket = (await intake.post(a_complaint())).json()["ticket"]
    answer = await intake.http.get(f"/v1/complaints/{spelling(ticket)}")

    assert (answer.status_code, answer.json()["ticket"]) == (200, ticket)


async def test_a_mistyped_ticket_is_answered_without_a_look_up(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check character says so."""
    ticket = (await intake.post(a_complaint())).json()["ticket"]

    async def no_look(*_: Any) -> None:
        raise AssertionError("the store was asked")

    monkeypatch.setattr(type(intake.service.runtime.cases), "get_by_key", no_look)
    wrong = ticket[:-1] + ("0" if ticket[-1] != "0" else "1")
    answer = await intake.http.get(f"/v1/complaints/{wrong}")

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_ticket")


async def test_a_reply_is_kept_and_told_once_per_key(intake: Intake) -> None:
    """A repeat answers the same; another body under the key is refused."""
    made = await intake.post(a_complaint())
    where = made.headers["Location"] + "/replies"
    headers = {"X-Reporter-Token": made.json()["reporter_token"], "Idempotency-Key": "r"}
    body = {"kind": "reply", "text": "Di sebelah kanan, hubungi 081234567890."}
    first = await intake.http.post(where, json=body, headers=headers)
    again = await intake.http.post(where, json=body, headers=headers)
    other = await intake.http.post(where, json={**body, "text": "lain"}, headers=headers)
    await settled(intake)
    (event,) = events(intake, "complaint.replied")

    assert (first.status_code, again.status_code, other.status_code) == (201, 201, 422)
    assert first.json() == again.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert event["text"] == "Di sebelah kanan, hubungi [TELEPON]."
    assert event["reply_id"] == first.json()["reply_id"]


async def test_a_reply_needs_the_token_the_key_and_a_whole_body(intake: Intake) -> None:
    """Each missing part has its own answer; nothing is told."""
    made = await intake.post(a_complaint())
    where, token = made.headers["Location"] + "/replies", made.json()["reporter_token"]
    body = {"kind": "reply", "text": "x"}
    stranger = await intake.http.post(where, json=body, headers={"Idempotency-Key": "r"})
    keyless = await intake.http.post(where, json=body, headers={"X-Reporter-Token": token})
    both = {"X-Reporter-Token": token, "Idempotency-Key": "r"}
    unrated = await intake.http.post(where, json={"kind": "rating"}, headers=both)
    await settled(intake)

    assert [stranger.status_code, keyless.status_code, unrated.status_code] == [401, 400, 422]
    assert events(intake, "complaint.replied") == []


def a_photo(kind: str = "JPEG", **options: Any) -> bytes:
    """A small picture with a place and a camera in its metadata."""
    picture = Image.new("RGB", (40, 20), "red")
    exif = picture.getexif()
    exif[271] = "SecretCamera"
    exif[274] = 6
    out = io.BytesIO()
    picture.save(out, kind, exif=exif, **options)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
async def test_a_photo_is_kept_upright_and_without_its_metadata(intake: Intake, kind: str) -> None:
    """The type comes from the content, whatever the file is called."""
    made = await intake.post(a_complaint())
    where = made.headers["Location"] + "/attachments"
    headers = {"X-Reporter-Token": made.json()["reporter_token"], "Idempotency-Key": "p"}
    content = a_photo(kind)
    assert b"SecretCamera" in content
    answer = await intake.http.post(
        where, files={"file": ("x.exe", content, "text/plain")}, headers=headers
    )
    got = await intake.http.get(f"{where}/{answer.json()['attachment_id']}", headers=headers)
    await settled(intake)
    (event,) = events(intake, "complaint.replied")

    assert (answer.status_code, event["kind"]) == (201, "supplement")
    assert event["attachments"][0]["sha256"] == answer.json()["sha256"]
    assert b"SecretCamera" not in got.content
    with Image.open(io.BytesIO(got.content)) as kept:
        assert (kept.size, dict(kept.getexif())) == ((20, 40), {})


@pytest.mark.parametrize(
    ("content", "status"),
    [(b"<svg/>", 415), (b"%PDF-1.7", 415), (a_photo()[:-60], 422), (b"x" * 10_490_000, 413)],
)
async def test_what_is_no_whole_picture_is_refused(
    intake: Intake, content: bytes, status: int
) -> None:
    """Nothing of it is kept."""
    made = await intake.post(a_complaint())
    answer = await intake.http.post(
        made.headers["Location"] + "/attachments",
        files={"file": ("x.jpg", content, "image/jpeg")},
        headers={"X-Reporter-Token": made.json()["reporter_token"], "Idempotency-Key": "p"},
    )

    assert answer.status_code == status
    assert events(intake, "complaint.replied") == []


async def test_only_the_inner_door_tells_an_address_and_only_with_its_scope(intake: Intake) -> None:
    """A portal's key does not open it."""
    await intake.post(a_complaint(reporter={"email": "b@ex.test"}))
    document = (await intake.service.runtime.cases.find("received", equal=("33.74",))).documents[0]
    where = f"/internal/v1/contacts/{document.id}?purpose=notification"
    ours = await intake.http.get(where, headers={"X-API-Key": intake.admin_key})
    portal = await intake.http.get(where, headers={"X-API-Key": intake.portal_key})

    assert ours.json() == {"channels": [{"kind": "email", "address": "b@ex.test"}]}
    assert portal.status_code == 403


async def test_a_portal_is_made_its_key_works_and_is_revoked(intake: Intake) -> None:
    """Shown once, stored as a hash, and gone when revoked."""
    admin = {"X-API-Key": intake.admin_key}
    made = await intake.http.post(
        "/v1/portals", json={"code": "kecamatan", "name": "Loket"}, headers=admin
    )
    key = made.json()["key"]
    taken = await intake.http.post("/v1/complaints", json=a_complaint(), headers={"X-API-Key": key})
    listed = await intake.http.get("/v1/portals/kecamatan/keys", headers=admin)
    gone = await intake.http.delete(
        f"/v1/portals/kecamatan/keys/{made.json()['key_id']}", headers=admin
    )
    refused = await intake.http.post(
        "/v1/complaints", json=a_complaint(), headers={"X-API-Key": key}
    )
    twice = await intake.http.post(
        "/v1/portals", json={"code": "kecamatan", "name": "Loket"}, headers=admin
    )

    assert [made.status_code, taken.status_code, gone.status_code] == [201, 201, 204]
    assert (refused.status_code, twice.status_code) == (401, 409)
    assert key.rsplit("_", 1)[1] not in listed.text


async def test_a_test_complaint_is_answered_alike_and_not_counted(intake: Intake) -> None:
    """Portals try us without leaving a trace in the figures."""
    answer = await intake.post(a_complaint(test=True))
    status = await intake.http.get("/intake/ops/status", headers={"X-API-Key": intake.admin_key})

    assert answer.status_code == 201
    assert status.json()["facts"] == {"received": 0}


async def test_the_sealed_text_is_unreadable_in_the_file(intake: Intake, tmp_path: Path) -> None:
    """What was received is in the data folder, but not in clear."""
    await intake.post(
        a_complaint(confidential=True, text="Rahasia sekali", reporter={"name": "Budi Santoso"})
    )
    await settled(intake)
    everything = b"".join(path.read_bytes() for path in tmp_path.iterdir())

    assert b"Rahasia sekali" not in everything
    assert b"Santoso" not in everything


async def test_a_key_of_a_tenant_that_is_not_served_is_refused_at_every_door(
    tmp_path: Path,
) -> None:
    """A clear answer, where it would find nothing for ever, or make a portal that takes nothing."""
    text, record = make_key(tenant="32.73", scopes=sorted(SCOPES), portal="web")  # type: ignore[arg-type]  # all of the closed set
    strange = {"Authorization": f"Bearer {text}"}
    world = World(tmp_path, ManualClock(START))
    async with intake_in(world, others=(record,)) as intake:
        portal = {"code": "website", "name": "Website"}
        contacts = f"/internal/v1/contacts/{UUID(int=1)}?purpose=notification"
        answers = [
            await intake.http.post("/v1/complaints", json=a_complaint(), headers=strange),
            await intake.http.post("/v1/portals", json=portal, headers=strange),
            await intake.http.get(contacts, headers=strange),
        ]
    world.close()

    for answer in answers:
        assert (403, "not_yours") == (answer.status_code, answer.json()["code"])
        assert "tenant that is not served here" in answer.json()["detail"]
