"""The short way of POST /v1/complaints is as strict as the long one, and as honest when it cannot."""

import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aduan_harness import World, eventually, records_of
from aduan_http import chunks
from aduan_intake_world import Intake, a_complaint, intake_in

from aduan.clock import ManualClock
from aduan.contracts.envelope import Raw
from aduan.errors import Busy
from aduan.messaging.sqlite import SqliteBus

START = datetime(2026, 12, 1, 2, tzinfo=UTC)


@pytest.fixture
async def intake(tmp_path: Path) -> AsyncIterator[Intake]:
    """A running intake."""
    world = World(tmp_path, ManualClock(START))
    async with intake_in(world) as running:
        yield running
    world.close()


async def test_when_the_store_is_away_the_answer_is_503_and_nothing_is_taken(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With Retry-After; the same request works later."""

    async def away(*_: Any, **__: Any) -> None:
        raise Busy("away")

    with monkeypatch.context() as broken:
        broken.setattr(type(intake.service.runtime.store), "update", away)
        refused = await intake.post(a_complaint())
    later = await intake.post(a_complaint())

    assert (503, "unavailable") == (refused.status_code, refused.json()["code"])
    assert int(refused.headers["Retry-After"]) > 0
    assert "Idempotent-Replayed" not in later.headers
    assert (201, 1) == (later.status_code, await intake.documents())


async def test_while_the_log_is_away_complaints_are_taken_until_the_outbox_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was acknowledged is published later; above the bound the answer is 503, never a loss."""
    away = True
    publish = SqliteBus.publish

    async def perhaps(bus: SqliteBus, events: Sequence[Raw]) -> Sequence[bool]:
        if away:
            raise Busy("away")
        return await publish(bus, events)

    monkeypatch.setattr(SqliteBus, "publish", perhaps)
    clock = ManualClock(START)
    world = World(tmp_path, clock)
    async with intake_in(world, max_pending=5) as intake:
        relay = intake.service.runtime.relay
        taken = [await intake.post(a_complaint(external_id=str(n))) for n in range(5)]

        async def full() -> bool:
            return relay.full

        await eventually(full)
        refused = await intake.post(a_complaint(external_id="one too many"))
        again = await intake.post(a_complaint(external_id="0"))
        ready = await intake.http.get("/intake/health/ready")
        stored = await intake.documents()
        away = False
        clock.advance(timedelta(seconds=10))  # the sweeper adopts what is older than five

        async def empty() -> bool:
            return not relay.full and relay.backlog == 0

        await eventually(empty, within=20)
        later = await intake.post(a_complaint(external_id="one too many"))
        published = len(records_of(world.bus, "complaint.created"))
    world.close()

    assert [201] * 5 == [answer.status_code for answer in taken]
    assert (503, "unavailable") == (refused.status_code, refused.json()["code"])
    assert int(refused.headers["Retry-After"]) > 0
    assert again.status_code in (201, 503)
    assert (503, 5) == (ready.status_code, stored)
    assert (201, 5) == (later.status_code, published)


async def test_a_body_in_pieces_is_taken_and_one_over_the_limit_is_not(intake: Intake) -> None:
    """Whether or not its length was declared."""
    headers = {"Authorization": f"Bearer {intake.portal_key}"}
    whole = json.dumps(a_complaint()).encode()
    taken = await intake.http.post(
        "/v1/complaints", content=chunks(whole[:10], whole[10:]), headers=headers
    )
    huge = [b"[" * 100_000] * 3
    undeclared = await intake.http.post("/v1/complaints", content=chunks(*huge), headers=headers)
    declared = await intake.http.post("/v1/complaints", content=b"".join(huge), headers=headers)

    assert 201 == taken.status_code
    assert [413, 413] == [undeclared.status_code, declared.status_code]
    assert ["content_too_large"] * 2 == [undeclared.json()["code"], declared.json()["code"]]
    assert 1 == await intake.documents()


async def test_a_text_that_grows_over_an_event_is_refused_before_it_is_taken(
    intake: Intake,
) -> None:
    """10,000 signs that JSON writes as six bytes each: acknowledged, it could never be told."""
    answer = await intake.post(
        a_complaint(
            text="\x01" * 10_000,
            title="\x01" * 200,
            place={"text": "\x01" * 500, "area_code": "33.74.01.1001"},
            citizen_word="\x01" * 200,
        )
    )

    assert (422, "text") == (answer.status_code, answer.json()["errors"][0]["field"])
    assert 0 == await intake.documents()


async def test_a_text_at_the_limit_is_taken(intake: Intake) -> None:
    """10,000 signs of four bytes each fit."""
    answer = await intake.post(a_complaint(text="🚧" * 10_000))

    assert 201 == answer.status_code


async def test_half_a_sign_is_no_text(intake: Intake) -> None:
    """A lone surrogate is valid JSON and no text; it could not be stored."""
    content = json.dumps(a_complaint(text="jalan \ud800")).encode()
    headers = {"Authorization": f"Bearer {intake.portal_key}"}
    answer = await intake.http.post("/v1/complaints", content=content, headers=headers)

    assert 400 <= answer.status_code < 500
    assert 0 == await intake.documents()


async def test_the_answer_carries_what_every_answer_carries(intake: Intake) -> None:
    """Request id and security headers come from the edge, which stands before the short way."""
    answer = await intake.post(a_complaint())

    assert "nosniff" == answer.headers["x-content-type-options"]
    assert answer.headers["x-request-id"]


async def test_the_operation_is_documented_and_counted_by_its_path(intake: Intake) -> None:
    """Not as an unmatched one, although the framework never sees it."""
    await intake.post(a_complaint())
    document = (await intake.http.get("/intake/openapi.json")).json()
    metrics = (await intake.http.get("/metrics")).text

    operation = document["paths"]["/v1/complaints"]["post"]
    assert {"201", "400", "401", "403", "409", "422", "503"} <= operation["responses"].keys()
    assert operation["requestBody"]["required"]
    line = 'method="POST",route="/v1/complaints",service="intake",status="2xx"'
    assert f"aduan_http_request_seconds_count{{{line}}} 1.0" in metrics


async def test_the_event_continues_the_trace_of_its_request(intake: Intake) -> None:
    """From the portal's call to the last notice, one trace id."""
    trace = "0af7651916cd43dd8448eb211c80319c"
    made = await intake.post(a_complaint(), traceparent=f"00-{trace}-b7ad6b7169203331-01")
    runtime = intake.service.runtime
    found = await runtime.cases.get_by_key(f"ticket:{made.json()['ticket']}")
    assert found is not None
    (stored,) = await runtime.store.events(runtime.spec.collections[0], found[0], 0)

    assert trace == dict(stored.raw.headers)["ce_traceparent"].decode().split("-")[1]


async def test_another_method_takes_the_long_way(intake: Intake) -> None:
    """And is refused there."""
    answer = await intake.http.put("/v1/complaints", json=a_complaint())

    assert (405, "method_not_allowed") == (answer.status_code, answer.json()["code"])
