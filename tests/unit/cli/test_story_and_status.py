"""How the five services' answers become one story and one report."""

import io
from typing import Any

from rich.console import Console

from aduan_standalone.cli import status, story

CASE = "5f0f1c2e-0000-5000-8000-000000000001"


def event(
    id: str, seq: int, time: str, topic: str = "complaint.progressed", cause: str = ""
) -> dict[str, Any]:
    """Return one event as `/<service>/ops/story` gives it."""
    kinds: dict[str, Any] = {
        "complaint.created": {"ticket": "SMG-1", "portal": "feed", "text": "lampu [bold]mati[/bold]"},
        "complaint.progressed": {
            "from": "assigned", "to": "accepted", "action": "accept",
            "actor": {"kind": "office", "opd": "DPU"},
        },
        "sla.scheduled": {"cause": "assigned", "clocks": [{"name": "handle", "state": "running"}]},
    }  # fmt: skip
    data = kinds[topic]
    return {
        "id": id,
        "topic": topic,
        "seq": seq,
        "time": time,
        "causation_id": cause or None,
        "data": data,
    }


def service(*events: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return one service's answer."""
    return {"events": list(events), "inbox": {}, "waiting": {}, "letters": [], **more}


def test_events_of_one_moment_stand_behind_their_cause() -> None:
    """The time of a fact is copied to what it causes, so causation breaks the tie."""
    found = story.assemble(
        CASE,
        {
            "routing": service(event("b", 1, "T1", cause="a"), event("d", 2, "T2")),
            "sla": service(event("c", 1, "T1", "sla.scheduled", cause="b")),
            "intake": service(event("a", 1, "T1", "complaint.created")),
        },
    )

    assert ["a", "b", "c", "d"] == [e["id"] for e in found["events"]]
    assert "SMG-1" == found["ticket"]


def test_gaps_waiting_letters_and_lateness_are_told() -> None:
    """A missing seq, a held event, a dead letter and a consumer that is behind each have a line."""
    letter = {"id": f"{CASE}:intake:2", "kind": "poison", "reason": "ValidationError"}
    found = story.assemble(
        CASE,
        {
            "intake": service(
                event("a", 1, "2026-12-01T00:00:00.000000Z", "complaint.created"),
                event("c", 3, "2026-12-01T00:00:01.000000Z"),
            ),
            "routing": service(
                inbox={"intake": 2}, waiting={"intake": [3], "sla": []}, letters=[letter]
            ),
        },
    )
    console = Console(width=200, file=io.StringIO())
    console.print(story.render(found))
    text = str(console.file.getvalue())  # type: ignore[attr-defined]  # a StringIO

    assert {"intake": [2]} == found["gaps"]
    assert {"routing": {"intake": 2}} == found["behind"]
    assert {"routing": {"intake": [3]}} == found["waiting"]
    assert "gap: intake lacks seq 2" in text
    assert "waiting: routing holds intake 3" in text
    assert "behind: routing has not applied 2 of intake" in text
    assert "dead letter: routing poison" in text
    assert "lampu [bold]mati[/bold]" in text, "a citizen's brackets are no markup"
    assert "2026-12-01 07:00:00" in text, "times are shown in WIB"


def services(**facts: Any) -> dict[str, dict[str, Any]]:
    """Return the status of all five, each with one of everything."""
    names = ("intake", "routing", "sla", "sync-laporgub", "notify")
    return {
        name: {
            "pending": 1, "held": 1, "in_flight": 1, "lag": 2,
            "dead_letters": {"poison": 1, "bug": 1, "held": 3},
            "facts": facts.get(name.replace("-", "_"), {}),
        }
        for name in names
    }  # fmt: skip


def test_the_report_sums_over_all_services() -> None:
    """held counts inboxes and letters; dead_letters only what failed."""
    report = status.combine(
        services(
            intake={"received": 9},
            routing={"cases": 8, "states": {"closed": 1, "triage": 2}, "ever": {"triage": 5}},
            sla={"clock_sets": 7, "breached": 3, "warned": 4},
            sync_laporgub={"mirror_decisions": {"linked": 6}, "jobs": 2},
            notify={"notification_decisions": {"delivered": 5}, "jobs": 1},
        )
    )

    assert (9, 8, 7) == (report["received"], report["cases"], report["clock_sets"])
    assert {"linked": 6} == report["mirror_decisions"]
    assert {"delivered": 5} == report["notification_decisions"]
    assert ["triage", "closed"] == list(report["states"]), "in the order of the lifecycle"
    assert (20, 10, 10) == (report["held"], report["dead_letters"], report["lag"])
    assert (3, 5, 5) == (report["jobs"], report["pending"], report["in_flight"])


def test_a_service_without_facts_counts_as_zero() -> None:
    """The keys are always there."""
    report = status.combine(services())

    assert {"received", "cases", "clock_sets", "mirror_decisions", "notification_decisions", "states",
            "held", "dead_letters", "lag"} <= report.keys()  # fmt: skip
    assert 0 == report["received"]
