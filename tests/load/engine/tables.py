"""The measurements of the distributed engine as Markdown, with what was aimed at and what was missed."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Final

from tests.load.engine.consuming import Consuming, Drained
from tests.load.engine.lives import AT_ONCE, Cost, Lives
from tests.load.engine.pacing import Delay, Pace

from aduan_standalone.cli.instance import SERVICES

PACE_GOAL: Final = 3.0
NAIVE_GOAL: Final = 8.0
FULL_GOAL: Final = 0.9
# A stream counts as kept up with when its answers end at most a twentieth later than it does.
KEPT: Final = 0.95
PROCESSES: Final = (*SERVICES, "broker", "mongod")
KIB: Final = 1024


def pace_table(found: Sequence[Pace]) -> str:
    """1, events offered straight into the log."""
    lines = [
        "## Kafka and MongoDB: from created to routing's first word",
        "",
        "Milliseconds between the CreateTime of both records, read back by a bare consumer. One process"
        " offers complaint.created\nevents to routing and the same bytes to"
        " `tests/load/engine/pingpong.py`, bare aiokafka on the same broker, in turns;"
        f" medians\nof {len(found[0].bare)} rounds. The clock of records ticks in whole milliseconds."
        f" Goal: p99 at most {PACE_GOAL:g} times the bare one.",
        "",
        "| offered/s | bare kept/s | bare p50 / p99 | routing kept/s | routing p50 / p99 | p99 ratio |",
        "|---|---|---|---|---|---|",
    ]
    for one in found:
        bare, ours = _delay(one.bare), _delay(one.routing)
        lines.append(
            f"| {one.rate:g} | {bare[0]:.0f} | {bare[1]:.0f} / {bare[2]:.0f}"
            f" | {ours[0]:.0f} | {ours[1]:.0f} / {ours[2]:.0f} | **{one.ratio:.1f}** |"
        )
    missed = [f"{one.rate:g}/s" for one in found if one.ratio > PACE_GOAL]
    late = [f"{one.rate:g}/s" for one in found if _kept_share(one.routing) < KEPT]
    unsent = [
        f"{one.rate:g}/s"
        for one in found
        if median(each.offered for each in (*one.bare, *one.routing)) < KEPT * one.rate
    ]
    lines += ["", f"Goal {'missed at ' + ', '.join(missed) if missed else 'reached'}."]
    if late:
        lines.append(
            f"Routing did not keep up at {', '.join(late)}: its delays there are a queue's."
        )
    if unsent:
        lines.append(f"The machine could not offer {', '.join(unsent)} in full.")
    return "\n".join(lines) + "\n"


def _delay(rounds: Sequence[Delay]) -> tuple[float, float, float]:
    return (
        median(one.kept for one in rounds),
        median(one.p50 for one in rounds),
        median(one.p99 for one in rounds),
    )


def _kept_share(rounds: Sequence[Delay]) -> float:
    return median(one.kept / one.offered for one in rounds)


def consuming_table(found: Consuming) -> str:
    """2 and 4."""
    ours, theirs = found.routing, found.naive
    lines = [
        "## Kafka and MongoDB: one consuming service at full speed",
        "",
        "A backlog of complaint.created is worked off by one process of routing, and by"
        " `tests/load/engine/naive.py`: the same\ndecision, one event a transaction, `send_and_wait`,"
        f" an offset commit a record. In turns, medians of {len(ours)} rounds; rates by committed\n"
        f"offsets between nine tenths and a twentieth left. Goal: {NAIVE_GOAL:g} times the naive rate.",
        "",
        "| build | events | events/s | CPU ms an event: itself | broker | mongod |",
        "|---|---|---|---|---|---|",
        _drained("routing", "routing", ours),
        _drained("naive", "naive", theirs),
        "",
        f"Ratio **{found.ratio:.1f}**, goal {NAIVE_GOAL:g}:"
        f" {'reached' if found.ratio >= NAIVE_GOAL else 'missed'}.",
        "",
        "Offered as a stream to the running routing, fastest first until one is kept up with; lag in"
        " records not yet committed\n(commits come every 0.1 s):",
        "",
        "| offered/s | sent/s | lag after two thirds | lag at the end | kept up |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {one.offered:.0f} | {one.rate:.0f} | {one.middle} | {one.end}"
        f" | {'yes' if one.sustained else 'no'} |"
        for one in found.streams
    ]
    away = found.outage
    lines += [
        "",
        f"After an outage: sla, away while {away.events:,} events of created and routed complaints"
        f" came, works them off at **{away.rate:.0f}**/s\n({away.cpu['sla']:.2f} CPU ms each);"
        f" {away.seconds:.0f} s from the start of its process to the last committed offset.",
    ]
    return "\n".join(lines) + "\n"


def _drained(title: str, process: str, rounds: Sequence[Drained]) -> str:
    cpu = {
        name: median(one.cpu.get(name, float("nan")) for one in rounds)
        for name in (process, "broker", "mongod")
    }
    return (
        f"| {title} | {rounds[0].events:,} | **{median(one.rate for one in rounds):.0f}**"
        f" | {cpu[process]:.2f} | {cpu['broker']:.2f} | {cpu['mongod']:.2f} |"
    )


def lives_table(found: Lives) -> str:
    """3, 5, and 1 through HTTP."""
    few, many = median(found.few), median(found.many)
    lines = [
        "## Kafka and MongoDB: whole lives of cases, and what one costs",
        "",
        "All five services, a process each, on one broker and one mongod (cache 256 MB), without"
        f" partners and mail. A life over HTTP: posted,\nassigned by the coordinator, accepted,"
        f" started and answered by the office, closed; {AT_ONCE} at once. The full store has"
        f" {found.cases:,} settled\ncases, copied from real ones. The processes are stopped and"
        f" started on either store in turns, {len(found.few)} rounds; medians.",
        "",
        "| store | lives/s | rounds |",
        "|---|---|---|",
        f"| nearly empty | **{few:.1f}** | {_rounds(found.few)} |",
        f"| {found.cases:,} cases | **{many:.1f}** | {_rounds(found.many)} |",
        "",
        f"Ratio within the rounds **{found.ratio:.2f}**, goal {FULL_GOAL:g}:"
        f" {'reached' if found.ratio >= FULL_GOAL else 'missed'}. Filling took {found.filled:.0f} s.",
        "",
        "Through intake's HTTP, from created to routing's first word, all five services on the same"
        " cores:",
        "",
        "| offered/s | acknowledged/s | routed/s | p50 ms | p99 ms | assigned |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {rate:g} | {one.offered:.0f} | {one.kept:.0f} | {one.p50:.0f} | {one.p99:.0f}"
        f" | {one.assigned} of {one.count} |"
        for rate, one in found.paced
    ]
    lines += [
        "",
        "CPU ms a complaint, and a second of all seven processes at rest:"
        f" {found.idle:.0f} ms. Posted and routed: {found.routed.rate:.0f}/s until all was at rest;"
        f" whole lives: {found.whole.rate:.0f}/s.",
        "",
        f"| a complaint | {' | '.join(PROCESSES)} | together |",
        f"|{'---|' * (len(PROCESSES) + 2)}",
        _cpu("posted and routed", found.routed),
        _cpu("a whole life", found.whole),
        "",
        "KiB a complaint: documents as they are, and in MongoDB's files (compressed, with indexes);"
        " record segments in Kafka, one copy.",
        "",
        f"| a complaint | {' | '.join(SERVICES)} | MongoDB | its files | Kafka |",
        f"|{'---|' * (len(SERVICES) + 4)}",
        _bytes("posted and routed", found.routed),
        _bytes("a whole life", found.whole),
    ]
    return "\n".join(lines) + "\n"


def _rounds(rates: Sequence[float]) -> str:
    return ", ".join(f"{one:.1f}" for one in rates)


def _cpu(title: str, cost: Cost) -> str:
    cells = [f"{cost.cpu[name]:.1f}" if name in cost.cpu else "not told" for name in PROCESSES]
    return f"| {title} | {' | '.join(cells)} | **{sum(cost.cpu.values()):.1f}** |"


def _bytes(title: str, cost: Cost) -> str:
    cells = [f"{cost.data[name] / KIB:.1f}" for name in SERVICES]
    log = f"**{_sum(cost.log):.1f}**" if cost.log else "not told"
    return f"| {title} | {' | '.join(cells)} | **{_sum(cost.data):.1f}** | {_sum(cost.disk):.1f} | {log} |"


def _sum(sizes: Mapping[str, float]) -> float:
    return sum(sizes.values()) / KIB
