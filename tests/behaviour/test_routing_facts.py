"""Replies, timers and partners: facts that are never refused, in whatever order they come."""

from datetime import timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from aduan_routing_world import START, TENANT, CaseEvents, Routing, routing_in

from aduan.contracts.envelope import Raw
from aduan.contracts.values import CANARY_TENANT
from aduan.ids import uuid7

pytestmark = pytest.mark.asyncio
VAGUE = "Mohon bantuannya untuk wilayah kami, terima kasih banyak sebelumnya."


async def _answered(routing: Routing, case: CaseEvents) -> None:
    await routing.hears(case.created())
    proof = await routing.proof(case)
    routing.later(hours=1)
    await routing.done(case, "answer", "DPU", {"text": "Sudah.", "evidence": [proof]})


async def _asked(routing: Routing, case: CaseEvents, *, in_triage: bool) -> None:
    await routing.hears(case.created(VAGUE) if in_triage else case.created())
    who = "coordinator" if in_triage else "DPU"
    if not in_triage:
        await routing.done(case, "accept", who)
        await routing.done(case, "start", who)
    await routing.done(case, "ask", who, {"question": "Di mana?"})


async def _last(routing: Routing, case: CaseEvents) -> dict[str, Any]:
    return dict((await routing.told(case))[-1])


@pytest.mark.parametrize(
    ("kind", "rating", "state", "code"),
    [
        ("objection", None, "in_progress", "reply_applied"),
        ("reply", None, "in_progress", "reply_applied"),
        ("rating", 5, "closed", "reply_applied"),
        ("rating", 1, "in_progress", "reply_applied"),
        ("withdrawal", None, "archived", "withdrawn"),
    ],
)
async def test_what_a_reporter_says_to_an_answer(
    tmp_path: Path, kind: str, rating: int | None, state: str, code: str
) -> None:
    """Each kind has its effect, and exactly one event with the reply's id."""
    async with routing_in(tmp_path) as routing:
        case = CaseEvents("said")
        await _answered(routing, case)
        await routing.hears(case.replied(kind, routing.later(hours=1), rating=rating))
        told = await routing.told(case)

        assert (await routing.body(case))["state"] == state
        assert [one["reason_code"] for one in told if one.get("reply_id") == "r1"] == [code]
        assert told[-1]["case"]["reopened_count"] == 0


async def test_an_objection_reopens_a_closed_case_only_in_its_window(tmp_path: Path) -> None:
    """Within ten days it counts as a reopening; afterwards it is refused and changes nothing."""
    async with routing_in(tmp_path) as routing:
        early, late = CaseEvents("early"), CaseEvents("late", 2)
        for case in (early, late):
            await _answered(routing, case)
            await routing.hears(case.replied("rating", routing.later(hours=1), rating=4))
        await routing.hears(early.replied("objection", routing.later(days=9)))
        await routing.hears(late.replied("objection", routing.later(days=2)))

        body = await routing.body(early)
        assert (body["state"], body["reopened_count"], body["closed_at"]) == (
            "in_progress",
            1,
            None,
        )
        assert (await routing.body(late))["state"] == "closed"
        assert (await _last(routing, late))["reason_code"] == "reply_refused"


@pytest.mark.parametrize(("in_triage", "back"), [(True, "triage"), (False, "in_progress")])
async def test_a_reply_leads_back_to_where_the_question_was_asked(
    tmp_path: Path, in_triage: bool, back: str
) -> None:
    """awaiting_reporter -> where it came from."""
    async with routing_in(tmp_path) as routing:
        case = CaseEvents("back")
        await _asked(routing, case, in_triage=in_triage)
        await routing.hears(case.replied("reply", routing.later(hours=2)))

        assert (await routing.body(case))["state"] == back


@pytest.mark.parametrize(("in_triage", "to"), [(True, "archived"), (False, "in_progress")])
async def test_silence_ends_a_question_and_a_late_reply_opens_it(
    tmp_path: Path, in_triage: bool, to: str
) -> None:
    """reply_timeout: archived from triage, else in_progress; from the archive a reply leads back."""
    async with routing_in(tmp_path) as routing:
        case = CaseEvents("silent")
        await _asked(routing, case, in_triage=in_triage)
        since = (await routing.body(case))["state_since"]
        routing.later(days=14)
        await routing.hears(case.elapsed("reply_timeout", since))
        assert (await routing.body(case))["state"] == to
        await routing.hears(case.replied("reply", routing.later(days=90)))

        assert (await routing.body(case))["state"] == ("triage" if in_triage else "in_progress")


async def test_a_timer_of_an_earlier_stay_does_nothing(tmp_path: Path) -> None:
    """Acts only in the state that was entered when it started."""
    async with routing_in(tmp_path) as routing:
        case = CaseEvents("stale")
        await _answered(routing, case)
        first = (await routing.body(case))["state_since"]
        await routing.hears(case.replied("objection", routing.later(hours=1)))
        routing.later(hours=1)
        fields = {"text": "Sekarang sudah.", "evidence": [await routing.proof(case)]}
        await routing.done(case, "answer", "DPU", fields)
        count = len(await routing.told(case))
        await routing.hears(case.elapsed("auto_close", first))

        assert ((await routing.body(case))["state"], len(await routing.told(case))) == (
            "answered",
            count,
        )


@pytest.mark.parametrize("reply_first", [True, False])
async def test_a_reply_before_a_timers_effect_undoes_it_without_a_reopening(
    tmp_path: Path, reply_first: bool
) -> None:
    """Objection and auto-close in either order leave the case in progress, reopened 0 times."""
    async with routing_in(tmp_path) as routing:
        case = CaseEvents("race")
        await _answered(routing, case)
        since = (await routing.body(case))["state_since"]
        said = routing.later(days=13)
        routing.later(days=1)
        events = [case.replied("objection", said), case.elapsed("auto_close", since)]
        await routing.hears(*(events if reply_first else reversed(events)))
        body = await routing.body(case)

        assert (body["state"], body["reopened_count"]) == ("in_progress", 0)
        assert (await _last(routing, case))["case"].get("closed_at") is None


async def test_a_debt_that_falls_due_goes_on(tmp_path: Path) -> None:
    """conditionally_closed -> in_progress on sla.elapsed(debt_due)."""
    async with routing_in(tmp_path) as routing:
        case = CaseEvents("debt")
        await routing.hears(case.created())
        await routing.done(case, "accept", "DPU")
        await routing.done(case, "start", "DPU")
        promise = {
            "reason": "Perlu anggaran.",
            "on": "2027-03-01",
            "fiscal_year": 2027,
            "unit": "Bina Marga",
        }
        past = await routing.act(
            case, "close-conditionally", "DPU", {**promise, "on": "2026-01-01"}
        )
        await routing.done(case, "close-conditionally", "DPU", promise)
        told = await _last(routing, case)
        since = (await routing.body(case))["state_since"]
        await routing.hears(case.elapsed("debt_due", since))

        assert past.status_code == 422
        assert told["follow_up"] == {"on": "2027-03-01", "fiscal_year": 2027, "unit": "Bina Marga"}
        assert (await routing.body(case))["state"] == "in_progress"


async def test_a_forwarded_case_follows_its_partner(tmp_path: Path) -> None:
    """Answered by the partner with his time, reopened by the reporter to the partner, closed there."""
    async with routing_in(tmp_path) as routing:
        case = CaseEvents("national")
        await routing.hears(case.created(VAGUE))
        await routing.done(case, "forward", "coordinator", {"partner": "sp4n"})
        at = routing.later(days=1)
        now = routing.later(hours=3)
        await routing.hears(case.mirror("answer", text="Sudah kami perbaiki.", remote_at=at))
        told = await _last(routing, case)
        assert told["time"] == at.isoformat(timespec="microseconds").replace("+00:00", "Z")
        assert told["case"]["answered_at"] == now.isoformat(timespec="microseconds").replace(
            "+00:00", "Z"
        )
        assert (told["origin"], told["answer"]["kind"], told["to"]) == (
            "sp4n",
            "partner",
            "answered",
        )
        await routing.hears(case.replied("objection", routing.later(hours=1)))
        assert (await _last(routing, case))["partner"] == "sp4n"
        assert (await routing.body(case))["state"] == "forwarded"
        await routing.hears(case.mirror("status", status="closed", raw_status="Selesai"))

        assert (await routing.body(case))["state"] == "closed"


async def test_a_partner_that_refuses_gives_the_case_back(tmp_path: Path) -> None:
    """forwarded -> triage, with the suggestions for the coordinator."""
    async with routing_in(tmp_path) as routing:
        case = CaseEvents("refused")
        await routing.hears(case.created(VAGUE))
        await routing.done(case, "forward", "coordinator", {"partner": "laporgub"})
        await routing.hears(
            case.mirror("reroute_requested", "laporgub", raw_status="bukan wewenang")
        )

        assert (await routing.body(case))["state"] == "triage"


@pytest.mark.parametrize(
    ("kind", "system", "changes"),
    [
        ("answer", "laporgub", {"text": "Kami jawab."}),
        ("status", "laporgub", {"status": "closed", "raw_status": "selesai"}),
        ("reopened", "laporgub", {"status": "in_progress"}),
        ("reroute_requested", "laporgub", {}),
    ],
)
async def test_a_change_that_does_not_fit_is_a_conflict_for_the_coordinator(
    tmp_path: Path, kind: str, system: str, changes: dict[str, Any]
) -> None:
    """No state changes; it is told, counted, shown, and gone when the coordinator took note."""
    async with routing_in(tmp_path) as routing:
        case = CaseEvents("clash")
        await routing.hears(case.created(), case.mirror(kind, system, **changes))
        shown = (await routing.call("GET", f"/v1/cases/{case.id}", "coordinator")).json()
        assert (shown["state"], shown["conflict"]) == ("assigned", True)
        assert (await _last(routing, case))["reason_code"] == "mirror_conflict"
        assert routing.service.status is not None
        assert (await routing.service.status())["conflicts"] == 1
        after = await routing.done(case, "acknowledge", "coordinator")

        assert (after["conflict"], after["version"]) == (False, shown["version"])


async def test_a_canary_in_conflict_is_counted_neither_in_the_status_nor_in_the_gauge(
    tmp_path: Path,
) -> None:
    """One gauge, whoever looks last: the operators' page or a scrape."""
    async with routing_in(tmp_path, tenants=(TENANT, CANARY_TENANT)) as routing:
        city, canary = CaseEvents("city", 1), CaseEvents("canary", 2, tenant=CANARY_TENANT)
        canary.id = uuid7(START)
        for case in (city, canary):
            await routing.hears(case.created(), case.mirror("answer", "laporgub", text="Sudah."))
            assert (await routing.body(case))["conflicts"]
        assert routing.service.status is not None
        assert routing.service.levels is not None
        status = await routing.service.status()
        await routing.service.levels()
        scraped = (await routing.http.get("/metrics")).text

        assert 1 == status["conflicts"]
        assert "aduan_routing_mirror_conflicts 1.0" in scraped.splitlines()


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "linked", "remote_ticket": "LGWP00000001"},
        {"kind": "status", "reason_code": "unknown_status", "raw_status": "entah"},
        {"kind": "status", "reason_code": "fits", "raw_status": "progres"},
    ],
)
async def test_a_word_that_fits_or_means_nothing_changes_no_state(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    """It is kept for the desk, and nothing is told."""
    async with routing_in(tmp_path) as routing:
        case = CaseEvents("quiet")
        given = {**changes}
        await routing.hears(case.created(), case.mirror(given.pop("kind"), "laporgub", **given))
        body = await routing.body(case)

        assert (body["state"], body["conflicts"], len(await routing.told(case))) == (
            "assigned",
            [],
            1,
        )
        assert body["mirrors"]["laporgub"]["kind"] == changes["kind"]


def _orders(streams: list[list[Raw]]) -> set[tuple[int, ...]]:
    marks = [number for number, events in enumerate(streams) for _ in events]
    return set(permutations(marks))


async def test_all_orders_of_the_first_six_events_end_alike(tmp_path: Path) -> None:
    """Three streams, two events each, 90 interleavings: one final case."""
    results = []
    async with routing_in(tmp_path) as routing:
        routing.later(hours=6)

        def events(name: str, number: int) -> tuple[CaseEvents, list[list[Raw]]]:
            case = CaseEvents(name, number)
            return case, [
                [case.created(), case.replied("supplement", START + timedelta(hours=1))],
                [case.due(START + timedelta(days=3)), case.due(START + timedelta(days=2))],
                [
                    case.mirror("linked", "laporgub", remote_ticket="LGWP00000001"),
                    case.mirror("status", "laporgub", status="closed", raw_status="selesai"),
                ],
            ]

        orders = _orders(events("count", 0)[1])
        for number, order in enumerate(sorted(orders), start=1):
            case, streams = events(f"order-{number}", number)
            places = [iter(stream) for stream in streams]
            await routing.hears(*(next(places[stream]) for stream in order))
            results.append(_final(await routing.body(case)))

    assert len(results) == 90
    assert all(result == results[0] for result in results)


def _final(body: dict[str, Any]) -> dict[str, Any]:
    """What must be alike: all but names, and the order in which entries were written."""
    names = ("id", "ticket", "entries", "words")
    entries = sorted((entry["action"], entry["from"], entry["to"]) for entry in body["entries"])
    return {name: value for name, value in body.items() if name not in names} | {"did": entries}
