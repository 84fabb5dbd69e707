"""What `aduan topics` would do to a cluster, as a table: have, want, and what comes out."""

from dataclasses import replace

import pytest

from aduan.contracts.topics import STATISTICS, TOPICS
from aduan_standalone.broker.difference import (
    ChangeSetting,
    CreateTopic,
    Difference,
    Grant,
    difference,
)
from aduan_standalone.broker.shapes import Access, Found, Topic
from aduan_standalone.broker.wanted import PRINCIPALS, wanted

DAY = 86_400_000
EMPTY = Found("c", 3, {}, frozenset())


def complete(have: Found = EMPTY, **changed: Topic) -> Found:
    """Return a cluster that has everything, but for the topics given (`_` for a dot)."""
    want = wanted(have, replication=None)
    topics = {topic.name: topic for topic in want.topics}
    topics |= {name.replace("_", "."): topic for name, topic in changed.items()}
    return replace(have, topics=topics, access=want.access)


def compared(have: Found, *, replication: int | None = None, **options: bool) -> Difference:
    """Compare a cluster with the table."""
    return difference(have, wanted(have, replication=replication), **options)


def created(**changed: object) -> Topic:
    """Return complaint.created as the table wants it, but for what is given."""
    whole = complete().topics["complaint.created"]
    return replace(whole, **changed)  # type: ignore[arg-type] # the tests name fields


def test_an_empty_cluster_gets_every_topic_and_every_right() -> None:
    """Nine shared topics of 24 partitions, one of one partition for each group's dead letters."""
    found = compared(EMPTY)
    topics = {c.topic.name: c.topic for c in found.changes if isinstance(c, CreateTopic)}

    assert {topic.name for topic in TOPICS} < set(topics)
    assert {
        f"aduan.{service}.dlq"
        for service in ("intake", "routing", "sla", "sync-laporgub", "notify", "statistics")
    } == {name for name in topics if name.endswith(".dlq")}
    assert {24} == {topics[topic.name].partitions for topic in TOPICS}
    assert {1} == {topic.partitions for name, topic in topics.items() if name.endswith(".dlq")}
    assert {3} == {topic.replication for topic in topics.values()}
    assert {
        "cleanup.policy": "delete",
        "max.message.bytes": "1048576",
        "min.insync.replicas": "2",
        "retention.ms": str(30 * DAY),
        "unclean.leader.election.enable": "false",
    } == topics["complaint.created"].settings
    assert () == found.refused


def test_the_statistics_worker_gets_its_table_and_no_more_than_it_does() -> None:
    """A compacted topic of as many partitions as the shared ones; it writes nothing that others read."""
    want = wanted(EMPTY, replication=None)
    (table,) = [topic for topic in want.topics if topic.name == STATISTICS.changelog]
    mine = {line for line in want.access if line.principal == "User:aduan-statistics"}

    assert (24, "compact", "-1") == (
        table.partitions, table.settings["cleanup.policy"], table.settings["retention.ms"],
    )  # fmt: skip
    assert {"aduan.statistics"} == {line.name for line in mine if line.kind == "group"}
    assert {STATISTICS.changelog, "aduan.statistics.dlq"} == {
        line.name for line in mine if line.operation == "WRITE"
    }
    assert {*STATISTICS.topics, STATISTICS.changelog} == {
        line.name for line in mine if line.operation == "READ" and line.kind == "topic"
    }
    assert {"READ", "WRITE", "DESCRIBE"} == {line.operation for line in mine}


def test_a_cluster_that_has_everything_needs_nothing() -> None:
    """The second run is silent."""
    assert Difference((), (), (), (), ()) == compared(complete())


@pytest.mark.parametrize(
    ("brokers", "replication", "insync"), [(1, 1, "1"), (2, 2, "2"), (3, 3, "2"), (7, 3, "2")]
)
def test_copies_follow_the_number_of_brokers(brokers: int, replication: int, insync: str) -> None:
    """An acknowledgement means two copies wherever there are two."""
    topic = wanted(replace(EMPTY, brokers=brokers), replication=None).topics[0]

    assert (replication, insync) == (topic.replication, topic.settings["min.insync.replicas"])


def test_a_broker_that_is_away_is_no_wish_for_fewer_copies() -> None:
    """Two of three answer: what has three copies keeps them."""
    assert () == compared(replace(complete(), brokers=2)).refused
    assert () == compared(replace(complete(), brokers=2)).changes


@pytest.mark.parametrize(
    ("topic", "replication", "sentence"),
    [
        (created(partitions=48), None, "partitions cannot be taken away"),
        (created(partitions=12), None, "every case document keeps the number of its partition"),
        (created(), 2, "copies are not taken away"),
        (created(replication=1), None, "kafka-reassign-partitions"),
        (created(settings={"retention.ms": str(60 * DAY)}), None, "--shorten-retention"),
        (created(settings={"retention.ms": "-1"}), None, "--shorten-retention"),
        (created(settings={}, keeps="-1"), None, "--shorten-retention"),
    ],
)
def test_what_would_lose_something_is_refused(
    topic: Topic, replication: int | None, sentence: str
) -> None:
    """With one sentence that says why."""
    found = compared(complete(complaint_created=topic), replication=replication)

    assert any(sentence in refused for refused in found.refused), found.refused
    assert any("complaint.created" in refused for refused in found.refused)


def test_more_copies_than_brokers_are_refused_once() -> None:
    """Not once for every topic."""
    assert ("Topics cannot be made with 5 copies: brokers now: 3.",) == compared(
        EMPTY, replication=5
    ).refused


def test_records_may_be_kept_shorter_when_somebody_says_so() -> None:
    """The flag turns the refusal into a change."""
    have = complete(
        complaint_created=created(settings={**created().settings, "retention.ms": "-1"})
    )
    found = compared(have, may_shorten=True)

    assert () == found.refused
    assert (
        ChangeSetting("complaint.created", "retention.ms", "-1", str(30 * DAY)),
    ) == found.changes


def test_a_retention_that_grew_and_a_lost_setting_are_changed_and_nothing_else_is() -> None:
    """segment.ms is the operator's own: the command does not own it, so it does not see it."""
    settings = {**created().settings, "retention.ms": str(7 * DAY), "segment.ms": "1"}
    del settings["unclean.leader.election.enable"]
    found = compared(complete(complaint_created=created(settings=settings)))

    assert (
        ChangeSetting("complaint.created", "retention.ms", str(7 * DAY), str(30 * DAY)),
        ChangeSetting("complaint.created", "unclean.leader.election.enable", None, "false"),
    ) == found.changes


def test_the_rights_of_a_service_are_its_own_and_no_more() -> None:
    """sla writes its four topics and its dead letters, reads intake and routing, in its group."""
    who = PRINCIPALS.format(service="sla")
    lines = {
        (line.operation, line.kind, line.name)
        for line in wanted(EMPTY, replication=None).access
        if line.principal == who
    }

    assert {
        (name, operation) for operation, _, name in lines if operation in {"READ", "WRITE"}
    } == {
        ("aduan.sla", "READ"),
        ("aduan.sla.dlq", "WRITE"),
        ("complaint.assigned", "READ"),
        ("complaint.created", "READ"),
        ("complaint.progressed", "READ"),
        ("complaint.replied", "READ"),
        ("sla.breached", "WRITE"),
        ("sla.elapsed", "WRITE"),
        ("sla.scheduled", "WRITE"),
        ("sla.warned", "WRITE"),
    }
    assert {"READ", "WRITE", "DESCRIBE"} == {operation for operation, _, _ in lines}
    assert {"LITERAL"} == {line.pattern for line in wanted(EMPTY, replication=None).access}


def test_a_missing_right_is_granted_alone() -> None:
    """What is there is not said twice."""
    have = complete()
    lost = Access("User:aduan-sla", "READ", "group", "aduan.sla")
    assert have.access is not None

    assert (Grant(lost),) == compared(replace(have, access=have.access - {lost})).changes


def test_without_an_authorizer_rights_are_listed_and_not_granted() -> None:
    """A remark, because there everybody may do everything."""
    found = compared(replace(complete(), access=None))

    assert () == found.changes
    assert set(found.unenforced) == wanted(EMPTY, replication=None).access


OTHER = Access("User:somebody", "READ", "topic", "their.topic")
READER = Access("User:somebody", "READ", "topic", "complaint.created")
PREFIX = replace(READER, name="complaint.", pattern="PREFIXED")
EVERYTHING = replace(READER, name="*")
MORE = Access("User:aduan-notify", "WRITE", "topic", "their.topic")
UNIT = Access("User:opd-33.74-DPU", "READ", "topic", "opd.33.74.DPU.cases")
UNITS = Access("User:opd-33.74-DPU", "READ", "topic", "opd.33.74.", pattern="PREFIXED")
DENIED = replace(READER, permission="DENY")


@pytest.mark.parametrize(
    ("line", "reported"),
    [(OTHER, False), (READER, True), (PREFIX, True), (EVERYTHING, True), (MORE, True), (UNIT, False), (UNITS, True), (DENIED, True)],
)  # fmt: skip
def test_a_right_that_touches_ours_and_is_not_ours_is_reported(
    line: Access, reported: bool
) -> None:
    """Reported, never taken away; what other systems do among themselves is their affair."""
    have = complete()
    assert have.access is not None
    found = compared(replace(have, access=have.access | {line}))

    assert () == found.changes
    assert ((line,) if reported else ()) == found.foreign_access


def test_an_unknown_topic_is_reported_and_a_units_topic_is_not() -> None:
    """`aduan opd` looks after those; the broker's own topics are the broker's."""
    others = {
        name: Topic(name, 1, 1, {}) for name in ("x", "opd.33.74.DPU.cases", "__consumer_offsets")
    }
    have = complete()
    found = compared(replace(have, topics={**have.topics, **others}))

    assert ("x",) == found.unknown_topics
    assert () == found.changes
