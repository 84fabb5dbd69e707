"""`aduan doctor` and the start of a service on real servers: topics, rights, indexes, clocks."""

import asyncio
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
from aduan_doctor import Said, doctor
from aduan_server_fixtures import Maker
from aduan_servers.choice import MongoEndpoint
from aduan_servers.kafka import ADMIN, Kafka
from aduan_servers.mongo import connected
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from aduan.clock import ManualClock, SystemClock
from aduan.contracts.topics import TOPICS
from aduan_standalone.broker.administration import Brokers
from aduan_standalone.broker.shapes import Access
from aduan_standalone.cli.main import main
from aduan_standalone.doctor import databases

REFERENCE: Final = Path(__file__).parents[2] / "reference"

Look = Callable[..., Said]


@pytest.fixture
def look(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Look:
    """Look as the deployer whose variables are given."""
    for name in [name for name in os.environ if name.startswith("ADUAN_")]:
        monkeypatch.delenv(name)

    def run(environment: Mapping[str, str], *arguments: str) -> Said:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return doctor(capsys, *arguments)

    return run


def deployer(broker: Kafka) -> dict[str, str]:
    """Return the deployer's variables."""
    found = {"ADUAN_BUS": f"kafka://{broker.address}"}
    if broker.doors.asks_for_passwords:
        found |= {
            "ADUAN_KAFKA_USERNAME": ADMIN,
            "ADUAN_KAFKA_PASSWORD": broker.doors.passwords[ADMIN],
        }
    return found


def service(
    name: str, environment: Mapping[str, str], *, seconds: float = 60
) -> subprocess.CompletedProcess[str]:
    """Run a service in a process of its own until it ends."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("ADUAN_")}
    return subprocess.run(
        [sys.executable, "-m", f"aduan_{name}"],
        env={
            **clean, f"ADUAN_{name.upper()}_REFERENCE_DIR": str(REFERENCE),
            f"ADUAN_{name.upper()}_PORT": "0", **environment,
        },
        capture_output=True, text=True, timeout=seconds, check=False,
    )  # fmt: skip


def topics(*arguments: str) -> int:
    """Run `aduan topics`."""
    with pytest.raises(SystemExit) as end:
        main(["topics", *arguments])
    return int(end.value.code or 0)


async def make(client: Mapping[str, object], name: str, partitions: int) -> None:
    """Make a topic by hand."""
    admin = AIOKafkaAdminClient(**client)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, partitions, 1)])
    finally:
        await admin.close()


async def remove(client: Mapping[str, object], name: str) -> None:
    """Delete a topic by hand."""
    admin = AIOKafkaAdminClient(**client)
    await admin.start()
    try:
        await admin.delete_topics([name])
    finally:
        await admin.close()


def test_topics_that_are_missing_or_too_small_are_found_and_nothing_starts_on_them(
    own_kafka: Maker, look: Look, tmp_path: Path
) -> None:
    """Doctor and the service name the same topic and the same way out; after it, both are content."""
    broker = own_kafka()
    environment = deployer(broker)
    asyncio.run(make(broker.client(), "complaint.created", 3))
    said = look(environment)

    assert 1 == said.code
    small = said.worst("topics", "complaint.created")
    assert ("error", True) == (small["severity"], "3 partitions and needs 24" in small["what"])
    for topic in TOPICS[1:]:
        missing = said.worst("topics", topic.name)
        assert ("this topic does not exist", "`aduan topics apply`") == (
            missing["what"],
            missing["remedy"],
        )

    own = {**environment, "ADUAN_STORE": f"sqlite:///{tmp_path}/sla.db"}
    ended = service("sla", own)
    assert 1 == ended.returncode, ended.stderr
    (sentence,) = [line for line in ended.stderr.splitlines() if "cannot start" in line]
    assert (
        "no topic complaint.assigned, complaint.progressed, complaint.replied and 4 more"
        in sentence
    )
    assert "the topic complaint.created has 3 partitions and needs 24" in sentence
    assert "aduan topics apply" in sentence
    # it asked, and nothing was made by its asking
    after = look(environment)
    for topic in TOPICS[1:]:
        assert "this topic does not exist" == after.worst("topics", topic.name)["what"]

    asyncio.run(remove(broker.client(), "complaint.created"))
    assert 0 == topics("apply")
    healed = look(environment)
    assert [] == [one for one in healed.of("error") if one["check"] != "connections"]
    assert "ok" == healed.worst("connections", broker.address)["severity"]


def test_a_missing_right_is_found_and_a_service_is_told_what_it_may_not_see(
    own_kafka: Maker, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the deployer: exactly the line that is missing. As a service: not checked, never ok."""
    broker = own_kafka(protocol="SASL_PLAINTEXT", users=["aduan-sla"])
    for name, value in deployer(broker).items():
        monkeypatch.setenv(name, value)
    assert 0 == topics("apply", "--require-acls")
    assert [] == [one for one in look(deployer(broker)).of("error") if one["check"] == "access"]

    lost = Access("User:aduan-sla", "READ", "topic", "complaint.replied")
    from aduan.settings import BusSettings

    Brokers(BusSettings()).revoke([lost])
    (found,) = [one for one in look(deployer(broker)).of("error") if one["check"] == "access"]
    assert ("complaint.replied", f"missing: {lost}") == (found["where"], found["what"])

    sla = {
        "ADUAN_KAFKA_USERNAME": "aduan-sla",
        "ADUAN_KAFKA_PASSWORD": broker.doors.passwords["aduan-sla"],
    }
    said = look({**deployer(broker), **sla})
    access = said.worst("access", broker.address)
    assert ("not checked", True) == (access["severity"], "may not administer" in access["what"])

    wrong = look({**deployer(broker), "ADUAN_KAFKA_PASSWORD": "hunter2-wrong"})
    assert "refused the credentials" in wrong.worst("connections", broker.address)["what"]
    assert "hunter2" not in wrong.out + wrong.err


def test_a_missing_index_is_found_and_the_service_does_not_start(
    mongo: MongoEndpoint, look: Look, tmp_path: Path
) -> None:
    """Both name `aduan migrate`; afterwards there is nothing to say."""
    prefix = f"d{uuid.uuid4().hex[:8]}"
    environment = {"ADUAN_STORE": mongo.url}
    missing = look(environment, "--prefix", prefix, "--service", "sla").worst("indexes", "sla")
    assert ("error", "`aduan migrate`") == (missing["severity"], missing["remedy"])

    own = {
        "ADUAN_BUS": f"sqlite:///{tmp_path}/log.db",
        "ADUAN_STORE": mongo.user_for(f"{prefix}_sla"),
    }
    ended = service("sla", own)
    assert 1 == ended.returncode
    assert "sla cannot start: the database lacks" in ended.stderr
    assert "run `aduan migrate`" in ended.stderr

    with pytest.raises(SystemExit):
        main(["migrate", "--prefix", prefix])
    said = look(environment, "--prefix", prefix, "--service", "sla")
    assert [] == said.of("error"), said.of("error")
    assert "ok" == said.worst("indexes", "sla")["severity"]
    assert "ok" == said.worst("clock", "sla")["severity"]

    with connected(mongo.url) as client:
        client[f"{prefix}_sla"]["cases"].drop_index("on_due")
    assert "cases.on_due" in look(environment, "--prefix", prefix).worst("indexes", "sla")["what"]
    # the service's own user sees its own database, and nobody else's
    seen = look(own, "--prefix", prefix)
    assert "sla's own" in seen.worst("connections", "database of routing")["what"]
    assert "cases.on_due" in seen.worst("indexes", "sla")["what"]


def test_a_clock_that_differs_from_the_databases_is_found(mongo: MongoEndpoint) -> None:
    """The database tells its time, and half of the question's own time is allowed for."""
    wrong = ManualClock(SystemClock().wall() - timedelta(minutes=3))
    database = f"d{uuid.uuid4().hex[:8]}_sla"
    found = databases.examine(
        "sla", mongo.user_for(database), wrong, driver=None, patience=5.0
    )  # fmt: skip
    (skew,) = [one for one in found if one.check == "clock"]

    assert ("error", True) == (skew.severity, "ahead of this machine's" in skew.what)
