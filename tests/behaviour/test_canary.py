"""The canary through the front door: all five services as `aduan up` builds them, HTTP alone."""

import asyncio
import json
import os
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from aduan_canary_world import BASE, CANARY_TENANT, Town, town_in
from aduan_harness import eventually
from aduan_servers.ports import reserve
from aduan_serving import serving
from pydantic import TypeAdapter

from aduan.clock import ManualClock, SystemClock
from aduan.web.keys import Authenticator, KeyRecord
from aduan_simulators.mailsink.reading import read
from aduan_standalone.canary.asking import OverHttp
from aduan_standalone.canary.flight import Flight, Result
from aduan_standalone.canary.metrics import STEPS, Metrics
from aduan_standalone.canary.steps import report_of

BEGAN = datetime(2026, 12, 1, 2, tzinfo=UTC)


def outcomes(result: Result) -> dict[str, str]:
    """Return how each step went."""
    return {step: passed.outcome for step, passed in result.items()}


def counted_as(town: Town, outcome: str) -> dict[str, float]:
    """Return what /metrics says of each step."""
    name = "aduan_canary_steps_total"
    return {step: town.sample(name, step=step, outcome=outcome) for step in STEPS}


async def test_a_canary_passes_all_five_steps_and_the_metrics_say_so(tmp_path: Path) -> None:
    """POST, assigned, clock, mirror, notification: each once, with its time."""
    async with town_in(tmp_path, SystemClock()) as town:
        result = await town.canary().once()

        assert dict.fromkeys(STEPS, "ok") == outcomes(result)
        assert dict.fromkeys(STEPS, 1.0) == counted_as(town, "ok")
        assert 1.0 == town.sample("aduan_canary_up")
        now = town.clock.wall().timestamp()
        for step in STEPS:
            last = town.sample("aduan_canary_last_success_timestamp_seconds", step=step)
            assert 0 <= now - last < 60
            assert 1 == town.sample("aduan_canary_seconds_count", step=step)


async def test_two_canaries_in_a_row_are_two_complaints(tmp_path: Path) -> None:
    """And two canary processes in one period are one: the second posts the same complaint."""
    clock = ManualClock(BEGAN)
    async with town_in(tmp_path, clock) as town:
        metrics = Metrics(town.registry)
        first, again = town.canary(metrics=metrics), town.canary(metrics=metrics)
        results = [*await asyncio.gather(first.once(), again.once())]
        clock.advance(timedelta(minutes=1))
        results.append(await first.once())
        tickets = {item["ticket"] for item in (await town.read("/v1/cases"))["items"]}

        assert [dict.fromkeys(STEPS, "ok")] * 3 == [outcomes(one) for one in results]
        assert 2 == len(tickets)


async def test_a_bridge_that_stands_still_makes_the_mirror_late_and_nothing_else(
    tmp_path: Path,
) -> None:
    """The step names the service: sync answers, and the job is never done."""
    async with town_in(tmp_path, SystemClock(), without={("sync-laporgub", "echo")}) as town:
        result = await town.canary(within=4.0).once()

        assert {**dict.fromkeys(STEPS, "ok"), "mirror": "late"} == outcomes(result)
        assert 1.0 == counted_as(town, "late")["mirror"]
        assert 0.0 == town.sample("aduan_canary_up")
        assert 0.0 == town.sample("aduan_canary_last_success_timestamp_seconds", step="mirror")


async def test_letters_that_nobody_brings_make_the_notification_late(tmp_path: Path) -> None:
    """The postman is held; everything before it passes."""
    async with town_in(tmp_path, SystemClock(), without={("notify", "postman")}) as town:
        result = await town.canary(within=4.0).once()

        assert {**dict.fromkeys(STEPS, "ok"), "notification": "late"} == outcomes(result)


async def test_a_fast_domain_clock_changes_nothing(tmp_path: Path) -> None:
    """A day a second, as in a demo: every step is there in real seconds, and nothing falls due."""
    wall = SystemClock().wall()
    clock = SystemClock(anchor_wall=wall, anchor_domain=BEGAN, speed=86_400.0)
    async with town_in(tmp_path, clock) as town:
        result = await town.canary().once()
        (case,) = (await town.read("/v1/clocks"))["items"]

        assert dict.fromkeys(STEPS, "ok") == outcomes(result)
        assert [("verify", "met")] == [(one["name"], one["state"]) for one in case["clocks"]]
        assert (None, []) == (case["nearest"], case["notices"])


async def test_nothing_of_a_canary_is_in_any_figure(tmp_path: Path) -> None:
    """Not in a status, not in a listing of the city, not in a counter about complaints."""
    async with town_in(tmp_path, SystemClock()) as town:
        before = await town.facts()
        result = await town.canary().once()
        await town.settled()
        after = await town.facts()
        listed = {
            path: (await town.get(path))["items"]
            for path in ("/v1/cases", "/v1/clocks", "/v1/mirrors", "/v1/deliveries")
        }
        outbox = (await town.client.get(f"{BASE}/notify/outbox")).text

        assert dict.fromkeys(STEPS, "ok") == outcomes(result)
        assert before == after
        assert [[]] * 4 == list(listed.values())
        assert "KNR-" not in outbox
        assert 0.0 == town.sample("aduan_intake_received_total", outcome="created")
        assert 0.0 == town.sample("aduan_notify_deliveries_total", reason="accepted")
        assert 0.0 == town.sample("aduan_notify_provider_seconds_count")
        told = {value for family in town.registry.collect() for sample in family.samples
                for value in sample.labels.values()}  # fmt: skip
        assert not told & {CANARY_TENANT, "KENARI", "pesan-percobaan"}


async def test_a_complaint_of_the_city_is_counted_beside_canaries(tmp_path: Path) -> None:
    """What hides the canary hides nothing else."""
    async with town_in(tmp_path, SystemClock()) as town:
        await town.canary().once()
        await town.post_of_the_city()
        await town.settled()
        facts = await town.facts()

        assert 1 == facts["intake"]["received"] == facts["routing"]["cases"]
        assert 1 == facts["sla"]["clock_sets"]
        assert 1 == sum(facts["sync-laporgub"]["mirror_decisions"].values())
        assert 1.0 == town.sample("aduan_intake_received_total", outcome="created")


async def test_no_letter_about_a_canary_leaves_the_house(tmp_path: Path) -> None:
    """It is delivered by the echo; a letter of the city that was owed later is there."""
    async with town_in(tmp_path, SystemClock()) as town:
        result = await town.canary().once()
        (canary,) = (await town.read("/v1/deliveries"))["items"]
        await town.post_of_the_city()

        async def somebody_wrote() -> bool:
            return len(read(town.mail).mails) > 0

        await eventually(somebody_wrote)
        subjects = [mail.subject for mail in read(town.mail).mails]

        assert "ok" == result["notification"].outcome
        assert "delivered" in {row["decision"] for row in canary["deliveries"]}
        assert [] == [subject for subject in subjects if canary["ticket"] in subject]


async def test_an_installation_that_does_not_answer_is_counted_and_not_fatal(
    tmp_path: Path,
) -> None:
    """Every step failed, and the next canary flies."""
    clock = SystemClock()
    async with town_in(tmp_path, clock) as town, httpx.AsyncClient() as client:
        urls = dict.fromkeys(town.services, "http://127.0.0.1:9")
        away = OverHttp(client, urls, town.portal_key, town.read_key)
        result = await Flight(away, clock, within_seconds=0.2, look_seconds=0.05).fly(BEGAN)
        after = await town.canary().once()

        assert dict.fromkeys(STEPS, "failed") == outcomes(result)
        assert dict.fromkeys(STEPS, "ok") == outcomes(after)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(502, text="<html>"),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json=["a list"]),
        httpx.Response(200, json={"unknown": True}),
    ],
    ids=["gateway", "page", "list", "object"],
)
async def test_an_answer_that_is_none_of_ours_fails_the_step(
    tmp_path: Path, answer: httpx.Response
) -> None:
    """As of an ingress that has lost its services: nothing is taken for a pass."""

    def odd(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return httpx.Response(201, json={"ticket": "KNR-00000-00000-0"})
        return answer

    async with httpx.AsyncClient(transport=httpx.MockTransport(odd)) as client:
        urls = dict.fromkeys(("intake", "routing", "sla", "sync-laporgub", "notify"), BASE)
        services = OverHttp(client, urls, "p", "r")
        flight = Flight(services, SystemClock(), within_seconds=0.1, look_seconds=0.04)
        result = await flight.fly(BEGAN)

    went = outcomes(result)
    assert "ok" == went.pop("post")
    # the public page has no field that must be there, so a strange object is simply not "assigned"
    assert {"failed", "late"} >= set(went.values())
    assert "failed" == went["clock"] == went["mirror"] == went["notification"]


async def test_a_canary_carries_no_person_and_is_open(tmp_path: Path) -> None:
    """Nothing is sealed that somebody could ask for, and the public page shows it."""
    async with town_in(tmp_path, SystemClock()) as town:
        await town.canary().once()
        (case,) = (await town.read("/v1/cases"))["items"]
        public = (await town.client.get(f"{BASE}/v1/complaints/{case['ticket']}")).json()

        assert (True, False) == (case["anonymous"], case["confidential"])
        assert re.fullmatch(r"KNR-\w{5}-\w{5}-\w", case["ticket"])
        assert ("assigned", False) == (public["state"], public["confidential"])
        assert {"text", "external_id"} == set(report_of(BEGAN))


async def test_a_day_old_canary_is_gone_everywhere_and_its_number_is_level(tmp_path: Path) -> None:
    """Two days of canaries leave one day of documents; the city's complaint stays."""
    clock = ManualClock(BEGAN)
    step = timedelta(hours=4)
    async with town_in(tmp_path, clock) as town:
        await town.post_of_the_city()
        canary = town.canary()
        seen: list[dict[str, int]] = []
        for _ in range(12):
            assert dict.fromkeys(STEPS, "ok") == outcomes(await canary.once())
            await town.settled()
            for service in town.services.values():
                assert service.runtime.expiry is not None
                await service.runtime.expiry.round()
            seen.append(await town.documents())
            clock.advance(step)
        first = await gone(town, BEGAN)
        facts = await town.facts()

        assert [dict.fromkeys(town.services, min(n, 7)) for n in range(1, 13)] == seen
        assert first
        assert 1 == facts["intake"]["received"] == facts["routing"]["cases"]
        assert [0, 0] == [facts["sla"]["breached"], facts["sla"]["warned"]]


async def gone(town: Town, slot: datetime) -> bool:
    """Whether the canary of a period is not known any more: posting it again makes a new one."""
    known = {item["ticket"] for item in (await town.read("/v1/cases"))["items"]}
    answer = await town.client.post(
        f"{BASE}/v1/complaints",
        json=report_of(slot),
        headers={"Authorization": f"Bearer {town.portal_key}"},
    )
    made: dict[str, Any] = json.loads(answer.text)
    return "idempotent-replayed" not in answer.headers and made["ticket"] not in known


async def test_the_command_sends_one_and_says_how_it_went(tmp_path: Path) -> None:
    """Exit code 0 with every step ok, so that a script can ask after an installation."""
    async with town_in(tmp_path, SystemClock()) as town, serving(town.app) as url:
        process = await aduan(town, "canary", "--to", url, "--once", "--json")
        said, errors = await process.communicate()

    assert 0 == process.returncode, errors
    assert dict.fromkeys(STEPS, "ok") == {
        step: passed["outcome"] for step, passed in json.loads(said).items()
    }


async def test_the_command_goes_on_and_serves_its_own_metrics(tmp_path: Path) -> None:
    """A process beside the services; a stop ends it in order."""
    (port,) = reserve(1)
    async with town_in(tmp_path, SystemClock()) as town, serving(town.app) as url:
        process = await aduan(
            town, "canary", "--to", url, "--every", "2", "--within", "20", "--port", str(port)
        )

        async def two_came_through() -> bool:
            async with httpx.AsyncClient() as client:
                try:
                    page = (await client.get(f"http://127.0.0.1:{port}/metrics")).text
                except httpx.TransportError:
                    return False
            found = re.search(r'steps_total{outcome="ok",step="notification"} (\d+)', page)
            return found is not None and int(found[1]) >= 2

        await eventually(two_came_through, within=40, every=0.2)
        process.terminate()
        await process.communicate()

    assert 0 == process.returncode


async def test_a_missing_key_is_named_and_nothing_is_sent(tmp_path: Path) -> None:
    """In one sentence, with the variable's full name, as a service does it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "aduan_standalone.cli.main", "canary", "--to", "http://127.0.0.1:9",
        env={**os.environ, "ADUAN_CANARY_PORTAL_KEY": "aduan_secret"}, cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, errors = await process.communicate()

    assert 2 == process.returncode
    assert b"ADUAN_CANARY_READ_KEY is missing" in errors
    assert b"secret" not in errors


async def test_new_keys_are_what_the_services_take(tmp_path: Path) -> None:
    """The printed records are static keys of the services, with hashes and not with the secrets."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "aduan_standalone.cli.main", "canary", "--new-keys", cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said = (await process.communicate())[0].decode()
    variables = dict(re.findall(r"^(ADUAN_CANARY_\w+)=(\S+)$", said, re.MULTILINE))
    records = dict(re.findall(r"^# .*? (ADUAN_\w+_STATIC_KEYS): (.*)$", said, re.MULTILINE))
    known = TypeAdapter(tuple[KeyRecord, ...]).validate_json(records["ADUAN_INTAKE_STATIC_KEYS"])
    keys = Authenticator(SystemClock(), static=known)
    who = await keys.authenticate(variables["ADUAN_CANARY_PORTAL_KEY"])

    assert {"ADUAN_CANARY_PORTAL_KEY", "ADUAN_CANARY_READ_KEY"} == set(variables)
    assert {
        f"ADUAN_{name}_STATIC_KEYS"
        for name in ("INTAKE", "ROUTING", "SLA", "SYNC_LAPORGUB", "NOTIFY")
    } == set(records)
    assert ("00.00", "canary", frozenset({"complaints:write"})) == (
        who.tenant,
        who.portal,
        who.scopes,
    )
    assert not [key for key in variables.values() if key in "".join(records.values())]


async def aduan(town: Town, *arguments: str) -> asyncio.subprocess.Process:
    """Run the command with the canary's keys."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "aduan_standalone.cli.main", *arguments,
        env={**os.environ, "ADUAN_CANARY_PORTAL_KEY": town.portal_key,
             "ADUAN_CANARY_READ_KEY": town.read_key},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
