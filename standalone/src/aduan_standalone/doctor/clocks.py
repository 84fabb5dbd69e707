"""By how much another machine's clock differs from ours."""

from typing import Final

from aduan_standalone.doctor.findings import Finding, ok

UNSEEN_SECONDS: Final = 5.0  # an HTTP date has whole seconds, and an answer takes its time
TOO_FAR_SECONDS: Final = 60.0
_REMEDY: Final = "let both machines keep time by NTP (`timedatectl status` says whether they do)"


def skew(seconds: float, where: str) -> Finding:
    """Judge how far ahead another clock is; negative: behind."""
    if abs(seconds) <= UNSEEN_SECONDS:
        return ok("clock", f"within {UNSEEN_SECONDS:.0f} s of this machine's", where)
    way = "ahead of" if seconds > 0 else "behind"
    words = f"its clock is {abs(seconds):.0f} s {way} this machine's"
    severity = "error" if abs(seconds) > TOO_FAR_SECONDS else "warning"
    return Finding("clock", "error" if severity == "error" else "warning", words, where, _REMEDY)
