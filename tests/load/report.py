"""The measurements as Markdown tables, each with what it means and what was aimed at."""

from collections.abc import Sequence
from statistics import median

from tests.load.inside import Drained, Ticks
from tests.load.intake_post import Compared
from tests.load.pipeline import Pipeline

GOAL, FLOOR = 0.9, 0.5
TICK_GOAL = 1.5


def page(tables: Sequence[str], machine: str) -> str:
    """Return the whole paper."""
    head = (
        "# Benchmarks\n\n"
        "Written by `make bench ARGS=--write`. Medians; servers run in processes of their own and"
        " are loaded in turn\nby a third one, so a busy machine hits both sides alike. Only ratios"
        " mean something here: the cores were\nshared with other work.\n\n"
        f"Measured {machine}.\n\n"
    )
    return head + "\n".join(tables)


def post_table(found: Sequence[Compared]) -> str:
    """(a) and (b)."""
    lines = [
        "## A durable POST against nothing at all",
        "",
        "Reference: `tests/load/reference_app.py`, FastAPI, the same body model, 202. intake:"
        " key, scrubbing,\nsealing, unique key, one durable write, relay and log in the same"
        f" process. Goal {GOAL:g} of its rate, floor {FLOOR:g}.",
        "",
        "| connections | reference/s | intake/s | ratio | CPU ms reference | CPU ms intake"
        " | CPU ratio | p50/p99 ms |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {one.connections} | {one.reference.rate:.0f} | {one.intake.rate:.0f}"
        f" | **{one.rate_ratio:.2f}** | {one.reference.cpu:.2f} | {one.intake.cpu:.2f}"
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
