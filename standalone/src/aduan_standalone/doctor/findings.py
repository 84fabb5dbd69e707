"""What an examination found: a severity, what it is, where, and what to do about it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

Severity = Literal["ok", "not checked", "warning", "error"]
SEVERITIES: Final[tuple[Severity, ...]] = ("error", "warning", "not checked", "ok")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    check: the part of the examination, see CHECKS of the two examinations. what: one sentence; never
    the value of a variable. where: a variable, a file, a topic, an address without credentials.
    remedy: what to do, as a command where there is one; only what is well has none.
    """

    check: str
    severity: Severity
    what: str
    where: str
    remedy: str = ""

    def __post_init__(self) -> None:
        if self.severity in {"warning", "error"} and not self.remedy:
            raise ValueError(f"{self.check}: a finding without a remedy helps nobody")


def ok(check: str, what: str, where: str) -> Finding:
    """Say that something was looked at and is well."""
    return Finding(check, "ok", what, where)


def not_checked(check: str, reason: str, where: str, remedy: str = "") -> Finding:
    """Say that something could not be looked at: it may be well or not."""
    return Finding(check, "not checked", f"not checked: {reason}", where, remedy)


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Return the worst first; equal ones as they came."""
    return sorted(findings, key=lambda one: SEVERITIES.index(one.severity))


def verdict(findings: Sequence[Finding]) -> Severity:
    """Return the worst severity of all."""
    return min((one.severity for one in findings), key=SEVERITIES.index, default="ok")


def as_json(mode: str, findings: Sequence[Finding]) -> dict[str, Any]:
    """Return the report for a script."""
    counts = Counter(one.severity for one in findings)
    return {
        "mode": mode,
        "verdict": verdict(findings),
        "counts": {severity: counts[severity] for severity in SEVERITIES},
        "findings": [asdict(one) for one in findings],
    }
