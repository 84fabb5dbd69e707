"""Mail addresses that can stand in a header and an envelope as they are: all that we send to."""

import re
from typing import Final

FORM: Final = (
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}"
)
LIMIT: Final = 254
_FORM: Final = re.compile(FORM)


def is_address(text: str) -> bool:
    """Whether the text is one plain ASCII address: nothing that could smuggle in another header."""
    return len(text) <= LIMIT and _FORM.fullmatch(text) is not None


def is_ours_to_write(text: str) -> bool:
    """Whether a name can stand before an address in From."""
    return not any(sign in text for sign in '"\\<>\r\n')


def masked(address: str) -> str:
    """Return an address that says where a letter went without saying to whom: `b***@c***.test`."""
    mailbox, _, domain = address.partition("@")
    host, _, top = domain.rpartition(".")
    return f"{mailbox[:1]}***@{host[:1]}***.{top}"
