"""The statistics worker: a process of its own on Faust, beside the services and rebuildable (ADR 9).

The only module that imports Faust. Its traps, and what answers each (all measured on 0.15.3):

- an exception in a stream function acknowledges the event, so nothing is raised there: what can never
  be read becomes a letter in `aduan.statistics.dlq`, what cannot be kept now is tried until it can;
- concurrency above one commits past work in flight: one stream, one event at a time;
- a kill can leave the local table ahead of its changelog, so a row is written again even where an
  event says nothing new;
- an error while the table is recovered shrinks to a warning, and a worker can hold its partitions and
  do nothing: both end this process, and its local table goes first;
- nothing is created on the broker (`aduan topics apply` does that), nothing but raw bytes is decoded,
  Faust's own web server is off, and there is no leader, no timer and no standby.

Partitions of all topics have equal numbers, so a case meets in one worker; each shows the sums over
its own cases, and Prometheus adds them up.
"""

import asyncio
import logging
import shutil
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, suppress
from functools import partial
from importlib.metadata import version
from typing import Any, Final, TypeVar

import faust
import structlog
import uvicorn
from faust.exceptions import ConsistencyError
from faust.types.auth import CredentialsT
from prometheus_client import CollectorRegistry

from aduan.clock import Clock, SystemClock
from aduan.contracts.envelope import Raw
from aduan.contracts.topics import PARTITIONS, STATISTICS
from aduan.contracts.values import counted
from aduan.engine import open_bus
from aduan.errors import AduanError, Busy
from aduan.messaging.dead_letters import group_of, letters_topic
from aduan.messaging.kafka import Connection, KafkaBus
from aduan.messaging.port import TopicPartition
from aduan.observability import logs
from aduan.observability.process import ProcessMetrics
from aduan.observability.where import places
from aduan.settings import load
from aduan.web.app import new_app
from aduan.web.edge import HttpMetrics
from aduan.web.serving import Server
from aduan.web.serving import run as run_loop
from aduan_sla.adapters.dimensions import load_labels
from aduan_sla.domain.statistics.facts import CaseFacts, dump, learn, parse
from aduan_sla.domain.statistics.figures import Sums
from aduan_sla.statistics.board import Board
from aduan_sla.statistics.hearing import NAME, Unreadable, hear, letter_of
from aduan_sla.statistics.metrics import StatisticsMetrics
from aduan_sla.statistics.settings import StatisticsSettings

GROUP: Final = group_of(NAME)
TABLE: Final = "cases"
TABLE_FOLDER: Final = "statistics-table"
LETTERS: Final = letters_topic(NAME)
TOPICS: Final = {
    **dict.fromkeys((*STATISTICS.topics, STATISTICS.changelog), PARTITIONS),
    LETTERS: 1,
}
MIB: Final = 1 << 20
LOOK_SECONDS: Final = 2.0
STUCK_SECONDS: Final = 300.0
STOP_SECONDS: Final = 20.0
FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 30.0
ROWS_AT_ONCE: Final = 500

T = TypeVar("T")

log = structlog.get_logger("aduan_sla.statistics")


class NotReady(AduanError):
    """The brokers lack something that the worker needs; the text says what and what to do."""


class GaveUp(AduanError):
    """The worker cannot go on: its process must end, non-zero. table: its local table may be why."""

    def __init__(self, words: str, *, table: bool) -> None:
        super().__init__(words)
        self.table = table


class _Overtaken(Exception):
    """A rebalance came while an event waited: it was not counted, and its offset is not committed."""


class Worker:
    """The Faust application and what it keeps. Making one opens nothing."""

    def __init__(
        self,
        settings: StatisticsSettings,
        connection: Connection,
        board: Board,
        metrics: StatisticsMetrics,
        clock: Clock,
    ) -> None:
        self._board = board
        self._metrics = metrics
        self._clock = clock
        self._rebuilding = 0
        self._failed: Exception | None = None
        self.rebuilt = False
        self.blocked = False
        self.moved_at = clock.monotonic()
        self.app = _faust_app(settings, connection)
        topic = self.app.topic(
            *STATISTICS.topics,
            key_type=bytes,
            value_type=bytes,
            key_serializer="raw",
            value_serializer="raw",
        )
        self._table = self.app.Table(
            TABLE,
            key_type=bytes,
            value_type=bytes,
            partitions=PARTITIONS,
            # For each of the partitions: Faust's own defaults hold two gigabytes of each in memory.
            options={
                "driver": "rocksdict",
                "block_cache_size": 2 * MIB,
                "write_buffer_size": 2 * MIB,
                "max_write_buffer_number": 2,
                "target_file_size_base": 8 * MIB,
                "max_open_files": 16,
            },
            on_recover=self._recovered,
        )
        self.app.on_partitions_revoked.connect(self._revoked)
        self.app.agent(topic, name=NAME, concurrency=1)(self._fold)

    def sums(self) -> Sums | None:
        """Return the figures; None while they are rebuilt."""
        if not self.rebuilt:
            return None
        self._metrics.tell_states(self._board.states())
        return self._board.sums()

    def turn(self) -> None:
        """Drop the buckets that are over."""
        self._board.turn(self._clock.now())

    def raise_failure(self) -> None:
        """Raise GaveUp where Faust or the rebuilding of the figures failed."""
        failure = self._failed or (self.app.crash_reason if self.app.crashed else None)
        if failure is not None:
            table = failure is self._failed or isinstance(failure, ConsistencyError)
            where = ", ".join(places(failure))
            raise GaveUp(f"{type(failure).__name__} at {where}", table=table) from failure

    def recovering(self) -> int:
        """Return how many records of the changelog are still to be read."""
        tables: Any = self.app.tables
        return int(tables.recovery.active_remaining_total())

    def assigned(self) -> frozenset[TopicPartition]:
        """Return the partitions of events that this worker reads."""
        places = self.app.consumer.assignment()
        return frozenset(
            TopicPartition(place.topic, place.partition)
            for place in places
            if place.topic in STATISTICS.topics
        )

    async def _fold(self, stream: Any) -> None:
        async for event in stream.events():
            await self._event(event.message)
            self.moved_at = self._clock.monotonic()

    async def _event(self, message: Any) -> None:
        try:
            await self._take(message, self._rebuilding)
        except _Overtaken:
            # Faust then acknowledges nothing: whoever has the partition now reads the event again.
            message.acked = True

    async def _take(self, message: Any, number: int) -> None:
        headers = tuple((name, value or b"") for name, value in message.headers or ())
        raw = Raw(message.topic, message.key or b"", message.value or b"", headers)
        try:
            heard = hear(raw, self._board.tenants)
        except Unreadable as error:
            where = f"{message.topic}:{message.partition}:{message.offset}"
            log.error("statistics.dead_letter", at=where, kind=error.kind, reason=error.reason)  # noqa: TRY400
            letter = letter_of(raw, where, error)
            await self._until_kept(number, partial(self._send, letter))
            self._metrics.events.add(outcome="dead_letter")
            return
        if heard is None:
            self._metrics.events.add(outcome="other_tenant")
            return
        key = heard.case_id.encode()
        before = await self._until_kept(number, partial(self._read, key))
        after = learn(before, heard.facts)
        await self._until_kept(number, partial(self._write, key, after))
        self._board.change(heard.case_id, before, after, self._clock.now())
        self._metrics.events.add(outcome="repeated" if before == after else "counted")

    async def _read(self, key: bytes) -> CaseFacts | None:
        row = self._table.get(key)
        return None if row is None else parse(row)

    async def _write(self, key: bytes, facts: CaseFacts) -> None:
        self._table[key] = dump(facts)

    async def _send(self, letter: Raw) -> None:
        await self.app.producer.send_and_wait(
            letter.topic, letter.key, letter.value, None, None, list(letter.headers)
        )

    async def _until_kept(self, number: int, work: Callable[[], Awaitable[T]]) -> T:
        """Do it until it succeeds: going on would acknowledge an event that was not counted.

        number: of the last rebalance when the event came. Raises _Overtaken after another one: what
        is written then would go to the changelog behind what the partition's new worker wrote.
        """
        pause = FIRST_PAUSE
        while number == self._rebuilding:
            try:
                done = await work()
            except Exception as error:  # noqa: BLE001 - whatever the store or the client raises
                failed = log.bind(error=type(error).__name__, places=places(error))
                failed.error("statistics.blocked")
                self.blocked = True
                self._metrics.blocked.set(1)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
                continue
            self._unblock()
            return done
        self._unblock()
        raise _Overtaken

    def _unblock(self) -> None:
        if self.blocked:
            self.blocked = False
            self._metrics.blocked.set(0)

    async def _revoked(self, *_: Any, **__: Any) -> None:
        self.rebuilt = False
        self._rebuilding += 1

    async def _recovered(self) -> None:
        # Faust drops what is raised here.
        self._rebuilding += 1
        began = self._clock.monotonic()
        try:
            done = await self._rebuild(self._rebuilding)
        except Exception as error:  # noqa: BLE001 - raised by raise_failure
            self._failed = error
            return
        if done:
            took = self._clock.monotonic() - began
            self._metrics.recovery_seconds.set(took)
            cases = sum(self._board.states().values())
            log.info("statistics.rebuilt", cases=cases, seconds=round(took, 3))
            self.rebuilt = True
            self.moved_at = self._clock.monotonic()

    async def _rebuild(self, number: int) -> bool:
        """Count the whole table anew; False where a rebalance came in between."""
        self.rebuilt = False
        self._board.forget()
        async for case_id, facts in self._rows():
            if number != self._rebuilding:
                return False
            self._board.change(case_id, None, facts, self._clock.now())
        return number == self._rebuilding

    async def _rows(self) -> AsyncIterator[tuple[str, CaseFacts]]:
        for count, (key, row) in enumerate(self._table.items(), start=1):
            yield key.decode(), parse(row)
            if count % ROWS_AT_ONCE == 0:
                self.moved_at = self._clock.monotonic()
                await asyncio.sleep(0)


def _faust_app(settings: StatisticsSettings, connection: Connection) -> faust.App:
    return faust.App(
        GROUP,
        broker=";".join(f"kafka://{server}" for server in connection.servers.split(",")),
        broker_credentials=_credentials(connection),
        broker_client_id=str(connection.options()["client_id"]),
        # A killed worker's partitions are free after the session; Faust's own minute is too long.
        broker_session_timeout=10.0,
        broker_heartbeat_interval=3.0,
        broker_rebalance_timeout=30.0,
        consumer_auto_offset_reset="earliest",
        processing_guarantee="at_least_once",
        producer_acks=-1,
        producer_request_timeout=30.0,
        store="rocksdb://",
        datadir=str(settings.data_dir / TABLE_FOLDER),
        key_serializer="raw",
        value_serializer="raw",
        topic_allow_declare=False,
        topic_disable_leader=True,
        topic_partitions=PARTITIONS,
        table_standby_replicas=0,
        recovery_consistency_check=True,
        stream_wait_empty=False,
        web_enabled=False,
        autodiscover=False,
        # Tells workers of one machine apart in Faust's own assignment.
        canonical_url=f"http://{socket.gethostname()}:{settings.port}",
        logging_config=None,
    )


def _credentials(connection: Connection) -> CredentialsT | None:
    options = connection.options()
    context = options.get("ssl_context")
    if connection.username is not None:
        return faust.SASLCredentials(
            mechanism=connection.mechanism,
            username=connection.username,
            password=connection.password or "",
            ssl_context=context,
        )
    return faust.SSLCredentials(context) if context is not None else None


async def topics_there(bus: KafkaBus) -> None:
    """Wait for the brokers; see that they have what the worker needs. Raises NotReady."""
    there = await _counted_partitions(bus)
    missing = sorted(TOPICS.keys() - there.keys())
    if missing:
        raise NotReady(
            f"the brokers have no topic {missing[0]}, or hide it from this principal:"
            " run `aduan topics apply`"
        )
    for name, count in there.items():
        if count != TOPICS[name]:
            raise NotReady(
                f"the topic {name} has {count} partitions and needs {TOPICS[name]}:"
                " `aduan topics plan` says what to do"
            )


async def _counted_partitions(bus: KafkaBus) -> Mapping[str, int]:
    pause = FIRST_PAUSE
    while True:
        try:
            return await bus.partition_counts(list(TOPICS))
        except Busy as error:
            log.warning("statistics.waits_for_brokers", reason=str(error))
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)


def main() -> None:
    """Serve until stopped. Ends the process with one sentence where it cannot start or go on."""
    settings = load(StatisticsSettings)
    logs.configure(NAME, level=settings.log_level)
    for name in ("faust", "mode"):
        logging.getLogger(name).setLevel(logging.WARNING)  # tables of every partition otherwise
    try:
        run_loop(_serve(settings))
    except GaveUp as error:
        sys.exit(f"{NAME} ends: {error}")
    except AduanError as error:
        sys.exit(f"{NAME} cannot start: {error}")


async def _serve(settings: StatisticsSettings) -> None:
    if not settings.bus.startswith("kafka://"):
        raise NotReady("ADUAN_BUS is no kafka://...; elsewhere sla counts in its own process")
    clock = SystemClock()
    tenants = counted(settings.tenants)
    labels = {tenant: load_labels(settings.reference_dir, tenant) for tenant in tenants}
    connection = Connection.of(settings.bus, **settings.kafka())
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    async with AsyncExitStack() as stack:
        bus = await stack.enter_async_context(open_bus(settings.bus, clock, **settings.kafka()))
        assert isinstance(bus, KafkaBus)
        registry = CollectorRegistry()
        process = ProcessMetrics(registry, NAME, (), version=version("aduan"))
        board = Board(labels)
        workers: list[Worker] = []
        metrics = StatisticsMetrics(
            registry, labels, lambda: workers[0].sums() if workers else None, clock.now
        )
        watch = _Watch(bus, metrics, clock, workers)
        http = Server(
            uvicorn.Config(
                new_app(
                    "Aduan: statistics",
                    service=NAME,
                    description="Figures for dashboards, folded from the events.",
                    http_metrics=HttpMetrics(registry),
                    registry=registry,
                    ready=watch.ready,
                ),
                host=settings.host,
                port=settings.port,
                log_config=None,
            )
        )
        http.stop_on_signals()
        serving = asyncio.create_task(http.serve())
        watching = asyncio.create_task(process.watch_loop())
        working = asyncio.create_task(
            _work(settings, connection, board, metrics, clock, bus, workers, watch)
        )
        await asyncio.wait({serving, working}, return_when=asyncio.FIRST_COMPLETED)
        http.should_exit = True
        working.cancel()
        watching.cancel()
        await asyncio.gather(serving, working, watching, return_exceptions=True)
        if working.done() and not working.cancelled() and (failed := working.exception()):
            raise failed


async def _work(
    settings: StatisticsSettings,
    connection: Connection,
    board: Board,
    metrics: StatisticsMetrics,
    clock: Clock,
    bus: KafkaBus,
    workers: list[Worker],
    watch: "_Watch",
) -> None:
    await topics_there(bus)
    # Made inside the running loop, which Faust takes for its own.
    worker = Worker(settings, connection, board, metrics, clock)
    workers.append(worker)
    worker.app.loop = asyncio.get_running_loop()
    worker.app.finalize()
    starting = asyncio.create_task(worker.app.start())
    try:
        await watch.run(starting)
    except GaveUp as error:
        if error.table:
            # It can be had again from the changelog.
            shutil.rmtree(settings.data_dir / TABLE_FOLDER, ignore_errors=True)
        raise
    finally:
        starting.cancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await asyncio.gather(starting, worker.app.stop(), return_exceptions=True)


class _Watch:
    """Asks how far the worker is, and ends it where it only seems to work."""

    def __init__(
        self, bus: KafkaBus, metrics: StatisticsMetrics, clock: Clock, workers: list[Worker]
    ) -> None:
        self._bus = bus
        self._metrics = metrics
        self._clock = clock
        self._workers = workers
        self._heard_at: float | None = None
        self._remaining = -1

    async def ready(self) -> Mapping[str, str]:
        """Return what is wrong, by check name; empty when the figures are told and followed."""
        if not self._workers:
            return {"bus": "waits for the brokers"}
        wrong: dict[str, str] = {}
        worker = self._workers[0]
        if not worker.rebuilt:
            wrong["table"] = "the figures are being rebuilt"
        if worker.blocked:
            wrong["store"] = "an event cannot be kept"
        if self._heard_at is None or self._clock.monotonic() - self._heard_at > 60:
            wrong["bus"] = "no answer for a minute"
        return wrong

    async def run(self, starting: "asyncio.Task[Any]") -> None:
        """Look until cancelled. Raises GaveUp."""
        worker = self._workers[0]
        moved_at = self._clock.monotonic()
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            worker.raise_failure()
            worker.turn()
            if starting.done() and (failed := starting.exception()) is not None:
                words = f"Faust could not start: {type(failed).__name__}"
                raise GaveUp(words, table=False) from failed
            now = self._clock.monotonic()
            try:
                lags = await self._bus.lags(GROUP, STATISTICS.topics)
            except Busy:
                # Nobody works while the brokers are away.
                moved_at = now
                continue
            self._heard_at = now
            self._metrics.lag.set(sum(lags.values()))
            if self._moved(worker, lags, since=moved_at):
                moved_at = now
            elif now - moved_at > STUCK_SECONDS:
                raise GaveUp("it has its partitions and does nothing", table=True)

    def _moved(self, worker: Worker, lags: Mapping[TopicPartition, int], *, since: float) -> bool:
        """Whether the worker went on since then, or has nothing to do."""
        if worker.moved_at > since:
            return True
        if not worker.rebuilt:
            remaining, self._remaining = self._remaining, worker.recovering()
            return remaining != self._remaining
        # What other workers leave unread says nothing about this one.
        return worker.blocked or not any(lags.get(place, 0) for place in worker.assigned())


if __name__ == "__main__":
    main()
