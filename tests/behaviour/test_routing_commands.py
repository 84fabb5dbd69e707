"""Every pair of state and command over HTTP, and who may do what to whose case."""

from pathlib import Path
from typing import Any

import pytest
from aduan_routing_world import REFERENCE, CaseEvents, Routing, routing_in

from aduan_routing.classify import load_tenant
from aduan_routing.domain.lifecycle import ALL, COMMANDS, LIFECYCLE

pytestmark = pytest.mark.asyncio
FIELDS: dict[str, Any] = {
    "assign": {"opd": "DPU"},
    "forward": {"partner": "sp4n"},
    "reject": {"reason": "Bukan laporan."},
    "archive": {"reason": "Belum lengkap."},
    "close": {"reason": "Pelapor menyatakan selesai lewat telepon."},
    "ask": {"question": "Di mana letaknya?"},
    "reclassify": {"title": "Jalan rusak"},
    "return": {"reason": "Bukan ruas kami.", "proposed": "DISHUB"},
    "answer": {"text": "Sudah ditangani."},
    "close-conditionally": {
        "reason": "Perlu anggaran.",
        "on": "2027-03-01",
        "fiscal_year": 2027,
        "unit": "Bina Marga",
    },
}
SURE = "Jalan berlubang besar di depan pasar, aspal rusak parah sejak minggu lalu."
VAGUE = "Mohon bantuannya untuk wilayah kami, terima kasih banyak sebelumnya."


async def _to(routing: Routing, case: CaseEvents, state: str) -> None:
    """Bring a new case of the DPU into a state, by the shortest way over the front door."""
    desk = state in ("triage", "forwarded", "rejected", "archived")
    await routing.hears(case.created(VAGUE if desk else SURE))
    if not desk:
        # A category without evidence, so that a text alone is an answer.
        await routing.done(case, "reclassify", "coordinator", {"category": _soft()})
    ways: dict[str, list[tuple[str, str]]] = {
        "triage": [],
        "forwarded": [("forward", "coordinator")],
        "rejected": [("reject", "coordinator")],
        "archived": [("archive", "coordinator")],
        "assigned": [],
        "accepted": [("accept", "DPU")],
        "in_progress": [("accept", "DPU"), ("start", "DPU")],
        "returned": [("return", "DPU")],
        "awaiting_reporter": [("accept", "DPU"), ("start", "DPU"), ("ask", "DPU")],
        "answered": [("answer", "DPU")],
        "closed": [("answer", "DPU")],
        "conditionally_closed": [
            ("accept", "DPU"),
            ("start", "DPU"),
            ("close-conditionally", "DPU"),
        ],
    }
    for action, who in ways[state]:
        await routing.done(case, action, who, FIELDS.get(action))
    if state == "closed":
        await routing.hears(case.replied("rating", routing.later(hours=1), rating=5))


def _soft() -> str:
    categories = load_tenant(REFERENCE / "tenants" / "33.74").categories.values()
    return next(one.code for one in categories if not one.physical)


async def test_every_pair_of_state_and_command_is_as_the_table_says(tmp_path: Path) -> None:
    """Allowed: 200 and the state of the row. Already true: 200, no event. Else 409, no event."""
    checked = 0
    async with routing_in(tmp_path) as routing:
        number = 0
        for state in ALL:
            for action in sorted(COMMANDS):
                for who, kind in (("DPU", "office"), ("coordinator", "coordinator")):
                    rows = [s for s in LIFECYCLE if s.action == action and s.by == kind]
                    if not rows:
                        continue
                    number += 1
                    case = CaseEvents(f"{state}-{action}-{who}", number)
                    await _to(routing, case, state)
                    if (await routing.call("GET", f"/v1/cases/{case.id}", who)).status_code == 404:
                        assert state in ("triage", "forwarded", "rejected", "archived")
                        continue
                    await _check(routing, case, state, action, who)
                    checked += 1
    assert checked > 150


async def _check(routing: Routing, case: CaseEvents, state: str, action: str, who: str) -> None:
    before = (await routing.call("GET", f"/v1/cases/{case.id}", who)).json()
    told = len(await routing.told(case))
    answer = await routing.act(case, action, who, FIELDS.get(action))
    after = await routing.body(case)
    new = len(await routing.told(case)) - told
    if action in before["allowed"] and new:
        assert answer.status_code == 200, (state, action, answer.text)
    elif answer.status_code == 200:
        # Already true: nothing is changed, nothing is told.
        assert (new, after["state"]) == (0, state), (state, action)
    else:
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (409, "transition_not_allowed")
        assert problem["state"] == state
        assert action not in problem["allowed"]
        assert problem["allowed"] == before["allowed"]
        assert (new, after["version"]) == (0, before["version"])


@pytest.mark.parametrize("action", ["assign", "forward", "return", "answer", "ask", "archive"])
async def test_an_action_without_its_words_is_refused_by_field(tmp_path: Path, action: str) -> None:
    """422 names the field; an unknown field is refused as well; the case stays as it was."""
    async with routing_in(tmp_path) as routing:
        case = CaseEvents("words")
        await routing.hears(case.created())
        who = "DPU" if action in ("return", "answer", "ask") else "coordinator"
        empty = await routing.act(case, action, who)
        more = await routing.act(case, action, who, {**FIELDS[action], "extra": 1})

        assert (empty.status_code, more.status_code) == (422, 422)
        assert more.json()["errors"][0]["field"] == "extra"
        assert (await routing.body(case))["version"] == 1


async def test_the_matrix_of_who_may_touch_whose_case(tmp_path: Path) -> None:
    """Role x unit x endpoint: another unit's case is not there, another role's action is refused."""
    async with routing_in(tmp_path) as routing:
        case = CaseEvents("matrix")
        await routing.hears(case.created())
        proof = await routing.proof(case)
        expected = {
            #            read content evidence accept assign offices
            "DPU": (200, 200, 200, 200, 403, 403),
            "DISHUB": (404, 404, 404, 404, 403, 403),
            "coordinator": (200, 200, 200, 403, 200, 403),
            "reader": (200, 403, 200, 403, 403, 403),
            "admin": (200, 200, 200, 403, 200, 200),
            "stranger": (404, 403, 404, 403, 404, 403),
        }
        for who, codes in expected.items():
            answers = [
                await routing.call("GET", f"/v1/cases/{case.id}", who),
                await routing.call("GET", f"/v1/cases/{case.id}/content", who),
                await routing.call("GET", f"/v1/evidence/{proof}", who),
                await routing.act(case, "accept", who),
                await routing.act(case, "assign", who, FIELDS["assign"]),
                await routing.call("GET", "/v1/offices/DPU/keys", who),
            ]
            assert tuple(answer.status_code for answer in answers) == codes, who
        assert (await routing.http.get(f"/v1/cases/{case.id}")).status_code == 401


async def test_a_repeated_answer_is_one_answer(tmp_path: Path) -> None:
    """Same key: replayed. Same key with another text: refused. Another text later: not allowed."""
    async with routing_in(tmp_path) as routing:
        case = CaseEvents("repeat")
        await _to(routing, case, "in_progress")
        head = {"Idempotency-Key": "k1"}
        first = await routing.act(case, "answer", "DPU", {"text": "Beres."}, **head)
        again = await routing.act(case, "answer", "DPU", {"text": "Beres."}, **head)
        other = await routing.act(case, "answer", "DPU", {"text": "Lain."}, **head)
        bare = await routing.act(case, "answer", "DPU", {"text": "Lain."})

        assert first.status_code == again.status_code == 200
        assert again.headers["Idempotent-Replayed"] == "true"
        assert other.json()["code"] == "idempotency_key_reused"
        assert bare.json()["code"] == "transition_not_allowed"
        assert [one.get("action") for one in await routing.told(case)].count("answer") == 1


async def test_a_stale_tag_changes_nothing(tmp_path: Path) -> None:
    """If-Match with an older version is 412; a known version is not sent again."""
    async with routing_in(tmp_path) as routing:
        case = CaseEvents("tag")
        await routing.hears(case.created())
        tag = (await routing.call("GET", f"/v1/cases/{case.id}", "DPU")).headers["etag"]
        same = await routing.call(
            "GET", f"/v1/cases/{case.id}", "DPU", headers={"If-None-Match": tag}
        )
        await routing.done(case, "accept", "DPU")
        stale = await routing.act(case, "start", "DPU", {}, **{"If-Match": tag})

        assert (same.status_code, stale.status_code) == (304, 412)
        assert (await routing.body(case))["state"] == "accepted"


async def test_an_oversight_case_goes_to_the_inspectorate_alone(tmp_path: Path) -> None:
    """It is closed to others from the first event on, and cannot be sent anywhere else."""
    async with routing_in(tmp_path) as routing:
        case = CaseEvents("bribe")
        await routing.hears(case.created(class_hint="pengaduan_berkadar_pengawasan"))
        first = (await routing.told(case))[0]
        wrong = await routing.act(case, "assign", "coordinator", {"opd": "DPU"})
        right = await routing.done(case, "assign", "coordinator", {"opd": "INSPEKTORAT"})

        assert (first["case"]["state"], first["case"]["confidential"]) == ("triage", True)
        assert all("words" not in reason for reason in first["reasons"])
        assert first["suggestions"][0]["opd"] == "INSPEKTORAT"
        assert (wrong.status_code, right["state"]) == (422, "assigned")


async def test_a_case_that_comes_back_to_its_office_is_no_new_assignment(tmp_path: Path) -> None:
    """Returned, then assigned to the same unit: progressed; to another: assigned, with previous."""
    async with routing_in(tmp_path) as routing:
        case = CaseEvents("pingpong")
        await routing.hears(case.created())
        for opd in ("DPU", "DISHUB"):
            await routing.done(case, "return", "DPU", FIELDS["return"])
            await routing.done(case, "assign", "coordinator", {"opd": opd})
        told = await routing.told(case)

        assert [one["topic"] for one in told][1:] == 3 * ["complaint.progressed"] + [
            "complaint.assigned"
        ]
        assert (told[1]["case"]["opd"], told[-1]["previous_opd"]) == ("DPU", "DPU")


async def test_an_officers_numbers_are_masked(tmp_path: Path) -> None:
    """Free text of an officer is scrubbed before it is kept or told."""
    async with routing_in(tmp_path) as routing:
        case = CaseEvents("scrub")
        await _to(routing, case, "in_progress")
        await routing.done(case, "answer", "DPU", {"text": "Hubungi 0812-3456-7890."})

        assert "3456" not in str(await routing.body(case)) + str(await routing.told(case))
