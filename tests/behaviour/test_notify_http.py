"""notify over HTTP: the ledger, subscriptions, and what the operator counts."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from aduan_http import client_of
from aduan_notify_world import DPU, KEY, PERSON, RECORD, Story, Town, a_key, a_town, decided

from aduan.service import Service

DUTY = "piket.dpu@contoh.test"


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    """A folder, a mail sink, and intake's contacts."""
    async with a_town(tmp_path) as found:
        yield found


@pytest.fixture
async def service(town: Town) -> AsyncIterator[Service]:
    """notify, running."""
    _, wrong_tenant = a_key("deliveries:read", tenant="33.01")
    built = await town.service(static_keys=(RECORD, wrong_tenant))
    async with town.world.running(built):
        yield built


@pytest.fixture
async def client(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A caller with the operator's key."""
    async with client_of(service.app, authorization=f"Bearer {KEY}") as found:
        yield found


async def told_stories(town: Town, service: Service, count: int) -> list[Story]:
    """Tell complaints one after the other and wait for their receipts."""
    stories = []
    for _ in range(count):
        story = town.story()
        await story.tell("complaint.created", story.created())
        await decided(service, story, 1)
        stories.append(story)
    return stories


async def test_the_ledger_of_a_complaint_is_found_by_id_and_by_ticket(
    town: Town, service: Service, client: httpx.AsyncClient
) -> None:
    """Decision, reason, tries and masked recipients; never an address."""
    (story,) = await told_stories(town, service, 1)
    by_id = await client.get(f"/v1/deliveries/{story.id}")
    by_ticket = await client.get(f"/v1/deliveries/{story.ticket.lower()}")

    assert 200 == by_id.status_code == by_ticket.status_code
    assert by_id.json() == by_ticket.json()
    (row,) = by_id.json()["deliveries"]
    assert ("received", "reporter", "delivered", "accepted", 1, 0, 250) == tuple(
        row[name]
        for name in (
            "cause",
            "audience",
            "decision",
            "reason",
            "tries",
            "possible_repeat",
            "smtp_code",
        )
    )
    assert ["w***@c***.test"] == row["to"]
    assert PERSON not in by_id.text


async def test_a_complaint_that_is_not_there_is_404(client: httpx.AsyncClient) -> None:
    """Also for a malformed id."""
    for id in ("019ad3f0-0000-7000-8000-000000000001", "SMG-0000-0000-999", "%20"):
        answer = await client.get(f"/v1/deliveries/{id}")
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"


async def test_the_listing_pages_from_the_latest_to_the_oldest(
    town: Town, service: Service, client: httpx.AsyncClient
) -> None:
    """Five complaints in pages of two, each once; a filter keeps its own cursor."""
    stories = await told_stories(town, service, 5)
    skipped = town.story()
    await skipped.tell("complaint.created", skipped.created(reporter={"pseudonym": "P-1"}))
    await decided(service, skipped, 1)

    found: list[str] = []
    cursor: str | None = None
    while True:
        page = (
            await client.get(
                "/v1/deliveries",
                params={
                    "decision": "delivered",
                    "limit": 2,
                    **({"cursor": cursor} if cursor else {}),
                },
            )
        ).json()
        found += [item["ticket"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
        other = await client.get("/v1/deliveries", params={"cursor": cursor})
        assert other.status_code == 400

    assert [story.ticket for story in reversed(stories)] == found
    everything = (await client.get("/v1/deliveries")).json()["items"]
    assert [skipped.ticket, *found] == [item["ticket"] for item in everything]
    none_failed = (await client.get("/v1/deliveries", params={"decision": "failed"})).json()
    assert [] == none_failed["items"]


async def test_who_may_not_read_the_ledger_is_told_so(service: Service) -> None:
    """No key 401, no scope or a key of one unit 403."""
    bare, bare_record = a_key("cases:read")
    unit, unit_record = a_key("deliveries:read", opd="DPU")
    authenticator = service.app.state.authenticator  # type: ignore[attr-defined]  # FastAPI
    authenticator._static |= {record.key_id: record for record in (bare_record, unit_record)}
    async with client_of(service.app) as client:
        codes = [
            (
                await client.get("/v1/deliveries", headers={"X-API-Key": key} if key else {})
            ).status_code
            for key in (None, bare, unit, KEY)
        ]

    assert [401, 403, 403, 200] == codes


async def test_the_operator_counts_decisions_by_kind(
    town: Town, service: Service, client: httpx.AsyncClient
) -> None:
    """Two delivered, one skipped; a test complaint is in no count."""
    await told_stories(town, service, 2)
    for changes in ({"reporter": {"pseudonym": "P-1"}}, {"test": True}):
        story = town.story()
        await story.tell("complaint.created", story.created(**changes))
        await decided(service, story, 1)
    facts = (await client.get("/notify/ops/status")).json()["facts"]

    assert facts == {
        "notification_decisions": {"pending": 0, "delivered": 2, "failed": 0, "skipped": 1},
        "possible_repeat": 0,
        "jobs": 0,
    }


async def test_a_subscribed_address_gets_its_offices_letters_in_the_same_mail(
    town: Town, service: Service, client: httpx.AsyncClient
) -> None:
    """One decision, one Message-ID, two recipients; after unsubscribing one again."""
    wanted = {"audience": "office", "unit": "DPU", "address": DUTY}
    made = await client.post("/v1/subscriptions", json=wanted)
    again = await client.post("/v1/subscriptions", json={**wanted, "address": DUTY.upper()})
    story = town.story(email=None)
    await story.tell("complaint.created", story.created())
    await story.tell("sla.warned", story.warned("office"))
    await decided(service, story, 2)
    gone = await client.delete(made.headers["location"])
    await story.tell("sla.breached", story.breached(0, "office"))
    await decided(service, story, 3)

    assert (201, 200, 204) == (made.status_code, again.status_code, gone.status_code)
    assert "true" == again.headers["idempotent-replayed"]
    assert made.json()["id"] == again.json()["id"]
    assert [(DPU, DUTY), (DPU,)] == [mail.to for mail in town.mailbox.mails]
    assert 404 == (await client.delete(made.headers["location"])).status_code


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"audience": "office", "unit": "DPU", "address": "bukan alamat"}, "address"),
        ({"audience": "office", "unit": "DPU", "address": "a@b.test\r\nBcc: c@d.test"}, "address"),
        ({"audience": "office", "unit": "TIDAKADA", "address": DUTY}, "unit"),
        ({"audience": "office", "address": DUTY}, "unit"),
        ({"audience": "leadership", "unit": "DPU", "address": DUTY}, "unit"),
        ({"audience": "reporter", "address": DUTY}, "audience"),
        ({"audience": "office", "unit": "DPU", "address": DUTY, "extra": 1}, "extra"),
    ],
)
async def test_a_subscription_that_makes_no_sense_is_refused_by_field(
    client: httpx.AsyncClient, body: dict[str, object], field: str
) -> None:
    """422 with the field, and nothing is stored."""
    answer = await client.post("/v1/subscriptions", json=body)

    assert answer.status_code == 422
    assert [field] == [error["field"] for error in answer.json()["errors"]]
    assert [] == (await client.get("/v1/subscriptions")).json()["items"]


async def test_one_idempotency_key_is_one_subscription(client: httpx.AsyncClient) -> None:
    """The same key for another address is a mistake that is named."""
    key = {"Idempotency-Key": "satu"}
    first = {"audience": "coordinator", "address": DUTY}
    answers = [
        await client.post("/v1/subscriptions", json=body, headers=key)
        for body in (first, first, {**first, "address": "lain@contoh.test"})
    ]

    assert [201, 200, 422] == [answer.status_code for answer in answers]
    assert "idempotency_key_reused" == answers[2].json()["code"]
    assert 1 == len((await client.get("/v1/subscriptions")).json()["items"])


async def test_a_unit_manages_its_own_subscriptions_only(service: Service) -> None:
    """Its own list yes; another unit's, or the coordinator's, no."""
    unit, record = a_key("subscriptions:manage", opd="DPU")
    service.app.state.authenticator._static[record.key_id] = record  # type: ignore[attr-defined]  # FastAPI
    async with client_of(service.app, authorization=f"Bearer {unit}") as mine:
        own = await mine.post(
            "/v1/subscriptions", json={"audience": "office", "unit": "DPU", "address": DUTY}
        )
        others = [
            await mine.post("/v1/subscriptions", json={"address": DUTY, **body})
            for body in ({"audience": "office", "unit": "DLH"}, {"audience": "coordinator"})
        ]

    assert 201 == own.status_code
    assert [403, 403] == [answer.status_code for answer in others]
