"""Writes docs/capacity.md: what an installation needs, reckoned from the figures of docs/benchmarks.md.

    python -m tools.capacity            write it anew
    python -m tools.capacity --check    end with 1 where it is not what the figures give

No number of the page is typed in: it is measured (read from the benchmarks), assumed (a constant here,
named as such on the page) or reckoned from these.
"""

import math
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aduan.contracts.topics import PARTITIONS, TOPICS

ROOT: Final = Path(__file__).resolve().parent.parent
SOURCE: Final = ROOT / "docs" / "benchmarks.md"
PAGE: Final = ROOT / "docs" / "capacity.md"

# Assumptions.
DAYS: Final = 365
BURST: Final = 100
PER_REGION_MONTH: Final = 1_000
REGIONS: Final = 35
NATION_YEAR: Final = 2_000_000
COPIES: Final = 3
SHARE_OF_A_CORE: Final = 0.5  # beyond it a process has no room to catch up
PICTURE_MIB: Final = 1.0
PICTURE_SHARE: Final = 0.5
LETTERS: Final = 6
SECONDS_A_LETTER: Final = 1.0
LETTERS_AT_ONCE: Final = 8  # notify's default
SERVICES: Final = ("intake", "routing", "sla", "sync-laporgub", "notify")
SECONDS_A_YEAR: Final = DAYS * 86_400


class Unreadable(Exception):
    """The benchmarks do not have a figure where it is looked for."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured. CPU in ms, sizes in KiB, all for one complaint unless they say otherwise."""

    cpu_posted: Mapping[str, float]
    cpu_life: Mapping[str, float]
    rest_ms: float
    mongo_kib: float
    kafka_kib: float
    acknowledged: float
    routed: float
    kept_up: float
    caught_up: float
    lives: float
    one_process: float
    one_process_kib: float
    one_process_mib: float
    status_ms: float
    most_cases: int


def figures(text: str) -> Figures:
    """Read docs/benchmarks.md. Raises Unreadable, with what is missing."""
    lives = _section(text, "## Kafka and MongoDB: whole lives")
    stream = _section(text, "## Kafka and MongoDB: one consuming service")
    one = _section(text, "## All five services, one process")
    growth = _section(text, "## Memory and speed up to")
    cpu, sizes = lives.split("KiB a complaint:")
    kept = re.findall(r"^\| (\d+) \|.*\| yes \|$", stream, re.MULTILINE)
    offered = re.findall(r"^\| \d+ \| (\d+) \| (\d+) \| \d+ \| \d+ \| \d+ of", lives, re.MULTILINE)
    last = re.findall(r"^\| ([\d,]+) \| (\d+) \|.*\| (\d+) \|$", growth, re.MULTILINE)
    if not kept or not offered or not last:
        raise Unreadable("a table of the benchmarks")
    names = (*SERVICES, "broker", "mongod", "together")
    life = _row(sizes, "a whole life")
    return Figures(
        cpu_posted=dict(zip(names, _row(cpu, "posted and routed"), strict=True)),
        cpu_life=dict(zip(names, _row(cpu, "a whole life"), strict=True)),
        rest_ms=_number(lives, r"processes at rest: (\d+) ms"),
        mongo_kib=life[len(SERVICES) + 1],
        kafka_kib=life[len(SERVICES) + 2],
        acknowledged=float(max(int(row[0]) for row in offered)),
        routed=float(max(int(row[1]) for row in offered)),
        kept_up=float(max(map(int, kept))),
        caught_up=_number(stream, r"works them off at \*\*(\d+)\*\*/s"),
        lives=_number(lives, r"\| 100,000 cases \| \*\*([\d.]+)\*\*"),
        one_process=_number(one, r"through all five services at \*\*(\d+)\*\*/s"),
        one_process_kib=_number(growth, r"A complaint takes (\d+) KiB on disk"),
        one_process_mib=float(last[-1][1]),
        status_ms=float(last[-1][2]),
        most_cases=int(last[-1][0].replace(",", "")),
    )


def _section(text: str, heading: str) -> str:
    _, found, rest = text.partition(heading)
    if not found:
        raise Unreadable(heading)
    return rest.split("\n## ", 1)[0]


def _row(text: str, name: str) -> list[float]:
    found = re.search(rf"^\| {re.escape(name)} \|(.*)\|$", text, re.MULTILINE)
    if found is None:
        raise Unreadable(name)
    return [float(cell.strip(" *")) for cell in found[1].split("|")]


def _number(text: str, pattern: str) -> float:
    found = re.search(pattern, text)
    if found is None:
        raise Unreadable(pattern)
    return float(found[1])


@dataclass(frozen=True, slots=True)
class Size:
    """One installation. year: complaints."""

    name: str
    year: int

    @property
    def average(self) -> float:
        """Complaints a second."""
        return self.year / SECONDS_A_YEAR

    @property
    def burst(self) -> float:
        """Complaints a second in a burst."""
        return self.average * BURST


SIZES: Final = (
    Size("a city", 12 * PER_REGION_MONTH),
    Size(f"a province, {REGIONS} regions", 12 * PER_REGION_MONTH * REGIONS),
    Size("the nation", NATION_YEAR),
)


def replicas(size: Size, cpu_ms: float) -> int:
    """Return how many of a service its processor time asks for in a burst; at least one."""
    return max(1, math.ceil(size.burst * cpu_ms / 1000 / SHARE_OF_A_CORE))


def render(text: str) -> str:
    """Return the page. text: docs/benchmarks.md. Raises Unreadable."""
    f = figures(text)
    retention = max(topic.retention.days for topic in TOPICS)
    together, posted = f.cpu_life["together"], f.cpu_posted["together"]
    heaviest = max(SERVICES, key=lambda name: f.cpu_life[name])
    city, _, nation = SIZES
    needed = max(replicas(nation, f.cpu_life[name]) for name in SERVICES)
    letters = nation.burst * LETTERS
    postmen = math.ceil(letters * SECONDS_A_LETTER / LETTERS_AT_ONCE)
    until_slow = f.most_cases / city.year
    return f"""# Capacity

What an installation needs for its complaints: the arithmetic, from what was measured. This page is written by
`python -m tools.capacity` from [benchmarks.md](benchmarks.md); a test fails where the two disagree. *Measured* is what stands
there (two cores that other work shared, one broker, one mongod, no partners, no mail, no pictures); *assumed* is a guess of ours,
named as one; the rest is reckoned.

## What one complaint costs

Measured, in processor time (ms) over all that runs:

| | {" | ".join((*SERVICES, "broker", "mongod"))} | together |
|---|{"---|" * 8}
| posted and routed | {_cells(f.cpu_posted)} |
| a whole life: assigned, accepted, started, answered, closed | {_cells(f.cpu_life)} |

- Disk for a whole life: {f.mongo_kib:g} KiB in MongoDB's files and {f.kafka_kib:g} KiB in Kafka, one copy each. Kafka keeps it
  {retention} days, MongoDB until the case expires.
- At rest, all seven processes: {f.rest_ms:g} ms of processor time a second.
- One event at one consuming service: routing keeps up with a stream of {f.kept_up:,.0f}/s; sla works off a backlog at
  {f.caught_up:,.0f}/s.
- Through HTTP, all five services beside engines and clients on two cores: {f.acknowledged:,.0f}/s acknowledged and {f.routed:,.0f}/s
  routed, or {f.lives:g} whole lives a second with {f.most_cases:,} cases in the store.
- On one machine (`aduan up`, SQLite): {f.one_process:,.0f}/s through all five, {f.one_process_kib:g} KiB on disk a complaint,
  {f.one_process_mib:,.0f} MiB of memory after {f.most_cases:,}.

## What arrives

Assumed: {PER_REGION_MONTH:,} complaints a month for a region (a city had as many), {REGIONS} regions in a province, {NATION_YEAR:,}
a year in the nation, and bursts of {BURST} times the average: a flood, an outage, an evening on television.

| | a year | average/s | burst/s | cores in a burst, posted and routed | cores in a burst, whole lives |
|---|---|---|---|---|---|
{"".join(_arrival(size, posted, together) for size in SIZES)}
Cores = burst/s x ms a complaint / 1000. For the nation's burst: {nation.burst:.2f} x {together:g} / 1000 =
{nation.burst * together / 1000:.2f}. A burst of reports is not a burst of answers: offices work through it over days, so the
column before the last is the likely one.

## Partitions and replicas

A topic has {PARTITIONS} partitions, so at most {PARTITIONS} replicas of a service share its work. A replica should use no more
than {SHARE_OF_A_CORE:.0%} of a core, so that it can catch up (assumed). Then burst/s x ms a whole life / 1000 / {SHARE_OF_A_CORE:g} gives, rounded up:

| | {" | ".join(SERVICES)} |
|---|{"---|" * 5}
{"".join(_replicas(size, f) for size in SIZES)}
The dearest is {heaviest}: {nation.burst:.2f} x {f.cpu_life[heaviest]:g} / 1000 / {SHARE_OF_A_CORE:g} =
{nation.burst * f.cpu_life[heaviest] / 1000 / SHARE_OF_A_CORE:.2f}. So processor time asks for {needed} of each even in the nation's burst;
**two of each are for availability**, not for speed, three brokers and three database members likewise. {PARTITIONS} partitions are
{PARTITIONS // 2} times what two replicas need; they cannot be changed later, and an idle partition costs little.

A city needs none of this: `aduan up` on one machine does {f.one_process / city.burst:,.0f} times the rate of its bursts.

## Disk

Documents of a year = complaints x {f.mongo_kib:g} KiB x {COPIES} members; the log = complaints of {retention} days x
{f.kafka_kib:g} KiB x {COPIES} copies. Pictures were not measured; assumed is one of {PICTURE_MIB:g} MiB with {PICTURE_SHARE:.0%} of the
complaints (intake takes several of up to 10 MiB), in {COPIES} members.

| | documents a year, GiB | log, GiB | pictures a year, GiB |
|---|---|---|---|
{"".join(_disk(size, f, retention) for size in SIZES)}
On one machine a city's year is {_gib(city.year * f.one_process_kib):.1f} GiB without pictures.

## What breaks first

- **A city on one machine.** The machine itself: it is one. Then pictures on its disk. Then `aduan status`, which counts rows one by
  one: {f.status_ms / 1000:.1f} s at {f.most_cases:,} cases, which is {until_slow:.0f} years. Never its rate.
- **A province.** The disk for pictures, by far. And a region's mistake that reaches all: one bad release or one bad line of
  reference data is everybody's.
- **The nation.** Mail: {nation.burst:.2f}/s x {LETTERS} letters a complaint (assumed) = {letters:.0f} letters a second in a burst. A
  notify replica has {LETTERS_AT_ONCE} under way at once; at {SECONDS_A_LETTER:g} s each (assumed) that asks for {postmen} replicas and a
  provider who takes it. Without them letters are late, and none is lost. Then pictures, then the partner systems, whose limits
  nobody has told us.
- **A consumer that was away.** sla catches up at {f.caught_up:,.0f} events/s, so an hour's burst of the nation
  ({nation.burst * 3600:,.0f} complaints) with, say, ten events each takes {nation.burst * 36_000 / f.caught_up:.0f} s.
- **Whatever the size**: one case is one replica's, so a single case with thousands of events goes no faster with more replicas.

## What was not measured

More than {f.most_cases:,} cases in a store. Several brokers and members (writes wait for two of them, so each is slower). Real
networks, disks of a cloud, TLS. Pictures. Mail and partners as slow as real ones. Thousands of offices and portals, and
dashboards over them. More than one tenant in one installation under load. Processors of other makes. Before a province or the nation
goes live: `make bench ENGINE=kafka` on its own machines, `python -m tools.capacity`, and read this page again.
"""


def _cells(row: Mapping[str, float]) -> str:
    last = "together"
    return " | ".join(
        [*(f"{ms:g}" for name, ms in row.items() if name != last), f"**{row[last]:g}**"]
    )


def _arrival(size: Size, posted: float, together: float) -> str:
    cores = (size.burst * posted / 1000, size.burst * together / 1000)
    return (
        f"| {size.name} | {size.year:,} | {size.average:.4f} | {size.burst:.2f} |"
        f" {cores[0]:.3f} | {cores[1]:.2f} |\n"
    )


def _replicas(size: Size, f: Figures) -> str:
    counts = " | ".join(str(replicas(size, f.cpu_life[name])) for name in SERVICES)
    return f"| {size.name} | {counts} |\n"


def _disk(size: Size, f: Figures, retention: int) -> str:
    documents = _gib(size.year * f.mongo_kib * COPIES)
    log = _gib(size.year / DAYS * retention * f.kafka_kib * COPIES)
    pictures = size.year * PICTURE_SHARE * PICTURE_MIB * COPIES / 1024
    return f"| {size.name} | {documents:.1f} | {log:.2f} | {pictures:,.0f} |\n"


def _gib(kib: float) -> float:
    return kib / 1024 / 1024


def main() -> None:
    """Write the page, or compare it."""
    page = render(SOURCE.read_text("utf-8"))
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(page, "utf-8")
    elif PAGE.read_text("utf-8") != page:
        sys.exit("docs/capacity.md is not what the benchmarks give: python -m tools.capacity")


if __name__ == "__main__":
    main()
