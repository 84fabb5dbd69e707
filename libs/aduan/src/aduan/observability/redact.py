"""The last net under the logs: numbers and addresses of people are masked in every text.

It is a net, not a permission: callers log ids, codes and counts. Ids of our own shape (UUID, hex of
a trace) pass unchanged, because a run of digits inside one is nobody's number.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from structlog.typing import EventDict, WrappedLogger

from aduan.privacy.scrub import scrub

_OWN_ID: Final = re.compile(
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"  # UUID
    r"|[0-9a-f]{32}"  # trace and request ids
    r"|(?=\d*[a-f])[0-9a-f]{16}"  # span and key ids; sixteen plain digits are somebody's number
    r"|\d{4}-\d{2}-\d{2}T[\d:.]+(Z|[+-]\d{2}:\d{2})"  # a moment
    r"|\d{1,8}(\.\d+)?"  # a count, a code, a duration
)
_DEPTH: Final = 6


def redact(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    """Return the line with every text in it, at any depth and in keys too, masked."""
    return {_masked(key): _clean(value, _DEPTH) for key, value in line.items()}


def _clean(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return value if abs(value) < 10**9 else _masked(str(value))
    if isinstance(value, str):
        return _masked(value)
    if depth == 0:
        return "..."
    if isinstance(value, Mapping):
        return {_masked(str(key)): _clean(item, depth - 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(item, depth - 1) for item in value]
    return _masked(str(value))


def _masked(text: str) -> str:
    return text if _OWN_ID.fullmatch(text) else scrub(text).text
