"""Fixtures for real servers. Nothing starts unless a test asks; one server of a kind for a whole run.

`kafka`, `mongo`           shared by all tests of the run: use topics and databases of your own
`own_kafka`, `own_mongo`   make a server for one test, which may kill, pause and restart it

Without any server the tests are skipped with the reason. ADUAN_REQUIRE_SERVERS=1 makes that, and a
run in which no test used a server, a failure. The report ends with the servers' own words.
"""

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, Protocol

import pytest
from aduan_servers import choice, fetching
from aduan_servers.choice import KafkaEndpoint, MongoEndpoint
from aduan_servers.kafka import Kafka
from aduan_servers.mongo import Mongo
from aduan_servers.problems import NotHere

REQUIRE: Final = "ADUAN_REQUIRE_SERVERS"
NEEDED: Final = ("Kafka", "MongoDB")


class Used:
    """What this run learned from its servers."""

    def __init__(self) -> None:
        self.shared: list[str] = []
        self.single: Counter[str] = Counter()
        self.logs: list[str] = []

    def lines(self) -> list[str]:
        """Return what the report prints."""
        single = [f"for single tests: {what}, {count}x" for what, count in self.single.items()]
        kept = [f"a test failed; the servers' logs: {path}" for path in self.logs]
        return [*self.shared, *single, *kept]

    def kinds(self) -> set[str]:
        """Return which kinds answered."""
        return {line.split()[0] for line in [*self.shared, *self.single]}


USED: Final = pytest.StashKey[Used]()


class Maker(Protocol):
    """Starts a Kafka for one test; the options are those of `Kafka`."""

    def __call__(self, **options: Any) -> Kafka:
        """Start one."""


def pytest_configure(config: pytest.Config) -> None:
    """Begin to remember."""
    config.stash[USED] = Used()


def refuse(reason: str) -> None:
    """Skip, or fail where a run without servers proves nothing."""
    if required():
        pytest.fail(f"{REQUIRE} is set, and {reason}", pytrace=False)
    pytest.skip(reason)


def required() -> bool:
    """Whether this run must use real servers."""
    return os.environ.get(REQUIRE, "") not in ("", "0")


@pytest.fixture(scope="session")
def server_folder(request: pytest.FixtureRequest) -> Iterator[Path]:
    """Where servers of this run live; only their logs outlive a run, and only one that failed."""
    folder = Path(tempfile.mkdtemp(prefix="aduan-servers-"))
    yield folder
    if request.session.testsfailed == 0:
        shutil.rmtree(folder, ignore_errors=True)
        return
    for data in [path for path in folder.rglob("data") if path.is_dir()]:
        shutil.rmtree(data, ignore_errors=True)
    request.config.stash[USED].logs.append(str(folder))


@pytest.fixture(scope="session")
def kafka(request: pytest.FixtureRequest, server_folder: Path) -> Iterator[KafkaEndpoint]:
    """The run's broker, open on the loopback."""
    try:
        endpoint = choice.kafka(server_folder / "kafka")
    except NotHere as reason:
        refuse(str(reason))
        raise
    request.config.stash[USED].shared.append(str(endpoint.facts))
    yield endpoint
    endpoint.end()


@pytest.fixture(scope="session")
def mongo(request: pytest.FixtureRequest, server_folder: Path) -> Iterator[MongoEndpoint]:
    """The run's database server: a replica set of one, with passwords."""
    try:
        endpoint = choice.mongodb(server_folder / "mongod")
    except NotHere as reason:
        refuse(str(reason))
        raise
    request.config.stash[USED].shared.append(str(endpoint.facts))
    yield endpoint
    endpoint.end()


@pytest.fixture
def own_kafka(request: pytest.FixtureRequest, server_folder: Path) -> Iterator[Maker]:
    """Make brokers for this test alone: `own_kafka(nodes=3)`, `own_kafka(protocol="SASL_SSL")`."""
    try:
        fetching.java()
        fetching.jars()
    except NotHere as reason:
        refuse(f"no Kafka of our own: {reason}")
    made: list[Kafka] = []

    def make(**options: Any) -> Kafka:
        folder = Path(tempfile.mkdtemp(prefix="kafka-", dir=server_folder))
        made.append(Kafka(folder, **options))
        made[-1].start()
        facts = made[-1].facts()
        request.config.stash[USED].single[f"{facts.kind} {facts.version}"] += 1
        return made[-1]

    yield make
    for server in made:
        server.kill()
        for node in server.nodes:
            shutil.rmtree(node.data, ignore_errors=True)


@pytest.fixture
def own_mongo(request: pytest.FixtureRequest, server_folder: Path) -> Iterator[Callable[[], Mongo]]:
    """Make database servers for this test alone: `own_mongo()`."""
    try:
        fetching.mongod()
    except NotHere as reason:
        refuse(f"no MongoDB of our own: {reason}")
    made: list[Mongo] = []

    def make() -> Mongo:
        made.append(Mongo(Path(tempfile.mkdtemp(prefix="mongod-", dir=server_folder))))
        made[-1].start()
        facts = made[-1].facts()
        request.config.stash[USED].single[f"{facts.kind} {facts.version}"] += 1
        return made[-1]

    yield make
    for server in made:
        server.kill()
        shutil.rmtree(server.data, ignore_errors=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tell the controller of a parallel run; fail a run that had to use servers and did not."""
    used = session.config.stash[USED]
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["aduan_servers"] = [used.shared, dict(used.single), used.logs]
    elif required() and not used.kinds().issuperset(NEEDED):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a worker of a parallel run learned."""
    shared, single, logs = getattr(node, "workeroutput", {}).get("aduan_servers", ([], {}, []))
    used = node.config.stash[USED]
    used.shared += shared
    used.single.update(single)
    used.logs += logs


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """End with what the servers said about themselves."""
    used = config.stash[USED]
    missing = [kind for kind in NEEDED if kind not in used.kinds()]
    if not used.lines() and not required():
        return
    terminalreporter.section("real servers")
    for line in used.lines():
        terminalreporter.write_line(line)
    if required() and missing:
        terminalreporter.write_line(
            f"FAILED: {REQUIRE} is set, and no test used a real {' or '.join(missing)}"
        )
