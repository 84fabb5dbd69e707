"""What the topics table asks of a cluster: its topics, the dead letters' too, and who may do what."""

from collections.abc import Iterator
from typing import Final

from aduan.contracts.topics import PARTITIONS, STATISTICS, TOPICS
from aduan.messaging.dead_letters import group_of, letters_topic
from aduan_standalone.broker.shapes import Access, Found, Topic, Wanted

PRINCIPALS: Final = "User:aduan-{service}"
SERVICES: Final = tuple(
    sorted({name for topic in TOPICS for name in (topic.producer, *topic.consumers)})
)
COPIES: Final = 3
# Above what a producer sends (900,000), so that a record that is too large fails before it has a
# sequence number, and never at the broker.
LARGEST_MESSAGE: Final = 1_048_576
FOR_EVER_DAYS: Final = -1
LETTERS_KEPT_DAYS: Final = 90  # copies for people; the letters themselves are documents


def wanted(found: Found, *, replication: int | None, principals: str = PRINCIPALS) -> Wanted:
    """Return what a cluster should have.

    replication: copies of each partition; None: three where there are three brokers, and what a
    topic has already where that is more, because a broker that is away is no wish.
    principals: the pattern of the services' names, with `{service}`.
    """
    plain = min(COPIES, found.brokers)

    def copies(name: str) -> int:
        if replication is not None:
            return replication
        there = found.topics.get(name)
        return plain if there is None else max(plain, there.replication)

    partitions = {topic.name: topic.partitions for topic in TOPICS}
    partitions[STATISTICS.changelog] = PARTITIONS
    return Wanted(
        topics=tuple(
            Topic(
                name, partitions.get(name, 1), copies(name), settings(copies(name), days=kept)
            )
            for name, kept in kept_days().items()
        ),
        access=frozenset(
            line for service in SERVICES for line in _rights(service, principals)
        ) | frozenset(_rights_of_statistics(principals)),
        principals=frozenset(
            principals.format(service=name) for name in (*SERVICES, STATISTICS.name)
        ),
    )  # fmt: skip


def kept_days() -> dict[str, int]:
    """Return every topic that the services need, and for how many days it keeps records."""
    letters = {letters_topic(service): LETTERS_KEPT_DAYS for service in _consumers()}
    letters[letters_topic(STATISTICS.name)] = LETTERS_KEPT_DAYS
    kept = {topic.name: topic.retention.days for topic in TOPICS}
    return {**kept, **letters, STATISTICS.changelog: FOR_EVER_DAYS}


def settings(copies: int, *, days: int) -> dict[str, str]:
    """Return the settings of a topic that this command owns; others are nobody's business here.

    days: how long it keeps records; -1: the latest of each key, for ever.
    """
    if days == FOR_EVER_DAYS:
        # Never compact and delete together: a table that lost its oldest rows recovers for ever.
        return {**settings(copies, days=0), "cleanup.policy": "compact", "retention.ms": "-1"}
    return {
        "cleanup.policy": "delete",
        "max.message.bytes": str(LARGEST_MESSAGE),
        # two copies before an acknowledgement, wherever there are two
        "min.insync.replicas": str(min(2, copies)),
        "retention.ms": str(days * 86_400_000),
        "unclean.leader.election.enable": "false",
    }


def _consumers() -> tuple[str, ...]:
    return tuple(s for s in SERVICES if any(s in topic.consumers for topic in TOPICS))


def _rights(service: str, principals: str) -> Iterator[Access]:
    """Yield exactly what a service does, and nothing that it might want to do one day."""
    who = principals.format(service=service)
    own = [topic.name for topic in TOPICS if topic.producer == service]
    if service in _consumers():
        own.append(letters_topic(service))
        yield Access(who, "READ", "group", group_of(service))
    for name in own:
        yield from (Access(who, what, "topic", name) for what in ("WRITE", "DESCRIBE"))
    for topic in TOPICS:
        if service in topic.consumers:
            yield from (Access(who, what, "topic", topic.name) for what in ("READ", "DESCRIBE"))


def _rights_of_statistics(principals: str) -> Iterator[Access]:
    """Yield what the worker of the statistics does: it reads, and writes its table and letters."""
    who = principals.format(service=STATISTICS.name)
    yield Access(who, "READ", "group", group_of(STATISTICS.name))
    own = (STATISTICS.changelog, letters_topic(STATISTICS.name))
    for name in (*STATISTICS.topics, STATISTICS.changelog):
        yield from (Access(who, what, "topic", name) for what in ("READ", "DESCRIBE"))
    for name in own:
        yield from (Access(who, what, "topic", name) for what in ("WRITE", "DESCRIBE"))
