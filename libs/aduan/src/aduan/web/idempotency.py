"""The Idempotency-Key header, and how a key and a body become parts of a document.

Source: draft-ietf-httpapi-idempotency-key-header; the quotes of its structured string are optional
here, because most clients send the bare text.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Final

from aduan.web.problems import Problem, field

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotent-Replayed"
_FORM: Final = re.compile(r"[\x21-\x7e]{1,255}")


def given(headers: Mapping[str, str]) -> str | None:
    """Return the key that the request carries, without quotes; None when it carries none.

    Raises the 400 problem `invalid_idempotency_key` unless it is 1 to 255 visible ASCII characters.
    """
    text = headers.get(HEADER.lower())
    if text is None:
        return None
    key = text[1:-1] if len(text) >= 2 and text[0] == text[-1] == '"' else text
    if not _FORM.fullmatch(key):
        raise Problem(
            "invalid_idempotency_key",
            errors=(field(HEADER, "must be 1 to 255 visible ASCII characters"),),
        )
    return key


def needed(headers: Mapping[str, str]) -> str:
    """Return the key, or raise the 400 problem `idempotency_key_required`."""
    key = given(headers)
    if key is None:
        raise Problem("idempotency_key_required", errors=(field(HEADER, "is required"),))
    return key


def storage_key(*parts: str) -> str:
    """Return the form that goes among a document's `keys`: a hash, for a client may send anything.

    parts: for example the portal, the operation and the key; their borders are kept.
    """
    digest = hashlib.sha256()
    for part in parts:
        encoded = part.encode()
        digest.update(len(encoded).to_bytes(4, "big") + encoded)
    return f"idem:{digest.hexdigest()}"


def fingerprint(body: bytes) -> str:
    """Return what tells one body from another: hex SHA-256 of its bytes."""
    return hashlib.sha256(body).hexdigest()
