"""Opaque cursors for listings: where the next page begins.

A cursor holds the sort values of the last row and the name of the listing it belongs to, checked on
return. It grants nothing: the tenant and the unit are in every query, whatever the cursor says.
"""

import base64
import binascii
import hashlib
import json
from typing import Final

from aduan.web.problems import Problem, field

Value = str | int
_LIMIT: Final = 1024
_CHECK: Final = 6  # bytes; catches typing and cutting, not forgery, which gains nothing here


def encode(listing: str, values: tuple[Value, ...]) -> str:
    """Return the cursor after a row. listing: the name, with its filters where they matter."""
    body = json.dumps([listing, *values], separators=(",", ":"), ensure_ascii=True).encode()
    return base64.urlsafe_b64encode(_check(body) + body).rstrip(b"=").decode()


def decode(listing: str, text: str, shape: tuple[type[Value], ...]) -> tuple[Value, ...]:
    """Return the sort values. shape: their types, in order, as they were encoded.

    Raises the 400 problem `invalid_cursor` for anything that `encode(listing, ...)` did not make.
    """
    try:
        if not text.isascii() or len(text) > _LIMIT:
            raise ValueError("not a cursor")
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        check, body = raw[:_CHECK], raw[_CHECK:]
        if check != _check(body):
            raise ValueError("damaged")
        found = json.loads(body)
        if not isinstance(found, list) or found[0] != listing:
            raise ValueError("of another listing")
        values = found[1:]
        if [type(value) for value in values] != list(shape):
            raise ValueError("of another shape")
    except (ValueError, binascii.Error, IndexError):
        raise refused() from None
    return tuple(values)


def refused() -> Problem:
    """Return the problem for a cursor that does not belong here."""
    return Problem("invalid_cursor", errors=(field("cursor", "must come from this listing"),))


def _check(body: bytes) -> bytes:
    return hashlib.sha256(b"aduan-cursor:" + body).digest()[:_CHECK]
