"""Room on a disk."""

from typing import Final

from aduan_standalone.doctor.findings import Finding, ok

MIB: Final = 1024 * 1024
GIB: Final = 1024 * MIB
LITTLE: Final = 5 * GIB
TOO_LITTLE: Final = GIB // 2
_REMEDY: Final = "make room, or a larger volume; until then every write may be answered 503"


def judged(free: int, where: str, *, size: int | None = None) -> Finding:
    """Judge what is left. free: bytes. size: bytes that our own data take, where it is known."""
    taken = f"; our data take {_words(size)}" if size is not None else ""
    words = f"{_words(free)} free{taken}"
    if free < TOO_LITTLE:
        return Finding("disk", "error", words, where, _REMEDY)
    if free < LITTLE:
        return Finding("disk", "warning", words, where, _REMEDY)
    return ok("disk", words, where)


def _words(count: int) -> str:
    return f"{count / GIB:.1f} GiB" if count >= GIB else f"{count / MIB:.0f} MiB"
