"""Faults of a real broker, a real database and of each service: nothing is lost or doubled.

ENGINE=kafka runs the whole table, one by one and by hand; without it a bounded part runs. Each line
is one of the table in docs/reliability.md.
"""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import aduan_engine_records as records
import aduan_engine_strikes as strikes
import pytest
import pytest_asyncio
from aduan_engine_faults import Fault, Kind, Row, World, suffer
from aduan_engine_strikes import die_at, freeze, kill_one, nodes_gone, through_proxy
from aduan_faults import SERVICES
from aduan_server_fixtures import USED, refuse
from aduan_servers import fetching
from aduan_servers.problems import NotHere

SEED: Final = int(os.environ.get("ADUAN_SEED", "1"))
WHOLE: Final = os.environ.get("ENGINE", "") == "kafka"
BY_HAND: Final = "more than the bounded set: make faults ENGINE=kafka"
HEAD: Final = (
    "| fault | acknowledged | in flight at the fault | lost | doubled | recovery seconds"
    " | repeats in the log | ended themselves |\n|---|---|---|---|---|---|---|---|"
)
# By default only what has been seen to end green, and of that what tells most in little time.
IN_CI: Final = ("routing",)
# Where each service can end. A clock falls due within a run only where time flies: see test_kills.
EVERYWHERE: Final = ("consumer.after_decide", "consumer.after_commit", "consumer.before_offset")
PRODUCING: Final = ("relay.before_publish", "relay.after_ack", "relay.after_mark")
POINTS: Final = (
    ("intake", "intake.after_commit"),
    *((service, point) for service in SERVICES for point in EVERYWHERE),
    *((service, point) for service in SERVICES[:-1] for point in PRODUCING),
    ("sync-laporgub", "sync.after_remote"),
    ("notify", "notify.after_provider_ok"),
)


FAULTS: Final = (
    *(kill_one(service, always=service in IN_CI) for service in SERVICES),
    Fault("kill -9 broker", strikes.broker_killed, always=True),
    Fault("SIGSTOP broker 8 s, CONT", strikes.broker_hung),
    Fault("kill -9 mongod", strikes.store_killed, always=True),
    Fault("SIGSTOP mongod, CONT", strikes.store_hung),
    through_proxy("store hung behind a proxy", "to_store", "hang", 20),
    through_proxy("store slow", "to_store", 0.2, 10),
    through_proxy("store cut", "to_store", "reset", 5),
    through_proxy("broker slow", "to_broker", 0.2, 10),
    through_proxy("broker hung behind a proxy", "to_broker", "hang", 20),
    through_proxy("broker cut", "to_broker", "reset", 10),
    Fault("outbox full while the broker hangs", strikes.outbox_full),
    freeze(5.0),
    freeze(strikes.BEYOND_SESSION),
    Fault("routing ends at consumer.in_revoke", strikes.dies_in_revoke),
    Fault("SIGTERM of each process in turn", strikes.rolling_restart),
    Fault("two sweepers", strikes.two_sweepers),
    Fault("rebalance storm", strikes.storm),
    Fault("old and new release together", strikes.newer_release),
    Fault("records repeated and shuffled", records.repeated_and_shuffled),
    Fault("whole topics replayed from 0", records.replayed_from_0),
    Fault("poison", records.poisoned),
    Fault("unread records deleted, re-emitted", records.records_deleted),
    Fault("broker's disk lost, re-emitted", records.cluster_lost),
    *(die_at(service, point) for service, point in POINTS),
    nodes_gone(1),
    nodes_gone(2),
    nodes_gone(1, hung=True),
)


class Worlds:
    """One world for all faults of a kind; a new one after a fault that it did not survive."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._open: dict[Kind, World] = {}
        self.rows: list[Row] = []

    async def get(self, kind: Kind) -> World:
        """Return a world in which everything has settled."""
        if kind not in self._open:
            for other in list(self._open):
                await self.drop(other)  # two cores hold one at a time
            world = World(Path(tempfile.mkdtemp(prefix="aduan-faults-")), kind, SEED)
            await world.open()
            for facts in (world.kafka.facts(), world.mongo.facts()):
                self._config.stash[USED].single[f"{facts.kind} {facts.version}"] += 1
            self._open[kind] = world
        return self._open[kind]

    async def drop(self, kind: Kind, *, keep: bool = False) -> None:
        """End a world. keep: its logs stay for who looks for the cause."""
        world = self._open.pop(kind)
        await world.close()
        if not keep:
            shutil.rmtree(world.folder, ignore_errors=True)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def worlds(pytestconfig: pytest.Config) -> AsyncIterator[Worlds]:
    """Servers and services for this file alone."""
    try:
        fetching.java()
        fetching.jars()
        fetching.mongod()
    except NotHere as reason:
        refuse(f"no servers of our own: {reason}")
    made = Worlds(pytestconfig)
    yield made
    for kind in list(made._open):
        await made.drop(kind)
    print(f"\n{HEAD}")
    for row in made.rows:
        print(row.line())


def listed(fault: Fault) -> Any:
    """One parameter of the test; what does not run is listed with its reason."""
    asked = WHOLE or fault.always
    marks = () if asked else pytest.mark.skip(reason=BY_HAND)
    return pytest.param(fault, id=fault.name, marks=marks)


@pytest.mark.parametrize("fault", [listed(fault) for fault in FAULTS])
@pytest.mark.asyncio(loop_scope="module")
async def test_nothing_is_lost_doubled_or_stuck(worlds: Worlds, fault: Fault) -> None:
    """After each fault the counts of all services, of the outside and of the log agree."""
    world = await worlds.get(fault.kind)
    try:
        row = await suffer(world, fault)
    except BaseException as error:
        # An hour may pass before the report tells it.
        print(f"\n{fault.name}: {type(error).__name__}: {error}\n{world.folder}")
        await worlds.drop(fault.kind, keep=True)
        raise
    worlds.rows.append(row)
    print(f"\n{row.line()}")
    assert (row.lost, row.doubled) == (0, 0)
