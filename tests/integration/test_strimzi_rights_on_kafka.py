"""The users of deploy/k8s on a real broker with an authorizer: each can do its work, and no more.

The operator's part is played by the admin, who grants exactly the lines of the KafkaUser resources.
"""

import asyncio
import json
import time
from collections.abc import Iterable
from typing import Any, Final

import confluent_kafka
import confluent_kafka.admin
import pytest
from aduan_kafka_rights import User
from aduan_manifests import named, of_kind, rendered
from aduan_server_fixtures import Maker
from aduan_servers.kafka import ADMIN, MECHANISM, Kafka
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from aduan.contracts.topics import TOPICS
from aduan.messaging.dead_letters import group_of
from aduan.settings import BusSettings
from aduan_standalone.broker.administration import Brokers
from aduan_standalone.broker.units import needs_of
from aduan_standalone.cli.main import main

kafka: Final[Any] = confluent_kafka
admin: Final[Any] = confluent_kafka.admin
DEPLOYER: Final = "aduan-deployer"
KEDA: Final = "aduan-keda"
ROUTING: Final = "aduan-routing"
KINDS: Final = {"cluster": "BROKER", "group": "GROUP", "topic": "TOPIC"}
SECONDS: Final = 20.0
# the resources name operations in one word, the client with underscores
SPELT: Final = {each.name.replace("_", "").lower(): each for each in admin.AclOperation}


def client(broker: Kafka, user: str) -> Any:
    """Return an admin client of a user."""
    return admin.AdminClient(
        {
            "bootstrap.servers": broker.address, "security.protocol": broker.doors.protocol,
            "sasl.mechanism": MECHANISM, "sasl.username": user,
            "sasl.password": broker.doors.passwords[user], "log_level": 0,
        }
    )  # fmt: skip


def grant(broker: Kafka, users: Iterable[dict[str, Any]]) -> None:
    """Grant what Strimzi's User Operator would: every rule of every user."""
    lines = [
        admin.AclBinding(
            admin.ResourceType[KINDS[rule["resource"]["type"]]],
            rule["resource"].get("name", "kafka-cluster"),
            admin.ResourcePatternType[
                "PREFIXED" if rule["resource"].get("patternType") == "prefix" else "LITERAL"
            ],
            f"User:{user['metadata']['name']}",
            "*",
            SPELT[operation.lower()],
            admin.AclPermissionType.ALLOW,
        )
        for user in users
        for rule in user["spec"]["authorization"]["acls"]
        for operation in rule["operations"]
    ]
    operator = client(broker, ADMIN)
    for future in operator.create_acls(lines).values():
        future.result(SECONDS)


def shorten(broker: Kafka, topic: str, *, days: int) -> None:
    """Let a topic keep its records for fewer days, by hand."""
    entry = admin.ConfigEntry(
        "retention.ms", str(days * 86_400_000),
        incremental_operation=admin.AlterConfigOpType.SET,
    )  # fmt: skip
    resource = admin.ConfigResource(
        admin.ConfigResource.Type.TOPIC, topic, incremental_configs=[entry]
    )  # fmt: skip
    operator = client(broker, ADMIN)
    for future in operator.incremental_alter_configs([resource]).values():
        future.result(SECONDS)


async def ask_as_keda(who: dict[str, Any]) -> None:
    """Ask where each scaled group is and where each topic ends; fails where that is refused.

    By aiokafka: librdkafka 2.16 falls over a coordinator that is still loading.
    """
    operator = AIOKafkaAdminClient(**who)
    consumer = AIOKafkaConsumer(**who)
    await operator.start()
    await consumer.start()
    try:
        for service in ("routing", "sla", "sync-laporgub", "notify"):
            async with asyncio.timeout(SECONDS):
                while True:
                    try:
                        assert {} == await operator.list_consumer_group_offsets(group_of(service))
                        break
                    except KafkaError as error:
                        if not error.retriable:
                            raise
                        await asyncio.sleep(0.2)
        places = [TopicPartition(topic.name, 0) for topic in TOPICS]
        ends = await consumer.end_offsets(places)
        assert set(places) == set(ends)
    finally:
        await consumer.stop()
        await operator.close()


def run_as_deployer(
    broker: Kafka,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *words: str,
) -> tuple[int, str]:
    """Run `aduan ...` with the credentials of the topics job; return how it ended and what it said."""
    monkeypatch.setenv("ADUAN_BUS", f"kafka://{broker.address}")
    monkeypatch.setenv("ADUAN_KAFKA_USERNAME", DEPLOYER)
    monkeypatch.setenv("ADUAN_KAFKA_PASSWORD", broker.doors.passwords[DEPLOYER])
    with pytest.raises(SystemExit) as end:
        main(list(words))
    told = capsys.readouterr()
    return int(end.value.code or 0), told.out + told.err


def test_the_users_of_the_manifests_can_do_their_work_and_no_more(
    own_kafka: Maker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Rights that are one too few show in a cluster as a job that never ends."""
    broker = own_kafka(protocol="SASL_PLAINTEXT", users=[DEPLOYER, KEDA, ROUTING])
    resources = [*rendered("local"), named(rendered("production"), "KafkaUser", KEDA)]
    users = of_kind(resources, "KafkaUser")
    topics = next(
        each for each in of_kind(resources, "Job") if each["metadata"]["name"] == "topics"
    )
    (job,) = topics["spec"]["template"]["spec"]["containers"]

    # the deployer alone, as on a cluster where Strimzi has made nobody else yet
    refused, _ = run_as_deployer(broker, monkeypatch, capsys, *job["args"])
    grant(broker, (each for each in users if each["metadata"]["name"] == DEPLOYER))
    made, said = run_as_deployer(broker, monkeypatch, capsys, *job["args"])

    assert (1, 0) == (refused, made), said
    assert "+ topic complaint.created" in said

    # what the operator grants is what the job granted, and the prefix of the units
    grant(broker, users)
    deadline = time.monotonic() + SECONDS
    again, said = run_as_deployer(broker, monkeypatch, capsys, *job["args"])
    # a broker shows a right a moment after the controller has it
    while said.splitlines()[0] != "no change" and time.monotonic() < deadline:
        again, said = run_as_deployer(broker, monkeypatch, capsys, *job["args"])

    assert (0, "no change") == (again, said.splitlines()[0])

    # and the doctor sees topics and rights with them
    well, said = run_as_deployer(broker, monkeypatch, capsys, "doctor", "--json")
    found = [each for each in json.loads(said)["findings"] if each["check"] in {"topics", "access"}]

    assert 0 == well, said
    assert {"topics", "access"} == {each["check"] for each in found}
    assert {"ok", "warning"} >= {each["severity"] for each in found}

    # somebody kept the warnings for a week only
    shorten(broker, "sla.warned", days=7)
    changed, said = run_as_deployer(broker, monkeypatch, capsys, *job["args"])

    assert 0 == changed, said
    assert said.startswith("~ topic sla.warned: retention.ms")

    # `aduan opd connect` with the same credentials: a topic, rights, a user
    brokers = Brokers(BusSettings())
    needs = needs_of("33.74", "DISHUB", routing=f"User:{ROUTING}", brokers=1)
    brokers.create(needs.topic)
    brokers.settle([needs.topic.name])
    brokers.grant(needs.unit_access)
    brokers.set_user(needs.user, "a-password-of-a-unit")

    assert brokers.has_user(needs.user)
    assert User(broker, ROUTING).may_write(needs.topic.name)
    assert brokers.remove_user(needs.user)

    # who administers and who scales reads and writes no record
    assert User(broker, ADMIN).may_write("complaint.created")
    for name in (DEPLOYER, KEDA):
        assert not User(broker, name).may_write("complaint.created"), name
        assert not User(broker, name).may_read("complaint.created"), name

    # what KEDA asks: where a group is, and where its topics end
    asyncio.run(ask_as_keda(broker.client(KEDA)))
