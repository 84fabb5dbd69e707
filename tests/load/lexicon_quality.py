"""How good the lexicon is on a year of real, labelled reports of another city.

    python tests/load/lexicon_quality.py [FILE.jsonl.gz]

Prints, per office: reports, share decided (a rule alone would assign), right among those, and the
same for the last two months apart. Grades and calibration come from the ten months before; the
choice of words saw counts of the whole year, so the last two months are a milder test than a new
year would be. The reports lie outside the project and are private; only counts leave this file. Rows whose label means "the unit of that
place" are counted apart, because no text tells the place; so are rows without a label.
"""

import gzip
import json
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from aduan_routing.classify import Classifier, Reference, Report, load_tenant, may_assign

ROOT: Final = Path(__file__).resolve().parents[2]
TENANT: Final = ROOT / "reference" / "tenants" / "33.74"
REPORTS: Final = ROOT.parent / "shared" / "data" / "surabaya" / "dev_2022.jsonl.gz"
HELD_OUT_FROM: Final = "2022-11"  # WIB month


@dataclass(frozen=True, slots=True)
class Row:
    """A labelled report. label: office code, "" without one, "*" for the unit of its place."""

    text: str
    place: str
    label: str
    held_out: bool


@dataclass(slots=True)
class Tally:
    """Counts of one group of rows."""

    rows: int = 0
    decided: int = 0
    right: int = 0
    suggested: int = 0

    @property
    def share_decided(self) -> float:
        """Decided among all rows, 0..1."""
        return self.decided / self.rows if self.rows else 0.0

    @property
    def share_right(self) -> float:
        """Right among the decided, 0..1."""
        return self.right / self.decided if self.decided else 0.0


@dataclass(slots=True)
class Quality:
    """The whole result. apart: rows that are no test of the text, by kind."""

    all: Tally = field(default_factory=Tally)
    tuned_on: Tally = field(default_factory=Tally)
    held_out: Tally = field(default_factory=Tally)
    offices: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    apart: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    confusions: Counter[tuple[str, str]] = field(default_factory=Counter)
    cpu_seconds: float = 0.0


def rows_of(path: Path) -> Iterator[Row]:
    """Read the rows, oldest first as the file has them."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            label = row.get("semarang_code") or ""
            yield Row(
                text=row["text"],
                place=f"kelurahan {row['kelurahan']}" if row.get("kelurahan") else "",
                label="*" if label.endswith("*") else label,
                held_out=row["received_wib"] >= HELD_OUT_FROM,
            )


def measure(rows: Iterable[Row], reference: Reference) -> Quality:
    """Run the public function over the rows and count."""
    classifier = Classifier(reference)
    quality = Quality()
    for row in rows:
        report = Report(text=row.text, place_text=row.place or None)
        started = time.process_time()
        decision = classifier.decide(report)
        quality.cpu_seconds += time.process_time() - started
        if row.label in ("", "*"):
            groups = [quality.apart["unit of the place" if row.label else "no label"]]
        else:
            period = quality.held_out if row.held_out else quality.tuned_on
            groups = [quality.all, period, quality.offices[row.label]]
        decided = may_assign(decision, reference, confidential=False)
        for group in groups:
            group.rows += 1
            group.suggested += row.label in [office for office, _ in decision.suggestions]
            group.decided += decided
            group.right += decided and decision.opd == row.label
        if decided and row.label not in ("", "*", decision.opd):
            quality.confusions[row.label, str(decision.opd)] += 1
    return quality


def table(quality: Quality) -> str:
    """Return the table to print."""
    lines = [f"{'':22}{'reports':>8}{'decided':>9}{'right':>8}{'in top 3':>10}"]

    def line(name: str, tally: Tally) -> None:
        top = tally.suggested / tally.rows if tally.rows else 0.0
        lines.append(
            f"{name:22}{tally.rows:8}{tally.share_decided:9.1%}{tally.share_right:8.1%}{top:10.1%}"
        )

    line("all", quality.all)
    line("January to October", quality.tuned_on)
    line("November, December", quality.held_out)
    lines.append("")
    for office, tally in sorted(quality.offices.items(), key=lambda row: -row[1].rows):
        line(office, tally)
    lines.append("")
    for kind, tally in sorted(quality.apart.items()):
        lines.append(f"apart: {kind}: {tally.rows} reports, {tally.decided} decided by text")
    mixed = [f"{a} -> {b} {n}" for (a, b), n in quality.confusions.most_common(10)]
    lines.append(f"most often mixed up: {', '.join(mixed)}")
    count = quality.all.rows + sum(tally.rows for tally in quality.apart.values())
    if quality.cpu_seconds:
        lines.append(f"{count / quality.cpu_seconds:,.0f} decisions per CPU second")
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    """Print the table; 2 with one sentence when the reports are not there."""
    path = Path(arguments[0]) if arguments else REPORTS
    if not path.is_file():
        sys.stderr.write(f"The labelled reports are not at {path}.\n")
        return 2
    sys.stdout.write(table(measure(rows_of(path), load_tenant(TENANT))))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
