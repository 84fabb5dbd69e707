"""The only source of the shared topics: who writes, who reads, how long kept, and why.

A stream is the shared topics of one producing service. One topic has exactly one producer; the key
is the complaint id, so a case keeps its order inside a topic, and `seq` orders it over the stream.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

from pydantic import BaseModel

from aduan.contracts import events

Stream = Literal["intake", "routing", "sla", "sync"]

PARTITIONS: Final = 24


@dataclass(frozen=True, slots=True)
class Topic:
    """One shared topic. `since` is the release from which every consumer subscribes to it."""

    name: str
    stream: Stream
    event: type[BaseModel]
    producer: str
    consumers: tuple[str, ...]
    retention: timedelta
    reason: str
    since: str = "0.1"
    partitions: int = PARTITIONS

    @property
    def event_type(self) -> str:
        """The CloudEvents type of what this topic carries."""
        return f"id.aduan.{self.name}.v1"


_LONG = timedelta(days=30)
_AFTER_HOLIDAY = "Kept long enough to catch up after the longest holiday and a repair."

TOPICS: Final = (
    Topic(
        name="complaint.created",
        stream="intake",
        event=events.ComplaintCreated,
        producer="intake",
        consumers=("routing", "sla", "sync-laporgub", "notify"),
        retention=_LONG,
        reason=f"The first fact of a case; it opens the case everywhere. {_AFTER_HOLIDAY}",
    ),
    Topic(
        name="complaint.replied",
        stream="intake",
        event=events.ComplaintReplied,
        producer="intake",
        consumers=("routing", "sla", "sync-laporgub", "notify"),
        retention=_LONG,
        reason="What the reporter said afterwards; only routing interprets it.",
    ),
    Topic(
        name="complaint.assigned",
        stream="routing",
        event=events.ComplaintAssigned,
        producer="routing",
        consumers=("intake", "sla", "sync-laporgub", "notify"),
        retention=_LONG,
        reason="Written if and only if the responsible office changes to a new one.",
    ),
    Topic(
        name="complaint.progressed",
        stream="routing",
        event=events.ComplaintProgressed,
        producer="routing",
        consumers=("intake", "sla", "sync-laporgub", "notify"),
        retention=_LONG,
        reason="Every other transition or public entry of a case; routing is its one sequencer.",
    ),
    Topic(
        name="sla.scheduled",
        stream="sla",
        event=events.SlaScheduled,
        producer="sla",
        consumers=("intake", "routing", "notify"),
        retention=_LONG,
        reason="All clocks of a case and the nearest due date, whenever one of them changes.",
    ),
    Topic(
        name="sla.warned",
        stream="sla",
        event=events.SlaWarned,
        producer="sla",
        consumers=("intake", "routing", "notify"),
        retention=_LONG,
        reason="A clock has run for three quarters of its time.",
    ),
    Topic(
        name="sla.breached",
        stream="sla",
        event=events.SlaBreached,
        producer="sla",
        consumers=("intake", "routing", "notify"),
        retention=_LONG,
        reason="A deadline was missed, or an escalation of a missed one is due. Recorded once.",
    ),
    Topic(
        name="sla.elapsed",
        stream="sla",
        event=events.SlaElapsed,
        producer="sla",
        consumers=("intake", "routing", "notify"),
        retention=_LONG,
        reason="A timer ran out that is no breach: auto-close, reply time-out, a debt fell due.",
    ),
    Topic(
        name="mirror.changed",
        stream="sync",
        event=events.MirrorChanged,
        producer="sync-laporgub",
        consumers=("intake", "routing", "notify"),
        retention=_LONG,
        reason="What the partner system has, says or refuses about a mirrored case.",
    ),
)


@dataclass(frozen=True, slots=True)
class Projection:
    """A reader beside the services: it tells nothing, and what it keeps can be had again.

    topics: what it reads; not whole streams, because it needs no gap-free `seq`.
    changelog: the compacted topic that holds its table, with as many partitions as the topics.
    """

    name: str
    topics: tuple[str, ...]
    changelog: str
    reason: str


STATISTICS: Final = Projection(
    name="statistics",
    topics=("complaint.created", "complaint.assigned", "complaint.progressed", "sla.scheduled"),
    changelog="aduan.statistics-cases-changelog",
    reason="The statistics worker's facts of each case, by complaint id; the latest is kept.",
)

BY_NAME: Final = {topic.name: topic for topic in TOPICS}
BY_TYPE: Final = {topic.event_type: topic for topic in TOPICS}


def topics_of(*streams: Stream) -> tuple[Topic, ...]:
    """Return the topics of whole streams; nobody subscribes to part of one."""
    return tuple(topic for topic in TOPICS if topic.stream in streams)


def streams_for(service: str) -> tuple[Stream, ...]:
    """Return the streams that `service` consumes, as the table says, in table order."""
    found = dict.fromkeys(topic.stream for topic in TOPICS if service in topic.consumers)
    return tuple(found)


def topics_needed(service: str) -> dict[str, int]:
    """Return every shared topic that `service` writes or reads, with its number of partitions."""
    return {
        topic.name: topic.partitions
        for topic in TOPICS
        if service == topic.producer or service in topic.consumers
    }
