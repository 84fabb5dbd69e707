"""One complaint is one trace over five services: a whole instance, and a collector that listens."""

import asyncio
import json
import os
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from aduan_collector import Collector, Seen, deaf_collector, roots
from aduan_faults import SERVICES, Checker, Instance, Ledger
from aduan_planted_people import a_person, found_in

from aduan_simulators.orphans import die_with_parent

PERSON = a_person(7)


@dataclass
class Traced:
    """A running instance and what its collector was sent."""

    instance: Instance
    client: httpx.AsyncClient
    portal: dict[str, str]
    collector: Collector
    ledger: Ledger

    async def post(self, **changes: Any) -> dict[str, Any]:
        """Post a complaint of the planted person; return the acknowledgement."""
        body = {
            "external_id": "traced-1",
            "title": f"Laporan {PERSON['first']}",
            "text": f"Lampu jalan padam, kata {PERSON['name']}. WA {PERSON['spaced']}, KTP {PERSON['nik']}.",
            "place": {"area_code": "33.74.01.1001", "text": f"rumah {PERSON['name']}"},
            "reporter": {name: PERSON[name] for name in ("name", "email", "phone")},
            **changes,
        }
        made = await self.client.post("/v1/complaints", json=body, headers=self.portal)
        assert made.status_code == 201, made.text
        return dict(made.json())

    async def settled(self) -> None:
        """Wait until no event and no job is on its way."""
        await Checker(self.instance, self.ledger).settled()

    def lines(self, event: str) -> list[dict[str, Any]]:
        """The lines of the log with this event."""
        read = [
            json.loads(line)
            for line in self.instance.log.read_text().splitlines()
            if line[:1] == "{"
        ]
        return [line for line in read if line.get("event") == event]


@asynccontextmanager
async def traced(
    folder: Path, patch: pytest.MonkeyPatch, collector: Collector, ratio: str, endpoint: str = ""
) -> AsyncIterator[Traced]:
    """Run an instance that tells a collector this share of its traces."""
    patch.setenv("ADUAN_TRACE_RATIO", ratio)
    patch.setenv("ADUAN_OTLP_ENDPOINT", endpoint or collector.url)
    async with Instance(folder, fast=False) as instance:
        await instance.start_until_ready()
        async with instance.client() as client:
            asked = {"code": "traced", "name": "traced", "anonymous": False, "confidential": False}
            made = await client.post("/v1/portals", json=asked)
            portal = {"Authorization": f"Bearer {made.json()['key']}"}
            ledger = Ledger(folder / "ledger.jsonl")
            yield Traced(instance, client, portal, collector, ledger)


async def test_a_complaint_is_one_trace_and_a_later_command_another_with_a_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """POST, routing, clocks, mirror and letter in one; the office's accept and the reply in their own."""
    with Collector() as collector:
        async with traced(tmp_path, monkeypatch, collector, "1") as world:
            made = await world.post()
            await world.settled()
            case = (await world.client.get(f"/v1/cases/{made['ticket']}")).json()
            key = await world.client.post(f"/v1/offices/{case['opd']}/keys", json={})
            assert key.status_code == 201, key.text
            office = {"Authorization": f"Bearer {key.json()['key']}"}
            accepted = await world.client.post(
                f"/v1/cases/{made['ticket']}/accept", json={}, headers=office
            )
            assert accepted.status_code == 200, accepted.text
            replied = await world.client.post(
                f"/v1/complaints/{made['ticket']}/replies",
                json={"kind": "supplement", "text": f"Masih padam, {PERSON['phone']}"},
                headers={"X-Reporter-Token": made["reporter_token"], "Idempotency-Key": "r-1"},
            )
            assert replied.status_code == 201, replied.text
            said = json.loads((world.instance.outside / "addresses.json").read_text())
            async with httpx.AsyncClient(base_url=said["laporgub"]) as partner:
                reported = await partner.post("/_sim/inbound", json={"count": 1})
            assert reported.status_code == 201
            await asyncio.to_thread(collector.until, partial(handed_in, collector), 60)
            await world.settled()
            await world.instance.stop()  # which sends the rest of the spans

        (post,) = [span for span in collector.named("POST /v1/complaints") if not span.parent]
        check_whole(collector.of(post.trace_id), post)
        # A report from the partner is one trace too: from sync's row over intake's POST to all.
        row = handed_in(collector)[0]
        assert roots(collector.of(row.trace_id)) == [row]
        assert {span.service for span in collector.of(row.trace_id)} == set(SERVICES)

        (accept,) = collector.named("POST /v1/cases/{case}/accept")
        (reply,) = collector.named("POST /v1/complaints/{ticket}/replies")
        assert len({post.trace_id, accept.trace_id, reply.trace_id}) == 3
        for request, service in ((accept, "routing"), (reply, "intake")):
            own = collector.of(request.trace_id)
            (command,) = [
                span for span in own if span.name == "case.command" and span.service == service
            ]
            assert [link for link, _ in command.links] == [post.trace_id]
            assert roots(own) == [request]
            assert {"sla", "notify"} <= {span.service for span in own}

        # The ids of the log lead to the trace.
        (acted,) = world.lines("case.acted")
        assert (acted["trace_id"], acted["span_id"]) == (accept.trace_id, accept.span_id)
        leaks = [leak for body in collector.bodies for leak in found_in(body, "a span")]
        leaks += found_in(world.instance.log.read_bytes(), "log")
        assert leaks == []
        told = b"".join(collector.bodies)
        assert made["ticket"].encode() not in told
        assert b"Lampu jalan" not in told


def handed_in(collector: Collector) -> list[Seen]:
    """The partner's reports that intake took, in the order in which they were told."""
    rows = collector.named("partner.inbound")
    return [row for row in rows if row.attributes["aduan.outcome"] == "handed_in"]


def check_whole(spans: list[Seen], post: Seen) -> None:
    """All five services, one root, each event delivered to each of its readers below its telling."""
    assert {span.service for span in spans} == set(SERVICES)
    assert roots(spans) == [post]
    assert post.parent == ""
    by_id = {span.span_id: span for span in spans}
    delivered = [span for span in spans if span.name == "complaint.created"]
    assert {span.service for span in delivered} == set(SERVICES) - {"intake"}
    for span in delivered:
        command = by_id[span.parent]
        assert (command.name, command.service) == ("case.command", "intake")
        assert by_id[command.parent] is post
    for span in spans:
        if span.name == "complaint.assigned":
            above = by_id[span.parent]
            assert (above.name, above.service) == ("complaint.created", "routing")
    kinds = Counter(span.name for span in spans)
    assert kinds["letter.send"] >= 1
    (submit,) = [s for s in spans if s.name == "partner.submit" and not s.failed]
    assert by_id[submit.parent].service == "sync-laporgub"
    assert {span.attributes.get("aduan.case_id") for span in delivered} == {
        submit.attributes["aduan.case_id"]
    }
    # Contacts are asked over HTTP: the asking and the answering service, one below the other.
    (asked, *_) = [
        s
        for s in spans
        if s.name == "GET /internal/v1/contacts/{complaint_id}" and s.service == "notify"
    ]
    (answered, *_) = [s for s in spans if s.parent == asked.span_id]
    assert answered.service == "intake"


async def test_without_a_share_only_what_fails_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A complaint leaves no span; a partner that answers with an error leaves that call."""
    with Collector() as collector:
        async with traced(tmp_path, monkeypatch, collector, "0") as world:
            await world.post()
            await world.settled()
            said = json.loads((world.instance.outside / "addresses.json").read_text())
            async with httpx.AsyncClient(base_url=said["laporgub"]) as partner:
                plan = {"error_after_store": {"next": 1}}
                assert (await partner.post("/_sim/faults", json=plan)).status_code == 200
            await world.post(external_id="traced-2")
            await asyncio.to_thread(collector.until, lambda: collector.named("partner.submit"))
            await world.instance.stop()

    # On a busy machine a call may time out as well; nothing that went well is told.
    assert all(span.failed for span in collector.spans)
    (job, *_) = collector.named("partner.submit")
    (call,) = [span for span in collector.named("POST laporgub") if span.parent == job.span_id]
    assert call.trace_id == job.trace_id
    assert {line["trace_id"] for line in world.lines("partner.no_answer")} >= {job.trace_id}


async def test_a_collector_that_never_answers_costs_spans_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every complaint is taken and comes through; the stop takes seconds, and what is lost is counted."""
    with Collector() as collector, deaf_collector() as deaf:
        async with traced(tmp_path, monkeypatch, collector, "1", deaf) as world:
            await asyncio.gather(*(world.post(external_id=f"deaf-{n}") for n in range(40)))
            await Checker(world.instance, world.ledger).settled()
            cases = await world.client.get("/v1/cases?limit=100")
            assert len(cases.json()["items"]) >= 40  # and what the partner's citizens report
            began = time.monotonic()
            assert await world.instance.stop() == 0
            assert time.monotonic() - began < 10

    (unsent,) = world.lines("traces.unsent")
    assert unsent["spans"] > 0


async def first_answer(client: httpx.AsyncClient, path: str) -> httpx.Response:
    """Ask until somebody listens."""
    while True:
        try:
            return await client.get(path)
        except httpx.TransportError:
            await asyncio.sleep(0.1)


async def test_a_service_in_a_process_of_its_own_tells_its_collector_and_ends_in_time(
    tmp_path: Path, unused_tcp_port: int
) -> None:
    """The same two variables as for the whole; what waits is sent on the way out."""
    with Collector() as collector:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "aduan_sla",
            env={
                **os.environ,
                "ADUAN_STORE": f"sqlite:///{tmp_path}/sla.db",
                "ADUAN_BUS": f"sqlite:///{tmp_path}/log.db",
                "ADUAN_SLA_PORT": str(unused_tcp_port),
                "ADUAN_SLA_REFERENCE_DIR": str(Path(__file__).parents[2] / "reference"),
                "ADUAN_TRACE_RATIO": "1",
                "ADUAN_OTLP_ENDPOINT": collector.url,
            },
            stderr=asyncio.subprocess.DEVNULL,
            preexec_fn=die_with_parent,
        )  # fmt: skip
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{unused_tcp_port}") as client:
            async with asyncio.timeout(60):
                answer = await first_answer(client, "/v1/policies")
        process.terminate()
        async with asyncio.timeout(20):
            assert await process.wait() == 0

    (span,) = collector.spans
    assert (span.service, span.name) == ("sla", "GET /v1/policies")
    assert span.attributes["http.response.status_code"] == answer.status_code
