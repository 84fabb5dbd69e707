"""The worker that ends the retention of cases. It reads an index of what ends, never a collection."""

import asyncio
from typing import Final

import structlog

from aduan.clock import Clock, iso
from aduan.errors import Busy
from aduan.messaging.partition import Partitions, every_partition
from aduan.retention import EXPIRES
from aduan.storage.port import FIND_LIMIT, Collection, Store

EVERY_SECONDS: Final = 60.0

log = structlog.get_logger("aduan.expiry")


class Expiry:
    """Expires the cases of one service. `run` ends only by cancellation or a bug."""

    def __init__(
        self,
        store: Store,
        collection: Collection,
        clock: Clock,
        *,
        partitions: Partitions = every_partition,
    ) -> None:
        """collection: declares EXPIRES. partitions: whose cases; another replica has the others."""
        self._store = store
        self._collection = collection
        self._clock = clock
        self._partitions = partitions

    async def run(self) -> None:
        """Look every minute. A store that is away is asked again in the next round."""
        while True:
            try:
                await self.round()
            except Busy:
                log.warning("expiry.busy")
            await asyncio.sleep(EVERY_SECONDS)

    async def round(self) -> int:
        """Expire what has ended by now; return how many. Raises Busy."""
        high = iso(self._clock.wall())
        store, cases = self._store, self._collection
        done = 0
        for partition in await store.partitions_due(
            cases, EXPIRES.name, self._partitions(), high=high
        ):
            after: tuple[str | int, ...] | None = None
            while True:
                page = await store.find(
                    cases,
                    EXPIRES.name,
                    equal=(partition,),
                    high=high,
                    after=after,
                    limit=FIND_LIMIT,
                )
                for document in page.documents:
                    await store.expire(cases, document.id)
                    done += 1
                after = page.after
                if after is None:
                    break
        return done
