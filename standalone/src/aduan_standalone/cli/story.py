"""The whole story of one case: what each service told about it, by time, gaps shown."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from aduan.clock import WIB, parse_iso
from aduan.ticket import NotATicket, read_ticket
from aduan_standalone.cli.api import Api
from aduan_standalone.cli.instance import SERVICES
from aduan_standalone.cli.refusal import Refusal

CASE_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def fetch(api: Api, case: str) -> dict[str, Any]:
    """Return the story: {"case_id", "ticket", "events", "gaps", "waiting", "letters", "behind"}.

    case: ticket or complaint id. events: in time order, causes before effects, each with `service`.
    gaps: seq numbers that a service's own stream lacks. waiting: seqs that a service holds back.
    behind: how many events of a producer a consumer has not applied yet.
    Raises Refusal when no service knows the case.
    """
    case_id = id_of(api, case)
    told = {
        name: found
        for name in SERVICES
        if (found := api.find(name, f"/{name}/ops/story/{case_id}")) is not None
    }
    if not told:
        raise Refusal("No service knows this case.")
    return assemble(case_id, told)


def assemble(case_id: str, told: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Put the services' answers together; see `fetch`."""
    events = [{"service": name, **event} for name, one in told.items() for event in one["events"]]
    created = [event for event in events if event["topic"] == "complaint.created"]
    last = {name: max((e["seq"] for e in one["events"]), default=0) for name, one in told.items()}
    return {
        "case_id": case_id,
        "ticket": created[0]["data"].get("ticket") if created else None,
        "events": in_time_order(events),
        "gaps": {n: lost for n, one in told.items() if (lost := _gaps(one["events"]))},
        "waiting": {
            name: waits
            for name, one in told.items()
            if (waits := {s: seqs for s, seqs in one["waiting"].items() if seqs})
        },
        "behind": {
            name: late
            for name, one in told.items()
            if (
                late := {s: last[s] + 1 - n for s, n in one["inbox"].items() if n <= last.get(s, 0)}
            )
        },
        "letters": [
            {"service": n, **letter} for n, one in told.items() for letter in one["letters"]
        ],
    }


def in_time_order(events: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Sort by time; at equal times a cause stands before its effects, a stream keeps its seq."""
    by_id = {event["id"]: event for event in events}

    def depth(event: Mapping[str, Any]) -> int:
        seen: set[str] = set()
        cause = event["causation_id"]
        while cause in by_id and cause not in seen:
            seen.add(cause)
            cause = by_id[cause]["causation_id"]
        return len(seen)

    return [
        dict(event)
        for event in sorted(events, key=lambda e: (e["time"], depth(e), e["service"], e["seq"]))
    ]


def render(story: Mapping[str, Any]) -> RenderableType:
    """Return the story for people: times in WIB, one line an event, then everything that is odd."""
    lines = Table(box=None, pad_edge=False)
    for heading in ("WIB", "service", "seq", "event", "what"):
        lines.add_column(heading, no_wrap=heading != "what")
    for event in story["events"]:
        when = parse_iso(event["time"]).astimezone(WIB)
        lines.add_row(
            f"{when:%Y-%m-%d %H:%M:%S}",
            event["service"],
            str(event["seq"]),
            event["topic"],
            # plain text: square brackets of a citizen's sentence are no markup
            Text(summary(event["topic"], event["data"])),
        )
    title = Text(f"{story['ticket'] or 'no ticket yet'}   {story['case_id']}", style="bold")
    return Group(title, lines, *(Text(line, style="yellow") for line in _remarks(story)))


def summary(topic: str, data: Mapping[str, Any]) -> str:
    """Return the few words that tell one event from the next of its topic."""
    match topic:
        case "complaint.created":
            return f"{data['portal']}: {data.get('title') or data.get('text') or '(confidential)'}"
        case "complaint.replied":
            return f"{data['kind']}: {data.get('text') or ''}".rstrip(": ")
        case "complaint.assigned":
            return f"to {data['opd']['code']} by {data['method']} ({data['confidence']:.2f})"
        case "complaint.progressed":
            actor = " ".join(filter(None, (data["actor"]["kind"], data["actor"].get("opd"))))
            return f"{data['from']} -> {data['to']} ({data['action']}, {actor})"
        case "sla.scheduled":
            clocks = ", ".join(f"{c['name']} {c['state']}" for c in data["clocks"])
            return f"{data['cause']}: {clocks}"
        case "sla.warned" | "sla.breached":
            level = f" level {data['level']}" if data.get("level") else ""
            return f"{data['clock']}{level}, due {_day(data['due_at'])}"
        case "sla.elapsed":
            return f"{data['timer']}, due {_day(data['due_at'])}"
        case "mirror.changed":
            words = (
                data.get("system"),
                data["kind"],
                data.get("remote_ticket"),
                data.get("status"),
            )
            return " ".join(filter(None, (*words, data.get("reason_code"))))
        case _:
            return ""


def id_of(api: Api, case: str) -> str:
    """Return the complaint id for a ticket (in any spelling of it) or an id.

    Raises Refusal for a mistyped or unknown ticket.
    """
    if CASE_ID.fullmatch(case):
        return case
    try:
        ticket = read_ticket(case)
    except NotATicket:
        raise Refusal(f"{case} is no ticket; perhaps it is mistyped.") from None
    found = api.find("sla", f"/v1/clocks/{ticket}")
    if found is None:
        raise Refusal(f"No case has the ticket {ticket}.")
    return str(found["complaint_id"])


def _gaps(events: Sequence[Mapping[str, Any]]) -> list[int]:
    seen = {event["seq"] for event in events}
    return [seq for seq in range(1, max(seen, default=0) + 1) if seq not in seen]


def _remarks(story: Mapping[str, Any]) -> list[str]:
    found = [f"gap: {name} lacks seq {_list(seqs)}" for name, seqs in story["gaps"].items()]
    for name, streams in story["waiting"].items():
        found += [f"waiting: {name} holds {s} {_list(seqs)}" for s, seqs in streams.items()]
    for name, streams in story["behind"].items():
        found += [f"behind: {name} has not applied {n} of {s}" for s, n in streams.items()]
    found += [
        f"dead letter: {letter['service']} {letter['kind']} {letter['id']}: {letter['reason']}"
        for letter in story["letters"]
    ]
    return found


def _list(seqs: Sequence[int]) -> str:
    return ", ".join(map(str, seqs))


def _day(moment: str | None) -> str:
    return f"{parse_iso(moment).astimezone(WIB):%Y-%m-%d %H:%M} WIB" if moment else "open"
