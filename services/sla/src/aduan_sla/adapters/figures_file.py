"""The file of the statistics in sla's own process: it can be had again, so it never ends a start."""

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import structlog

from aduan.clock import Clock
from aduan.engine import open_store
from aduan.errors import AduanError
from aduan.storage.port import Store
from aduan_sla.domain.statistics.facts import FACTS

ASIDE: Final = ".unreadable"
_PARTS: Final = ("", "-wal", "-shm")

log = structlog.get_logger("aduan_sla.statistics")


async def open_figures(opened: AsyncExitStack, file: Path, clock: Clock) -> Store:
    """Return the store of the figures, open until `opened` is closed.

    A file that is damaged or of a newer release is moved to NAME.unreadable, in the place of an
    earlier one, and an empty file takes its place. Raises Busy where that cannot be opened either.
    """
    url = f"sqlite:///{file}"
    try:
        return await opened.enter_async_context(open_store(url, (FACTS,), clock))
    except AduanError as error:
        log.error("statistics.unreadable", file=file.name, reason=str(error))  # noqa: TRY400
    for part in _PARTS:
        old = file.with_name(f"{file.name}{part}")
        aside = file.with_name(f"{file.name}{ASIDE}{part}")
        aside.unlink(missing_ok=True)
        if old.exists():
            old.rename(aside)
    return await opened.enter_async_context(open_store(url, (FACTS,), clock))
