"""The measurements as Markdown tables, each with what it means and what was aimed at."""

import re
from collections.abc import Sequence
from statistics import median

from tests.load.growth import CONNECTIONS, Growth
from tests.load.inside import Drained, Ticks
from tests.load.intake_post import Compared
from tests.load.pipeline import Pipeline
from tests.load.warm_start import Started, medians

GOAL, FLOOR = 0.9, 0.5
TICK_GOAL = 1.5
WARM_GOAL = 5.0
SLOWER = 2.0


def page(paper: str, tables: Sequence[str], machine: str) -> str:
    """Return the whole paper anew; of the old one stay the sections that tell their own day."""
    head = (
        "# Benchmarks\n\n"
        "Written by `make bench ARGS=--write`. Medians; servers run in processes of their own and"
        " are loaded in turn\nby a third one, so a busy machine hits both sides alike. Only ratios"
        " mean something here: the cores were\nshared with other work.\n\n"
        f"Measured {machine}.\n\n"
    )
    fresh = {_name(table): table for table in tables}
    kept = [
        section
        for name, section in _sections(paper)[1].items()
        if name not in fresh and "\nMeasured " in section
    ]
    return head + "\n".join([*tables, *kept])


def amended(paper: str, tables: Sequence[str], machine: str) -> str:
    """Return the paper with these sections in place of those of the same name, or at its end.

    Each says when it was measured, since the head speaks of the run that wrote the rest.
    """
    head, found = _sections(paper)
    for table in tables:
        found[_name(table)] = f"{table}\nMeasured {machine}.\n"
    return head + "\n".join(found.values())


def _sections(paper: str) -> tuple[str, dict[str, str]]:
    head, *sections = re.split(r"(?m)^(?=## )", paper)
    return head, {_name(section): section.rstrip("\n") + "\n" for section in sections}


def _name(section: str) -> str:
    return section.partition("\n")[0]


def post_table(found: Sequence[Compared]) -> str:
    """(a) and (b)."""
    lines = [
        "## A durable POST against nothing at all",
        "",
        "Reference: `tests/load/reference_app.py`, FastAPI, the same body model, 202. intake:"
        " key, scrubbing,\nsealing, unique key, one durable write, relay and log in the same"
        f" process. Goal {GOAL:g} of its rate, floor {FLOOR:g}.\nDurable:"
        " `tests/load/durable_app.py`, the same with one insert and one commit, and nothing else"
        " that intake does.",
        "",
        "| connections | reference/s | durable/s | intake/s | ratio | to durable | CPU ms reference"
        " | CPU ms durable | CPU ms intake | CPU ratio | p50/p99 ms |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {one.connections} | {one.reference.rate:.0f} | {one.durable.rate:.0f}"
        f" | {one.intake.rate:.0f} | **{one.rate_ratio:.2f}** | {one.durable_ratio:.2f}"
        f" | {one.reference.cpu:.2f} | {one.durable.cpu:.2f} | {one.intake.cpu:.2f}"
        f" | {one.cpu_ratio:.1f} | {one.intake.p50:.1f} / {one.intake.p99:.1f} |"
        for one in found
    ]
    worst = min(one.rate_ratio for one in found)
    verdict = "reached" if worst >= GOAL else "missed"
    floor = "kept" if worst >= FLOOR else "missed"
    lines += [
        "",
        f"Goal {verdict}, floor {floor} (lowest ratio {worst:.2f}).",
        "",
        "Commits a complaint on the POST's own path (store and mark in the store's file, log in"
        " its own), from the\nadapters' counters; `PRAGMA synchronous` as the engine reads it"
        " back (2 is FULL).",
        "",
        "| connections | store and mark | log | together | 3 / connections | synchronous |",
        "|---|---|---|---|---|---|",
    ]
    for one in found:
        lines.append(
            f"| {one.connections} | {one.commits[0]:.3f} | {one.commits[1]:.3f}"
            f" | {sum(one.commits):.3f} | {3 / one.connections:.3f}"
            f" | {one.synchronous[0]}, {one.synchronous[1]} |"
        )
    return "\n".join(lines) + "\n"


def tick_table(found: Ticks) -> str:
    """(c)."""
    verdict = "reached" if found.ratio <= TICK_GOAL else "missed"
    return "\n".join(
        [
            "## A tick when ten cases are due",
            "",
            "| open clocks | ms | CPU ms |",
            "|---|---|---|",
            f"| {found.few:,} | {found.few_ms:.1f} | {found.few_cpu:.1f} |",
            f"| {found.many:,} | {found.many_ms:.1f} | {found.many_cpu:.1f} |",
            "",
            f"Ratio **{found.ratio:.2f}**, goal at most {TICK_GOAL:g}: {verdict}.",
            "",
        ]
    )


def drain_table(found: Sequence[Drained]) -> str:
    """(d)."""
    return "\n".join(
        [
            "## A backlog",
            "",
            f"sla, away while {found[0].events:,} complaints were created, works them off at"
            f" **{median(one.rate for one in found):.0f}** events/s"
            f" ({median(one.cpu_ms for one in found):.2f} CPU ms each, all threads), to the last"
            " committed offset.",
            "",
        ]
    )


def pipeline_table(found: Pipeline) -> str:
    """(e)."""
    lines = [
        "## All five services, one process, over HTTP",
        "",
        f"{found.complaints:,} complaints at full speed: acknowledged at"
        f" **{found.posted_rate:.0f}**/s, through all five services at"
        f" **{found.settled_rate:.0f}**/s ({found.cpu:.1f} CPU ms each).",
        f"Memory: {found.rss_rest:.0f} MiB at rest, {found.rss_after:.0f} MiB after"
        f" {found.rss_complaints:,} complaints.",
        "",
        "From created to routing's first word, by the log's time stamps:",
        "",
        "| offered/s | kept/s | p50 ms | p99 ms | of these assigned |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {one.rate:g} | {one.kept:.0f} | {one.p50:.0f} | {one.p99:.0f} | {one.assigned} |"
        for one in found.paced
    ]
    return "\n".join(lines) + "\n"


def warm_table(found: list[Started]) -> str:
    """(f)."""
    middle = medians(found)
    slowest = max(one.sample for one in found)
    verdict = "reached" if middle.sample <= WARM_GOAL else "missed"
    return (
        "## From `aduan demo` to the first routed complaint\n\n"
        "Seconds from the start of the process, everything installed, caches warm, a fresh folder;"
        f" median of {len(found)}.\nDecided means assigned or in triage, as `GET /v1/cases` shows"
        " it. The first case is one that the simulated\nLaporGub held already.\n\n"
        "| all five services ready | first case decided | first fed sample decided |\n"
        "|---|---|---|\n"
        f"| {middle.ready:.1f} | {middle.first:.1f} | **{middle.sample:.1f}** |\n\n"
        f"Goal at most {WARM_GOAL:g} s: {verdict} (slowest {slowest:.1f} s).\n"
    )


def growth_table(found: Growth) -> str:
    """(g)."""
    start, last = found.stops[0], found.stops[-1]
    lines = [
        f"## Memory and speed up to {last.complaints:,} complaints",
        "",
        "One instance with all five services; POSTs with a portal's key at full speed over"
        f" {CONNECTIONS} connections to each stop,\nthen a rest until nothing is pending. Rates and"
        " CPU are those of the stretch before the stop. Sizes in MiB;\npeak is the most memory ever;"
        " the folder counts the write-ahead files; status is one look at the numbers of\nall five"
        " services.",
        "",
        "| complaints | RSS | anonymous | peak | folder | acknowledged/s | through all five/s"
        " | CPU ms each | POST p99 ms | status ms |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for stop in found.stops:
        way = stop.way
        speed = (
            f"{way.posted_rate:.0f} | {way.settled_rate:.0f} | {way.cpu:.1f} | {way.p99:.0f}"
            if way is not None
            else "- | - | - | -"
        )
        lines.append(
            f"| {stop.complaints:,} | {stop.rss:.0f} | {stop.anonymous:.0f} | {stop.peak:.0f}"
            f" | {stop.folder:.0f} | {speed} | {stop.status:.0f} |"
        )
    ways = [stop.way for stop in found.stops if stop.way is not None]
    files = sorted(found.files.items(), key=lambda item: -item[1])
    kib = (last.folder - start.folder) / last.complaints * 1024
    lines += [
        "",
        f"Memory: **{start.rss:.0f} MiB** at rest, **{last.rss:.0f} MiB** after"
        f" {last.complaints:,}. The last stretch runs at **{ways[-1].settled_rate / ways[0].settled_rate:.2f}**"
        f" of the first one's rate,\nfor {ways[-1].cpu / ways[0].cpu:.2f} of its CPU. A complaint"
        f" takes {kib:.0f} KiB on disk: "
        + ", ".join(f"{name} {size / last.folder:.0%}" for name, size in files if size >= 1)
        + ".\nCPU shows a slow-down; the rates also follow whatever else ran at the time.",
    ]
    if len(found.stops) > 2 and last.status > SLOWER * found.stops[1].status:
        lines.append(
            "Status gets slower with size: it counts rows one by one, and on the loop that serves."
        )
    return "\n".join(lines) + "\n"
