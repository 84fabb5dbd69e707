"""The test servers themselves: a fault test on a server that forgets, or lets anybody in, proves nothing."""

import asyncio
import os
import shlex
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import pytest
from aduan_server_fixtures import Maker
from aduan_servers import fetching, ports
from aduan_servers.choice import KafkaEndpoint, MongoEndpoint
from aduan_servers.kafka import describe
from aduan_servers.mongo import Mongo, as_user, connected
from aduan_servers.problems import ServerFailed
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import ClusterAuthorizationFailedError, KafkaConnectionError
from pymongo.errors import OperationFailure
from pymongo.write_concern import WriteConcern

from aduan_standalone.cli import dev_servers
from aduan_standalone.cli.main import main

ROOT: Final = Path(__file__).resolve().parents[2]


async def make_topic(client: dict[str, Any], name: str, copies: int = 1) -> None:
    """Make a topic with one partition."""
    admin = AIOKafkaAdminClient(**client)
    await admin.start()
    try:
        answer = await admin.create_topics([NewTopic(name, 1, copies)])
        assert [0] == [error[1] for error in answer.topic_errors]
    finally:
        await admin.close()


async def append(client: dict[str, Any], topic: str, value: bytes) -> int:
    """Append a record; its offset, once all replicas have it."""
    producer = AIOKafkaProducer(**client, acks="all", enable_idempotence=True)
    try:
        await producer.start()
        return int((await producer.send_and_wait(topic, value, partition=0)).offset)
    finally:
        await producer.stop()


async def read(client: dict[str, Any], topic: str) -> list[bytes]:
    """Read partition 0 from the beginning to its end as it is now."""
    consumer = AIOKafkaConsumer(**client)
    await consumer.start()
    try:
        partition = TopicPartition(topic, 0)
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        end = (await consumer.end_offsets([partition]))[partition]
        found: list[bytes] = []
        while len(found) < end:
            batch = await consumer.getmany(timeout_ms=500)
            found += [record.value for records in batch.values() for record in records]
        return found
    finally:
        await consumer.stop()


async def test_the_shared_broker_keeps_what_it_acknowledged(kafka: KafkaEndpoint) -> None:
    """It answers by the protocol that the services speak, and says who it is."""
    client, topic = {"bootstrap_servers": kafka.address}, f"t-{uuid4()}"
    await make_topic(client, topic)

    assert await append(client, topic, b"one") == 0
    assert await read(client, topic) == [b"one"]
    assert "unknown" not in kafka.facts.version


def test_a_database_user_reaches_his_own_database_only(mongo: MongoEndpoint) -> None:
    """The server itself refuses the others: services on one server stay strangers."""
    mine, other = f"a-{uuid4().hex[:8]}", f"b-{uuid4().hex[:8]}"
    with connected(mongo.user_for(mine)) as client:
        client[mine]["things"].insert_one({"_id": 1})
        with pytest.raises(OperationFailure) as refused:
            client[other]["things"].insert_one({"_id": 1})

    assert refused.value.code == 13


def test_a_wrong_password_does_not_open_the_database(mongo: MongoEndpoint) -> None:
    """Authentication is on: a test of access rights tests something."""
    with (
        connected(as_user(mongo.url, "root", "not-the-password")) as client,
        pytest.raises(OperationFailure) as refused,
    ):
        client.admin.command("ping")

    assert refused.value.code == 18


async def test_an_acknowledged_record_survives_kill_9(own_kafka: Maker) -> None:
    """Same port, same data, another process."""
    broker = own_kafka()
    client, before = broker.client(), (broker.address, broker.pid)
    await make_topic(client, "t")
    await append(client, "t", b"one")

    broker.kill()
    broker.restart()

    assert await read(client, "t") == [b"one"]
    assert broker.address == before[0]
    assert broker.pid != before[1]
    assert broker.facts().pids == (broker.pid,)


def test_an_acknowledged_document_survives_kill_9(own_mongo: Callable[[], Mongo]) -> None:
    """Majority and journal, as the services write."""
    server = own_mongo()
    with connected(server.url) as client:
        concern = WriteConcern(w="majority", j=True)
        things = client["a"].get_collection("things", write_concern=concern)
        things.insert_one({"_id": 1})

    server.kill()
    server.restart()

    with connected(server.url) as client:
        assert client["a"]["things"].find_one() == {"_id": 1}
    assert server.facts().pids == (server.pid,)


def test_a_paused_server_is_silent_and_goes_on(own_mongo: Callable[[], Mongo]) -> None:
    """SIGSTOP is not death: the same process answers after SIGCONT."""
    server = own_mongo()
    pid = server.pid

    server.pause()
    with pytest.raises(ServerFailed, match="did not answer"):
        server.wait_until_ready(0.1)
    server.resume()
    server.wait_until_ready()

    assert server.pid == pid


@pytest.mark.by_hand
async def test_over_tls_a_user_needs_his_password_and_an_access_list(own_kafka: Maker) -> None:
    """What is not allowed is denied, by the broker; the admin is not asked."""
    broker = own_kafka(protocol="SASL_SSL", users=["reader"])
    await make_topic(broker.client(), "t")
    await append(broker.client(), "t", b"one")

    with pytest.raises(KafkaConnectionError):
        await append(broker.client() | {"sasl_plain_password": "wrong"}, "t", b"two")
    with pytest.raises(ClusterAuthorizationFailedError):  # no topic at all to write to
        await append(broker.client("reader"), "t", b"three")
    assert await read(broker.client(), "t") == [b"one"]


@pytest.mark.by_hand
async def test_two_of_three_brokers_keep_and_take_records(own_kafka: Maker) -> None:
    """Three copies, two needed: one dead broker loses nothing and stops nobody."""
    cluster = own_kafka(nodes=3)
    await make_topic(cluster.client(), "t", copies=3)
    await append(cluster.client(), "t", b"one")

    cluster.nodes[0].kill()
    left = cluster.client(bootstrap=cluster.nodes[1].address)
    await append(left, "t", b"two")
    await asyncio.to_thread(cluster.nodes[0].restart)

    assert await read(cluster.client(), "t") == [b"one", b"two"]
    described = describe(cluster.client())
    assert described is not None
    assert described.brokers == {1, 2, 3}


def test_what_is_fetched_once_is_not_fetched_again(
    kafka: KafkaEndpoint, mongo: MongoEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second start needs no network. The shared servers have filled the cache, if it is used."""
    if kafka.server is None or mongo.server is None:
        pytest.skip("the servers of this run are not our own")

    def fetch(name: str, *command: str) -> None:
        raise AssertionError(f"{name} was asked again")

    monkeypatch.setattr(fetching, "_run", fetch)

    assert any(fetching.jars().glob("kafka_*.jar"))
    assert fetching.mongod().is_file()
    assert fetching.java().is_file()


def test_of_two_that_fetch_at_once_one_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody sees half a folder, and nothing comes twice."""
    monkeypatch.setenv(fetching.CACHE, str(tmp_path))
    began, go_on, fetched = threading.Event(), threading.Event(), []

    def fetch(folder: Path) -> None:
        fetched.append(folder)
        (folder / "first").touch()
        began.set()
        assert go_on.wait(10)
        (folder / "last").touch()

    seen: list[set[str]] = []

    def ask() -> None:
        found = fetching.kept("thing", "pins", fetch)
        seen.append({path.name for path in found.iterdir()})

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    assert began.wait(10)
    assert not (tmp_path / "thing-pins").exists()
    go_on.set()
    for thread in threads:
        thread.join(10)

    assert len(fetched) == 1
    assert seen == [{"first", "last"}] * 2


def test_a_fetch_that_fails_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next run tries again instead of starting from half a folder."""
    monkeypatch.setenv(fetching.CACHE, str(tmp_path))

    def fetch(folder: Path) -> None:
        (folder / "half").touch()
        raise ServerFailed("the line went dead")

    with pytest.raises(ServerFailed):
        fetching.kept("thing", "pins", fetch)

    assert [] == [path for path in tmp_path.iterdir() if path.is_dir()]


def test_a_jar_that_is_not_the_pinned_one_is_refused(tmp_path: Path) -> None:
    """Another byte, a jar too many, a jar missing: each is named."""
    sums = tmp_path / "sums"
    jars = tmp_path / "jars"
    jars.mkdir()
    good = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"  # of the letter a
    sums.write_text(f"{good}  right.jar\n{good}  changed.jar\n{good}  missing.jar\n")
    for name, content in (("right.jar", "a"), ("changed.jar", "b"), ("more.jar", "a")):
        (jars / name).write_text(content)

    with pytest.raises(ServerFailed, match=r": changed\.jar, missing\.jar, more\.jar$"):
        fetching.check_jars(jars, sums)


@pytest.mark.parametrize(
    ("required", "code", "words"),
    [("", 0, "1 skipped: no Kafka: Maven"), ("1", 1, "is set, and no Kafka: Maven")],
    ids=["else it is skipped", "required"],
)
def test_without_any_server_the_run_says_so(
    tmp_path: Path, required: str, code: int, words: str
) -> None:
    """The merge gate turns red, a developer's run names the reason; neither is silent."""
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith("ADUAN_TEST_")
    } | {
        "PATH": str(tmp_path),  # no Maven
        "JAVA_HOME": str(fetching.java().parents[1]),
        "DOCKER_HOST": "tcp://127.0.0.1:1",
        fetching.CACHE: str(tmp_path),
        "ADUAN_REQUIRE_SERVERS": required,
    }
    this = "tests/integration/test_servers.py::test_the_shared_broker_keeps_what_it_acknowledged"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:schemathesis", this],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == code, done.stdout
    assert words in done.stdout
    assert ("no test used a real Kafka or MongoDB" in done.stdout) == bool(required)


@pytest.mark.by_hand
def test_a_developers_servers_stay_until_they_are_taken_down(
    kafka: KafkaEndpoint, mongo: MongoEndpoint, tmp_path: Path
) -> None:
    """Up twice is up once; down leaves neither process nor data."""
    if kafka.server is None or mongo.server is None:
        pytest.skip("the servers of this run are not our own")
    folder = tmp_path / "servers"
    first = ports.reserve(1)[0]
    while not ports.is_free(first + 1):
        first = ports.reserve(1)[0]
    database = ports.reserve(1)[0]

    def run(verb: str) -> tuple[str, str]:
        done = subprocess.run(
            [sys.executable, "tests/servers/dev.py", verb, "--folder", str(folder),
             "--kafka-port", str(first), "--mongodb-port", str(database)],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout, done.stderr

    lines, words = run("up")
    try:
        again, no_words = run("up")
        exports = dict(shlex.split(line)[1].split("=", 1) for line in lines.splitlines())
        with connected(exports["ADUAN_STORE"]) as client:
            assert client.admin.command("ping")["ok"] == 1
        assert exports["ADUAN_BUS"] == f"kafka://127.0.0.1:{first}"
        assert describe({"bootstrap_servers": f"127.0.0.1:{first}"}) is not None
        assert lines == again
        assert "Kafka 4" in words
        assert "Kafka 4" not in no_words
    finally:
        run("down")

    assert ports.is_free(first)
    assert ports.is_free(database)
    assert not folder.exists()


def test_dev_servers_of_an_installed_copy_says_that_it_needs_a_checkout(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """One sentence and code 2, no traceback."""
    assert dev_servers.script_in(ROOT / "standalone/src/aduan_standalone/__init__.py") is not None
    assert dev_servers.script_in(tmp_path / "lib/python/site-packages/a/__init__.py") is None
    monkeypatch.setattr(dev_servers, "script_in", lambda module: None)

    with pytest.raises(SystemExit) as ended:
        main(["dev-servers", "up"])

    assert ended.value.code == 2
    assert "needs a checkout" in capsys.readouterr().err
