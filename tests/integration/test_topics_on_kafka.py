"""`aduan topics` on a real broker: said once, done once, and the broker itself refuses the rest."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from aduan_kafka_rights import User
from aduan_server_fixtures import Maker
from aduan_servers.kafka import ADMIN, Kafka
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from aduan.contracts.topics import STATISTICS, TOPICS, streams_for, topics_of
from aduan_standalone.broker.wanted import SERVICES
from aduan_standalone.cli.main import main

DAY = 86_400_000
OF_STATISTICS = [STATISTICS.changelog, "aduan.statistics.dlq"]
ALL = [
    *(topic.name for topic in TOPICS),
    *(f"aduan.{service}.dlq" for service in SERVICES),
    *OF_STATISTICS,
]


@dataclass(frozen=True)
class Said:
    """What one run of the command line printed, and how it ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Said]


@pytest.fixture
def topics(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `aduan topics` as the deployer of a cluster."""

    def run(broker: Kafka, *arguments: str) -> Said:
        monkeypatch.setenv("ADUAN_BUS", f"kafka://{broker.address}")
        if broker.doors.asks_for_passwords:
            monkeypatch.setenv("ADUAN_KAFKA_USERNAME", ADMIN)
            monkeypatch.setenv("ADUAN_KAFKA_PASSWORD", broker.doors.passwords[ADMIN])
        with pytest.raises(SystemExit) as end:
            main(["topics", *arguments])
        told = capsys.readouterr()
        return Said(int(end.value.code or 0), told.out, told.err)

    return run


async def settings_of(client: dict[str, Any], topic: str) -> dict[str, str]:
    """Ask the broker, by another client than the command's."""
    from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

    admin = AIOKafkaAdminClient(**client)
    await admin.start()
    try:
        # configs=None is not understood by it: name everything that we look at
        names = ("retention.ms", "segment.ms", "cleanup.policy", "unclean.leader.election.enable",
                 "min.insync.replicas", "max.message.bytes")  # fmt: skip
        resource = ConfigResource(ConfigResourceType.TOPIC, topic, configs=dict.fromkeys(names))
        (answer,) = await admin.describe_configs([resource])
        return {entry[0]: entry[1] for entry in answer.resources[0][4]}
    finally:
        await admin.close()


async def change(client: dict[str, Any], topic: str, **settings: str) -> None:
    """Set what an operator sets by hand; everything else of the topic is reset, as aiokafka does."""
    from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

    admin = AIOKafkaAdminClient(**client)
    await admin.start()
    try:
        configs = {name.replace("_", "."): value for name, value in settings.items()}
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs)])
    finally:
        await admin.close()


async def make(client: dict[str, Any], name: str, partitions: int) -> None:
    """Make a topic by hand."""
    admin = AIOKafkaAdminClient(**client)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, partitions, 1)])
    finally:
        await admin.close()


async def test_topics_are_made_once_and_kept_as_the_table_says(
    own_kafka: Maker, topics: Run
) -> None:
    """Plan says 1, apply does it, apply again has nothing to do; what is not ours stays."""
    broker = own_kafka()
    planned = topics(broker, "plan")
    first = topics(broker, "apply")
    second = topics(broker, "apply")
    again = topics(broker, "plan", "--json")

    assert (1, 0, 0, 0) == (planned.code, first.code, second.code, again.code)
    assert set(first.out.splitlines()) >= {
        line for line in planned.out.splitlines() if line[0] == "+"
    }
    assert "done: 16 changes." in first.out
    assert "no change" == second.out.splitlines()[0]
    assert "User:aduan-sla READ group aduan.sla" in second.out
    assert {"changes": [], "access_enforced": False} == {
        name: json.loads(again.out)[name] for name in ("changes", "access_enforced")
    }
    assert {
        "cleanup.policy": "delete", "retention.ms": str(30 * DAY), "min.insync.replicas": "1",
        "unclean.leader.election.enable": "false", "max.message.bytes": "1048576",
    }.items() <= (await settings_of(broker.client(), "complaint.created")).items()  # fmt: skip

    # an operator made the retention shorter than the table, and something of his own
    await change(broker.client(), "sla.warned", retention_ms=str(7 * DAY), segment_ms="86400000")
    await make(broker.client(), "something.else", 3)
    told = topics(broker, "apply")
    after = await settings_of(broker.client(), "sla.warned")

    assert f"~ topic sla.warned: retention.ms {7 * DAY} -> {30 * DAY}" in told.out.splitlines()
    assert "? topic something.else: not from the table, left alone" in told.out.splitlines()
    assert (str(30 * DAY), "86400000") == (after["retention.ms"], after["segment.ms"])
    assert "no change" == topics(broker, "apply").out.splitlines()[0]

    # the other way round records would be deleted
    await change(broker.client(), "sla.warned", retention_ms=str(90 * DAY))
    refused = topics(broker, "apply")

    assert 2 == refused.code
    assert 1 == len(refused.err.splitlines())
    assert "--shorten-retention" in refused.err
    assert str(90 * DAY) == (await settings_of(broker.client(), "sla.warned"))["retention.ms"]
    assert 0 == topics(broker, "apply", "--shorten-retention").code
    assert 2 == topics(broker, "apply", "--require-acls").code


@pytest.mark.by_hand
async def test_a_topic_of_another_size_is_refused_and_nothing_is_done(
    own_kafka: Maker, topics: Run
) -> None:
    """Case documents keep their partition: neither more nor fewer, and no half of a cluster."""
    broker = own_kafka()
    await make(broker.client(), "complaint.created", 48)
    more = topics(broker, "apply")
    planned = topics(broker, "plan")

    assert (2, 2) == (more.code, planned.code)
    assert (
        "aduan: complaint.created has 48 partitions and should have 24: partitions cannot be taken"
        " away.\n" == more.err
    )
    admin = AIOKafkaAdminClient(**broker.client())
    await admin.start()
    try:
        assert ["complaint.created"] == [n for n in await admin.list_topics() if "_" not in n]
    finally:
        await admin.close()


def test_each_service_can_do_its_own_and_the_broker_refuses_the_rest(
    own_kafka: Maker, topics: Run
) -> None:
    """Six principals against every topic and every group, as the broker itself decides."""
    users = [f"aduan-{name}" for name in (*SERVICES, STATISTICS.name)]
    broker = own_kafka(protocol="SASL_PLAINTEXT", users=users)

    assert 0 == topics(broker, "apply", "--require-acls").code
    assert "no change\n" == topics(broker, "apply").out
    for name in ALL:
        assert User(broker, ADMIN).may_write(name)  # so there is something to read
    for service in SERVICES:
        user = User(broker, f"aduan-{service}")
        consumed = {topic.name for topic in topics_of(*streams_for(service))}
        produced = {topic.name for topic in TOPICS if topic.producer == service}

        assert produced | {f"aduan.{service}.dlq"} == {
            name for name in ALL if user.may_write(name)
        }, service
        assert consumed == {name for name in ALL if user.may_read(name)}, service
        assert [service] == [
            other for other in SERVICES if user.may_keep_an_offset(f"aduan.{other}", min(consumed))
        ], service

    worker = User(broker, "aduan-statistics")
    assert set(OF_STATISTICS) == {name for name in ALL if worker.may_write(name)}
    assert {*STATISTICS.topics, STATISTICS.changelog} == {
        name for name in ALL if worker.may_read(name)
    }
    assert worker.may_keep_an_offset("aduan.statistics", "complaint.created")
    assert not worker.may_keep_an_offset("aduan.sla", "complaint.created")


@pytest.mark.by_hand
def test_a_deployer_without_rights_is_told_so_in_one_sentence(
    own_kafka: Maker, topics: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And wrong credentials are not called a broker that is away; no password is shown."""
    broker = own_kafka(protocol="SASL_PLAINTEXT", users=["aduan-sla"])
    monkeypatch.setitem(broker.doors.passwords, ADMIN, "not-the-password")
    wrong = topics(broker, "plan")

    assert (1, 1) == (wrong.code, len(wrong.err.splitlines()))
    assert "refused the credentials" in wrong.err
    assert "not-the-password" not in wrong.out + wrong.err
