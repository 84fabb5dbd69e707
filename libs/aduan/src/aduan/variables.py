"""Which ADUAN_* variables nobody reads: a misspelt one must not pass for a default. No I/O.

Kubernetes puts an address of every Service into the environment of every pod, as NAME_PORT and the
like, so a Service called `aduan-intake` fills variables that look like ours. Those are no misspellings.
"""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Final

ROOT: Final = "ADUAN_"
_ALIKE: Final = 0.7
_ADDRESS: Final = re.compile(r"(tcp|udp|sctp)://")
_LINK: Final = re.compile(
    r"_SERVICE_HOST$|_SERVICE_PORT(_[A-Z0-9_]+)?$|_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$"
)


def is_address_of_a_service(value: str) -> bool:
    """Whether a value is what Kubernetes writes into NAME_PORT: `tcp://10.0.0.1:8000`."""
    return _ADDRESS.match(value) is not None


def is_service_link(name: str, value: str) -> bool:
    """Whether Kubernetes filled a variable by itself, for a Service of this name."""
    if _LINK.search(name):
        return True
    return name.endswith("_PORT") and is_address_of_a_service(value)


def nearest(name: str, known: Iterable[str], *, prefix: str = ROOT) -> str | None:
    """Return the known name that is probably meant; None where none is much alike.

    prefix: what they share, and what therefore says nothing.
    """
    rests = {one.removeprefix(prefix): one for one in known}
    found = get_close_matches(name.removeprefix(prefix), rests, n=1, cutoff=_ALIKE)
    return rests[found[0]] if found else None


def unknown(
    environment: Mapping[str, str],
    known: Iterable[str],
    *,
    prefixes: Iterable[str] = (ROOT,),
    others: Iterable[str] = (),
) -> dict[str, str | None]:
    """Return the names that begin with a prefix and that nobody reads, each with its nearest.

    Names are compared as settings read them, without regard to case. others: beginnings of names that
    belong to somebody else.
    """
    names, prefixes = frozenset(known), tuple(prefixes)
    foreign = tuple(others)
    found: dict[str, str | None] = {}
    for given, value in environment.items():
        name = given.upper()
        prefix = max((one for one in prefixes if name.startswith(one)), key=len, default=None)
        if prefix is None or name in names or name.startswith(foreign):
            continue
        if not is_service_link(name, value):
            found[name] = nearest(name, names, prefix=prefix)
    return dict(sorted(found.items()))
