"""Strimzi's topics and users are what the table of topics says, no more and no less."""

import re
from pathlib import Path
from typing import Any, Final

import pytest
from aduan_manifests import OVERLAYS, Resource, environment_of, named, of_kind, rendered, tool

from aduan.contracts.opd import unit_topic
from aduan.contracts.topics import TOPICS, streams_for
from aduan.messaging.dead_letters import group_of
from aduan_standalone.broker.difference import UNITS, difference
from aduan_standalone.broker.shapes import Access, Found, Topic
from aduan_standalone.broker.units import UNIT_USER
from aduan_standalone.broker.wanted import wanted

DEPLOYER: Final = "User:aduan-deployer"
KEDA: Final = "User:aduan-keda"
UNIT_LINES: Final = {
    Access("User:aduan-routing", what, "topic", UNITS, "PREFIXED") for what in ("WRITE", "DESCRIBE")
}


def access_of(user: Resource) -> set[Access]:
    """Return the lines that Strimzi writes into the access lists for a user."""
    assert {"type": "scram-sha-512"} == user["spec"]["authentication"]
    return {
        Access(
            f"User:{user['metadata']['name']}",
            operation.upper(),
            kind if (kind := rule["resource"]["type"]) != "cluster" else "other",
            rule["resource"].get("name", "kafka-cluster"),
            "PREFIXED" if rule["resource"].get("patternType") == "prefix" else "LITERAL",
        )
        for rule in user["spec"]["authorization"]["acls"]
        for operation in rule["operations"]
    }


def lines(overlay: str) -> set[Access]:
    """Return all lines of all users of an overlay."""
    return {line for user in of_kind(rendered(overlay), "KafkaUser") for line in access_of(user)}


def cluster_of(overlay: str) -> Found:
    """Return the cluster that Strimzi makes of an overlay, as `aduan topics plan` would find it."""
    resources = rendered(overlay)
    topics = {
        each["metadata"]["name"]: Topic(
            each["metadata"]["name"],
            each["spec"]["partitions"],
            each["spec"]["replicas"],
            each["spec"]["config"],
        )
        for each in of_kind(resources, "KafkaTopic")
    }
    brokers = sum(
        pool["spec"]["replicas"]
        for pool in of_kind(resources, "KafkaNodePool")
        if "broker" in pool["spec"]["roles"]
    )
    return Found(overlay, brokers, topics, frozenset(lines(overlay)))


def test_the_files_are_those_that_the_table_gives() -> None:
    """A topic that is added to the table is added to the cluster by the same change."""
    assert 0 == tool("strimzi").main(["--check"])


def test_a_file_that_was_changed_by_hand_is_noticed_and_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check above can fail."""
    module: Any = tool("strimzi")
    changed = module.TOPICS_FILE.read_text("utf-8").replace("partitions: 24", "partitions: 12", 1)
    copy = tmp_path / "topics.yaml"
    copy.write_text(changed, "utf-8")
    monkeypatch.setattr(module, "TOPICS_FILE", copy)
    monkeypatch.setattr(module, "FOLDER", tmp_path)

    assert 1 == module.main(["--check"])
    assert 0 == module.main([])
    assert 0 == module.main(["--check"])


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_topics_job_finds_nothing_to_do_where_strimzi_has_done_it(overlay: str) -> None:
    """Two that want different things of one topic would change it back and forth for ever."""
    have = cluster_of(overlay)
    found = difference(have, wanted(have, replication=None))

    assert () == found.changes
    assert () == found.refused
    assert () == found.unknown_topics
    assert UNIT_LINES == {line for line in found.foreign_access if line.principal not in {KEDA, DEPLOYER}}  # fmt: skip


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_users_have_the_rights_of_the_table_and_the_one_of_connected_units(overlay: str) -> None:
    """The operator removes what is not here, so what `aduan opd connect` grants must be."""
    have = cluster_of(overlay)
    want = wanted(have, replication=None)
    ours = {line for line in lines(overlay) if line.principal in want.principals}

    assert want.access | UNIT_LINES == ours
    assert unit_topic("33.74", "DISHUB").startswith(UNITS)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_nobody_may_read_a_record_but_the_services(overlay: str) -> None:
    """Who makes topics, and who scales, has no business in a complaint."""
    have = cluster_of(overlay)
    services = wanted(have, replication=None).principals
    others = {line for line in lines(overlay) if line.principal not in services}

    assert {DEPLOYER} <= {line.principal for line in others} <= {DEPLOYER, KEDA}
    assert not {"READ", "WRITE", "ALL"} & {line.operation for line in others}


def test_every_service_joins_as_the_user_that_was_made_for_it() -> None:
    """Name and password come from the same KafkaUser."""
    resources = rendered("production")
    users = {each["metadata"]["name"] for each in of_kind(resources, "KafkaUser")}
    for workload in of_kind(resources, "Deployment", "Job"):
        environment = environment_of(resources, workload)
        if "ADUAN_BUS" in environment.plain:
            name = environment.plain["ADUAN_KAFKA_USERNAME"]

            assert name in users
            assert name == environment.secret["ADUAN_KAFKA_PASSWORD"].secret


def test_the_autoscalers_ask_the_same_brokers_about_groups_that_exist() -> None:
    """A misspelt group has no lag, and is never scaled."""
    resources = rendered("production")
    keda = access_of(named(resources, "KafkaUser", "aduan-keda"))
    reference = named(resources, "TriggerAuthentication", "kafka")["spec"]
    for scaler in of_kind(resources, "ScaledObject"):
        service = scaler["spec"]["scaleTargetRef"]["name"]
        (trigger,) = (each for each in scaler["spec"]["triggers"] if each["type"] == "kafka")
        metadata = trigger["metadata"]
        bus = environment_of(resources, named(resources, "Deployment", service)).plain["ADUAN_BUS"]
        host, port = bus.removeprefix("kafka://").split(":")

        assert group_of(service) == metadata["consumerGroup"]
        assert f"{host}.aduan.svc:{port}" == metadata["bootstrapServers"]
        assert {"name": "kafka"} == trigger["authenticationRef"]
        assert Access(KEDA, "DESCRIBE", "group", group_of(service)) in keda
        for topic in TOPICS:
            if topic.stream in streams_for(service):
                assert Access(KEDA, "DESCRIBE", "topic", topic.name) in keda
    given = {each["parameter"] for kind in reference.values() for each in kind}
    assert {"username", "password", "ca"} == given


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_brokers_listener_lets_in_exactly_who_has_a_user(overlay: str) -> None:
    """Encrypted, by name and password, and from no other pod."""
    spec = named(rendered(overlay), "Kafka", "aduan")["spec"]["kafka"]
    (listener,) = spec["listeners"]

    assert listener["tls"] is True
    assert "scram-sha-512" == listener["authentication"]["type"]
    assert "simple" == spec["authorization"]["type"]
    assert {"podSelector": {"matchLabels": {"aduan.id/kafka": "client"}}} in listener["networkPolicyPeers"]  # fmt: skip
    assert spec["config"]["auto.create.topics.enable"] is False


def test_users_of_connected_units_are_left_to_the_command_that_makes_them() -> None:
    """The operator removes every user without a resource, unless it is told not to look."""
    template = named(rendered("production"), "Kafka", "aduan")["spec"]["entityOperator"]["template"]
    environment = {each["name"]: each["value"] for each in template["userOperatorContainer"]["env"]}

    ignored = re.compile(environment["STRIMZI_IGNORED_USERS_PATTERN"])

    assert ignored.fullmatch(UNIT_USER.format(tenant="33.74", code="DISHUB"))
    for user in of_kind(rendered("production"), "KafkaUser"):
        assert not ignored.search(user["metadata"]["name"])
