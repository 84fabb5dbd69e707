"""MongoDB: whether it answers, what a service's database lacks, its clock and its disk."""

import asyncio
from collections.abc import Iterator
from typing import Final

from aduan.clock import Clock
from aduan.errors import AduanError
from aduan.messaging.dead_letters import DEAD_LETTERS
from aduan_standalone.doctor.clocks import skew
from aduan_standalone.doctor.disk import judged
from aduan_standalone.doctor.findings import Finding, not_checked, ok

OLDEST: Final = (6, 0)  # what this release was tried on
SHOWN: Final = 3


def examine(
    service: str, url: str, clock: Clock, *, driver: str | None, patience: float
) -> list[Finding]:
    """Look at the database of one service. url: with the database in its path; it is never shown."""
    from aduan.storage.mongo import look
    from aduan_standalone.services import BOOTSTRAPS

    where = f"database of {service}"
    collections = (*BOOTSTRAPS[service].COLLECTIONS, DEAD_LETTERS)
    try:
        seen = asyncio.run(look(url, collections, clock, driver=driver, timeout=patience))
    except AduanError as error:
        remedy = "correct ADUAN_STORE (address, user, password), or start MongoDB"
        rest = [
            not_checked(name, "the database does not answer", where)
            for name in ("indexes", "clock")
        ]
        return [Finding("connections", "error", f"{error}", where, remedy), *rest]
    return [
        ok("connections", "MongoDB answers", where),
        *_server(seen.version, seen.replica_set, where),
        _indexes(seen.lacking, where),
        skew(seen.ahead, where),
        not_checked("disk", "this user may not ask for it (dbStats)", where)
        if seen.free is None
        else judged(seen.free, where, size=seen.size),
    ]


def _indexes(lacking: tuple[str, ...], where: str) -> Finding:
    if not lacking:
        return ok("indexes", "every index of this release is there", where)
    more = f" and {len(lacking) - SHOWN} more" if len(lacking) > SHOWN else ""
    words = f"it lacks {', '.join(lacking[:SHOWN])}{more}: the service does not start"
    return Finding("indexes", "error", words, where, "`aduan migrate`")


def _server(version: str, replica_set: str | None, where: str) -> Iterator[Finding]:
    if replica_set is None:
        yield Finding(
            "versions", "error", "this mongod is in no replica set: a write with majority promises"
            " nothing beyond one machine, and the drivers' retries do not work", where,
            "start mongod with --replSet and initiate the set",
        )  # fmt: skip
    if tuple(int(part) for part in version.split(".")[:2] if part.isdigit()) < OLDEST:
        words = f"MongoDB {version} is older than what this release was tried on"
        yield Finding("versions", "warning", words, where, "MongoDB 6.0 or newer")
    else:
        yield ok("versions", f"MongoDB {version}", where)
