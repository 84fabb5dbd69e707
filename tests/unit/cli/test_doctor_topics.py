"""What doctor says about a cluster, by what was found of it; pure."""

from dataclasses import replace
from typing import Final

import pytest

from aduan.contracts.topics import TOPICS
from aduan_standalone.broker.shapes import Access, Found, Topic
from aduan_standalone.broker.wanted import wanted
from aduan_standalone.doctor.brokers import compare
from aduan_standalone.doctor.findings import Finding

EMPTY: Final = Found("cluster", 3, {}, frozenset())
WANTED: Final = wanted(EMPTY, replication=None)
WELL: Final = replace(
    EMPTY, topics={topic.name: topic for topic in WANTED.topics}, access=WANTED.access
)


def found(have: Found) -> list[Finding]:
    """Return what is not well."""
    return [one for one in compare(have, WANTED) if one.severity != "ok"]


def with_topic(name: str, **changes: object) -> Found:
    """Return the healthy cluster with one topic changed."""
    topic: Topic = replace(WELL.topics[name], **changes)  # type: ignore[arg-type]
    return replace(WELL, topics={**WELL.topics, name: topic})


def test_a_cluster_as_the_table_says_is_well() -> None:
    """And nothing is said to be well that is not looked at."""
    assert [] == found(WELL)
    assert {"topics", "access"} == {one.check for one in compare(WELL, WANTED)}


def test_fewer_partitions_are_an_error() -> None:
    """The services do not start on it."""
    (one,) = found(with_topic("sla.warned", partitions=12))

    assert ("error", "sla.warned") == (one.severity, one.where)


def test_more_partitions_of_one_topic_are_an_error() -> None:
    """The events of one case would meet in several replicas."""
    errors = found(with_topic("sla.warned", partitions=48))

    assert [("error", "sla.warned")] == [(one.severity, one.where) for one in errors]
    assert "several replicas" in errors[0].what


def test_more_partitions_of_all_topics_are_bearable() -> None:
    """A case still meets in one replica; the rest of them is idle."""
    shared = {topic.name for topic in TOPICS}
    grown = {
        name: replace(topic, partitions=48) if name in shared else topic
        for name, topic in WELL.topics.items()
    }

    assert {("warning", name) for name in shared} == {
        (one.severity, one.where) for one in found(replace(WELL, topics=grown))
    }


@pytest.mark.parametrize(
    ("setting", "value", "severity"),
    [
        ("min.insync.replicas", "1", "error"),
        ("unclean.leader.election.enable", "true", "error"),
        ("retention.ms", "3600000", "error"),
        ("max.message.bytes", "1000", "warning"),
    ],
)
def test_a_setting_that_may_lose_records_is_an_error(
    setting: str, value: str, severity: str
) -> None:
    """`aduan topics apply` sets it."""
    changed = {**WELL.topics["complaint.created"].settings, setting: value}
    (one,) = found(with_topic("complaint.created", settings=changed))

    assert (severity, "complaint.created", "`aduan topics apply`") == (
        one.severity,
        one.where,
        one.remedy,
    )


def test_a_longer_retention_than_the_tables_is_well() -> None:
    """An operator may keep more; `apply` would not shorten it unasked either."""
    changed = {**WELL.topics["complaint.created"].settings, "retention.ms": "-1"}

    assert [] == found(with_topic("complaint.created", settings=changed, keeps="-1"))


def test_fewer_copies_and_fewer_brokers_are_warned_of() -> None:
    """One lost disk is then one lost log."""
    (copies,) = found(with_topic("complaint.created", replication=1))
    (brokers,) = found(replace(WELL, brokers=1))

    assert ("warning", "warning") == (copies.severity, brokers.severity)


def test_rights_are_compared_line_by_line() -> None:
    """A missing one is an error, one that is too much a warning, none at all checked a warning."""
    lost = min(WANTED.access)
    (missing,) = found(replace(WELL, access=WANTED.access - {lost}))
    extra = Access("User:somebody", "READ", "topic", "complaint.created")
    (foreign,) = found(replace(WELL, access=WANTED.access | {extra}))
    (open_to_all,) = found(replace(WELL, access=None))

    assert ("error", f"missing: {lost}") == (missing.severity, missing.what)
    assert ("warning", f"not from the table: {extra}") == (foreign.severity, foreign.what)
    assert ("warning", True) == (open_to_all.severity, "authorizer" in open_to_all.remedy)
