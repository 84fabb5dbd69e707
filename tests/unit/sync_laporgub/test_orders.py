"""Whatever order routing's events and the worker's calls come in, the partner is told one story."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

from aduan.clock import iso
from aduan.contracts.envelope import Incoming, Reaction
from aduan.contracts.values import View
from aduan.storage.port import Body
from aduan_sync_laporgub.adapters.reference import load_partners
from aduan_sync_laporgub.domain import jobs
from aduan_sync_laporgub.domain.case import MirrorCase, read
from aduan_sync_laporgub.handlers import table

REFERENCE = Path(__file__).resolve().parents[3] / "reference"
NOW = datetime(2026, 12, 1, 2, tzinfo=UTC)
ID = "00000000-0000-7000-8000-000000000001"
TABLE = table(load_partners(REFERENCE, ("33.74",), ("laporgub", "sp4n")))
Step = tuple[str, dict[str, Any]]


def a_case(state: str, **changes: Any) -> dict[str, Any]:
    """Return routing's snapshot."""
    return {
        "version": 1,
        "state": state,
        "class": "aspirasi",
        "anonymous": False,
        "confidential": False,
        "oversight": False,
        **changes,
    }


def moved(before: str, after: str, **changes: Any) -> Step:
    """Return complaint.progressed."""
    data = {
        "case": a_case(after),
        "action": "move",
        "from": before,
        "to": after,
        "citizen_text": f"Kini {after}.",
        **changes,
    }
    return "complaint.progressed", data


CREATED: Step = (
    "complaint.created",
    {
        "ticket": "SMG-1",
        "received_at": "2026-12-01T02:00:00Z",
        "text": "Lampu mati.",
        "anonymous": False,
        "confidential": False,
    },
)
ASSIGNED: Step = ("complaint.assigned", {"case": a_case("assigned")})


def happen(body: Body | None, step: Step, *, at: datetime = NOW) -> Reaction:
    """Run the handler of the table on one event; nothing of the old body may change."""
    topic, data = step
    handler = TABLE[topic]
    view: View = handler.view.model_validate(data)
    event = Incoming(
        id="e", topic=topic, type=topic, stream="routing", seq=1, subject=ID, tenant="33.74",
        time=at, causation_id="", correlation_id="c", traceparent="", data=view,
    )  # fmt: skip
    return handler.react(body, event, NOW)


def after(*steps: Step) -> MirrorCase:
    """Return the case after these events."""
    body: Body | None = None
    for step in steps:
        body = happen(body, step).body or body
    assert body is not None
    return read(body)


class World:
    """A case and a partner that stores everything at once."""

    def __init__(self) -> None:
        self.case = after(CREATED)
        self.remote: list[str] = []
        self.wall = NOW

    def hears(self, step: Step) -> None:
        """Let an event happen."""
        body = happen(self.case.body(), step).body
        assert body is not None
        self.case = read(body)

    def works(self) -> bool:
        """Do one job, if one is due."""
        self.wall += timedelta(hours=1)
        claimed = jobs.claim(self.case, "laporgub", wall=self.wall, lease=timedelta(seconds=9))
        if claimed is None:
            return False
        job = claimed.head("laporgub")
        assert job is not None
        self.remote.append(job.text or job.kind)
        if job.kind == "submit":
            self.case, _ = jobs.linked(
                claimed, "laporgub", "LGWP1", now=NOW, next_pull_at=iso(self.wall)
            )
        else:
            self.case = jobs.pushed(claimed, job.ref, f"key {job.ref}")
        return True


def orders(events: int, calls: int) -> Iterator[list[bool]]:
    """Give every order of so many events (True) and calls (False)."""
    for places in combinations(range(events + calls), events):
        yield [place in places for place in range(events + calls)]


def test_all_orders_of_events_and_calls_end_in_one_story() -> None:
    """Three events and four calls in all 35 orders: same timeline there, same decision here."""
    events = [
        ASSIGNED,
        moved("assigned", "in_progress"),
        moved("in_progress", "answered", answer={"text": "Beres."}),
    ]
    ends = set()
    for order in orders(len(events), 4):
        world, coming = World(), iter(events)
        for is_event in order:
            if is_event:
                world.hears(next(coming))
            else:
                world.works()
        while world.works():
            pass
        ends.add((tuple(world.remote), world.case.decision.kind, len(world.case.jobs)))

    assert 1 == len(ends)
    ((story, decision, owed),) = ends
    assert ("submit", "Kini in_progress.", "Beres.") == (story[0], *story[2:])
    assert ("linked", 0) == (decision, owed)


def test_an_event_a_week_late_looks_before_it_submits() -> None:
    """An earlier life of this service may have submitted it already."""
    late = happen(after(CREATED).body(), ASSIGNED, at=NOW - timedelta(days=7))
    fresh = happen(after(CREATED).body(), ASSIGNED, at=NOW)

    assert [True, False] == [
        read(reaction.body).jobs[0].look_first for reaction in (late, fresh) if reaction.body
    ]


def test_an_event_of_an_unknown_case_does_nothing() -> None:
    """No document, no mirror: the inbox keeps such events until complaint.created was applied."""
    assert Reaction() == happen(None, ASSIGNED)


def test_a_flag_that_is_set_late_takes_the_text_out_of_what_is_still_owed() -> None:
    """Never tried: held. The text leaves this service's own document as well."""
    flagged = after(
        CREATED, ASSIGNED, moved("assigned", "assigned", case=a_case("assigned", confidential=True))
    )

    assert ("held", "confidential_unsupported") == (
        flagged.decision.kind, flagged.decision.reason_code,
    )  # fmt: skip
    assert () == flagged.jobs
    assert "Lampu" not in str(flagged.body())


def test_an_oversight_case_is_confidential_here_whatever_its_flag_says() -> None:
    """berkadar pengawasan implies rahasia."""
    step = ("complaint.assigned", {"case": a_case("assigned", oversight=True)})

    assert "held" == after(CREATED, step).decision.kind


def test_nobody_comes_from_the_echo_whatever_a_portal_says() -> None:
    """The name of the canary's partner is a portal's word like any other: the case is mirrored."""
    topic, data = CREATED
    case = after(
        (topic, {**data, "origin": {"system": "echo", "external_id": "7", "hops": []}}), ASSIGNED
    )

    assert {"laporgub"} == {job.system for job in case.jobs}
    assert "came_from_there" != case.decision.reason_code


def test_a_report_is_never_submitted_to_a_system_on_its_way() -> None:
    """It came by SP4N through a portal of ours: forwarding it there needs a human."""
    topic, data = CREATED
    origin = {"system": "portal", "external_id": "7", "hops": ["sp4n", "portal"]}
    case = after((topic, {**data, "origin": origin}), moved("triage", "forwarded", partner="sp4n"))

    assert ("held", "hop_loop", ()) == (case.decision.kind, case.decision.reason_code, case.jobs)


def test_a_case_forwarded_to_the_nation_leaves_one_current_decision() -> None:
    """Linked with the province before: the national submission is owed, and both are told on."""
    world = World()
    world.hears(ASSIGNED)
    while world.works():
        pass
    world.hears(moved("assigned", "forwarded", partner="sp4n"))

    assert ["submit"] == [job.kind for job in world.case.jobs if job.system == "sp4n"]
    assert ["bukan wewenang"] == [job.status for job in world.case.jobs if job.system == "laporgub"]


def test_handlers_never_change_the_body_they_were_given() -> None:
    """They may run twice."""
    body = after(CREATED).body()
    before = str(body)
    happen(body, ASSIGNED)

    assert before == str(body)
