"""Whole cases through the front door: events in, HTTP in, events out."""

from pathlib import Path

import pytest
from aduan_routing_world import CaseEvents, Routing, routing_in

pytestmark = pytest.mark.asyncio


async def test_a_sure_complaint_goes_to_its_office_and_is_answered(tmp_path: Path) -> None:
    """Created, assigned by a rule, accepted, started, answered with evidence, rated, closed."""
    async with routing_in(tmp_path) as routing:
        case = CaseEvents("pothole")
        await routing.hears(case.created())
        shown = (await routing.call("GET", f"/v1/cases/{case.ticket.lower()}", "DPU")).json()
        assert (shown["state"], shown["opd"], shown["physical"]) == ("assigned", "DPU", True)
        assert shown["allowed"] == ["accept", "return", "answer"]
        await routing.done(case, "accept", "DPU")
        await routing.done(case, "start", "DPU")
        routing.later(minutes=2)
        fields = {"text": "Sudah ditambal.", "evidence": [await routing.proof(case)]}
        after = await routing.done(case, "answer", "DPU", fields)
        assert after["state"] == "answered"
        await routing.hears(case.replied("rating", routing.later(hours=1), rating=5))

        told = await routing.told(case)
        assert (await routing.body(case))["state"] == "closed"
        assert [one["topic"] for one in told] == ["complaint.assigned"] + 4 * [
            "complaint.progressed"
        ]
        assert [one["case"]["version"] for one in told] == [1, 2, 3, 4, 5]
        assert told[3]["answer"]["text"] == "Sudah ditambal."
        assert told[4]["reply_id"] == "r1"


async def test_a_redelivered_complaint_is_decided_once(tmp_path: Path) -> None:
    """The same event twice gives one assignment."""
    async with routing_in(tmp_path) as routing:
        case = CaseEvents("twice")
        created = case.created()
        await routing.hears(created, created)

        assert len(await routing.told(case)) == 1


async def test_one_command_may_accept_start_and_answer(tmp_path: Path) -> None:
    """A repair of two minutes leaves three entries and three events."""
    async with routing_in(tmp_path) as routing:
        case = CaseEvents("quick")
        await routing.hears(case.created())
        proof = await routing.proof(case)
        after = await routing.done(case, "answer", "DPU", {"text": "Selesai.", "evidence": [proof]})

        assert [entry["action"] for entry in after["entries"]][1:] == ["accept", "start", "answer"]
        assert len(await routing.told(case)) == 4


async def test_an_answer_about_physical_work_needs_evidence(tmp_path: Path) -> None:
    """Without a photo, and with a photo of another case, nothing changes."""
    async with routing_in(tmp_path) as routing:
        case, other = CaseEvents("bare"), CaseEvents("other", 2)
        await routing.hears(case.created(), other.created())
        foreign = await routing.proof(other)
        bare = await routing.act(case, "answer", "DPU", {"text": "Sudah."})
        wrong = await routing.act(case, "answer", "DPU", {"text": "Sudah.", "evidence": [foreign]})

        assert (bare.status_code, bare.json()["errors"][0]["field"]) == (422, "evidence")
        assert (wrong.status_code, wrong.json()["code"]) == (422, "unknown_reference")
        assert (await routing.body(case))["state"] == "assigned"


async def test_a_confidential_complaint_is_for_a_person_and_leaves_no_words(tmp_path: Path) -> None:
    """It waits in triage; its answer lies behind a reference and reads only with an audit line."""
    async with routing_in(tmp_path) as routing:
        case = CaseEvents("secret")
        await routing.hears(case.secret())
        assert (await routing.body(case))["state"] == "triage"
        await routing.done(case, "reclassify", "coordinator", {"category": "jalan-rusak"})
        await routing.done(case, "assign", "coordinator", {"opd": "DPU", "note": "Hati-hati."})
        fields = {"text": "Telah diperiksa.", "evidence": [await routing.proof(case)]}
        shown = await routing.done(case, "answer", "DPU", fields)

        stored = str(await routing.body(case)) + str(await routing.told(case)) + str(shown)
        assert "Telah diperiksa" not in stored
        assert "Hati-hati" not in stored
        answer = (await routing.told(case))[-1]["answer"]
        assert answer["content_ref"] == f"/v1/cases/{case.id}/content"
        assert answer["evidence"] == []


async def test_a_test_complaint_is_decided_but_in_no_list_and_no_count(tmp_path: Path) -> None:
    """The coordinator can look it up by ticket; no office sees it."""
    async with routing_in(tmp_path) as routing:
        case = CaseEvents("trial")
        await routing.hears(case.created(test=True))

        listed = (await routing.call("GET", "/v1/cases", "coordinator")).json()
        by_ticket = await routing.call("GET", f"/v1/cases/{case.ticket}", "coordinator")
        assert listed["items"] == []
        assert by_ticket.json()["state"] == "assigned"
        assert (await routing.call("GET", f"/v1/cases/{case.id}", "DPU")).status_code == 404
        assert (await _facts(routing))["cases"] == 0


async def test_a_desk_is_ordered_by_the_nearest_deadline(tmp_path: Path) -> None:
    """Paged by cursor; a case without a date comes last; an office sees its own alone."""
    async with routing_in(tmp_path) as routing:
        cases = [CaseEvents(f"desk-{number}", number + 10) for number in range(3)]
        for case in cases:
            await routing.hears(case.created())
        await routing.hears(cases[2].due(routing.later(hours=1)))
        await routing.hears(cases[0].due(routing.later(hours=1)))
        first = (await routing.call("GET", "/v1/cases?limit=2", "DPU")).json()
        rest = (
            await routing.call("GET", f"/v1/cases?limit=2&cursor={first['next']}", "DPU")
        ).json()
        found = [one["id"] for one in (*first["items"], *rest["items"])]

        assert found == [cases[2].id, cases[0].id, cases[1].id]
        assert (await routing.call("GET", "/v1/cases", "DISHUB")).json()["items"] == []
        assert (await routing.call("GET", "/v1/cases?opd=DPU", "DISHUB")).status_code == 403
        facts = await _facts(routing)
        assert (facts["cases"], facts["states"], facts["ever"]) == (
            3,
            {"assigned": 3},
            {"assigned": 3},
        )


async def _facts(routing: Routing) -> dict[str, object]:
    assert routing.service.status is not None
    return dict(await routing.service.status())
