"""What only a look inside can tell: all topics and all documents, read in full and compared.

Nothing of the services' own code decides here; the layout of a document is the one exception.
"""

import asyncio
import contextlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Final, NamedTuple

from aduan_cluster import Cluster, module_of
from aduan_faults import SERVICES
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from pymongo import MongoClient

from aduan.contracts.topics import TOPICS, streams_for, topics_of
from aduan.messaging.dead_letters import group_of
from aduan.messaging.partition import partitions_of
from aduan.storage.wire import unpack_headers, unpack_inbox

READ_SECONDS: Final = 120.0
STREAM_OF: Final = {topic.producer: topic.stream for topic in TOPICS}


class Place(NamedTuple):
    """Where an event stands in the story of its case."""

    case: str
    stream: str
    seq: int


@dataclass(frozen=True, slots=True)
class Told:
    """An event as bytes: equal where a repeat is a true one."""

    id: str
    topic: str
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class Logged:
    """A record of a topic. place: None where its headers do not say."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    told: Told
    place: Place | None


@dataclass(frozen=True, slots=True)
class Kept:
    """A document as far as the audit looks: next seq and what waits, by stream; its events."""

    nexts: Mapping[str, int]
    waiting: Mapping[str, Sequence[int]]
    events: Mapping[int, Told]
    published: int


@dataclass
class Audit:
    """Topics and documents at one moment of rest."""

    records: Sequence[Logged]
    documents: Mapping[str, Mapping[str, Kept]]
    letters: Mapping[str, int]
    behind: Mapping[str, int]
    forged: frozenset[tuple[str, int, int]] = field(default=frozenset())

    def own(self) -> dict[Place, list[Logged]]:
        """Return the records of our producers by place, those that a test forged left out."""
        found: dict[Place, list[Logged]] = defaultdict(list)
        for record in self.records:
            if (record.topic, record.partition, record.offset) not in self.forged:
                assert record.place is not None, f"unreadable: {record.topic} {record.offset}"
                found[record.place].append(record)
        return found

    @property
    def repeats(self) -> int:
        """How many records are there beyond the first of each event."""
        return sum(len(copies) - 1 for copies in self.own().values())

    def check(self) -> None:
        """Assert the invariants that need this look."""
        own = self.own()
        for place, copies in own.items():
            assert len({copy.told for copy in copies}) == 1, f"two events in one place: {place}"
            assert len({copy.partition for copy in copies}) == 1, f"over partitions: {place}"
        ids = Counter(copies[0].told.id for copies in own.values())
        assert max(ids.values(), default=1) == 1, "one id in two places"
        self._check_documents(own)
        self._check_views(own)
        assert not any(self.behind.values()), f"not read to the end: {dict(self.behind)}"

    def _check_documents(self, own: Mapping[Place, Sequence[Logged]]) -> None:
        """Every stored event is in the log and nothing else is: no event without its change."""
        stored = {
            Place(case, STREAM_OF[service], seq): told
            for service, documents in self.documents.items()
            for case, kept in documents.items()
            for seq, told in kept.events.items()
        }
        lost = [place for place in stored if place not in own]
        assert not lost, f"{len(lost)} events are in no topic: {lost[:3]}"
        alone = [place for place in own if place not in stored]
        assert not alone, f"{len(alone)} events without their change: {alone[:3]}"
        other = [place for place, told in stored.items() if own[place][0].told != told]
        assert not other, f"told otherwise than stored: {other[:3]}"
        for service, documents in self.documents.items():
            for case, kept in documents.items():
                seqs = sorted(kept.events)
                assert seqs == list(range(1, len(seqs) + 1)), f"{service} {case}: a gap in seq"
                assert kept.published == len(seqs), f"{service} {case}: {kept.published} marked"

    def _check_views(self, own: Mapping[Place, Sequence[Logged]]) -> None:
        """Every consumer has done every event of its streams, in order and without a gap."""
        last: dict[tuple[str, str], int] = defaultdict(int)
        for place in own:
            last[place.case, place.stream] = max(last[place.case, place.stream], place.seq)
        assert sum(last.values()) == len(own), "a gap in what the topics hold"
        for service in SERVICES:
            wanted = streams_for(service)
            for (case, stream), seq in last.items():
                if stream not in wanted:
                    continue
                kept = self.documents[service].get(case)
                assert kept is not None, f"{service} has nothing of {case}"
                assert kept.nexts.get(stream, 1) == seq + 1, (
                    f"{service} {case} {stream}: at {kept.nexts.get(stream, 1)} of {seq}"
                )
                assert not kept.waiting.get(stream), f"{service} {case} {stream}: events wait"


async def audit(
    brokers: str, mongo: str, cluster: Cluster, forged: frozenset[tuple[str, int, int]]
) -> Audit:
    """Read everything. mongo: the root user's address. forged: records that a test has put there."""
    async with asyncio.timeout(READ_SECONDS):
        records = await read_topics(brokers, [topic.name for topic in TOPICS])
        behind = await _behind(brokers)
        documents, letters = await asyncio.to_thread(_documents, mongo, cluster)
    return Audit(records, documents, letters, behind, forged)


async def read_topics(brokers: str, names: Sequence[str]) -> list[Logged]:
    """Return every record of the topics."""
    reader = AIOKafkaConsumer(bootstrap_servers=brokers, enable_auto_commit=False)
    await reader.start()
    try:
        places = [TopicPartition(name, n) for name in names for n in range(partitions_of(name))]
        reader.assign(places)
        ends = await reader.end_offsets(places)
        starts = await reader.beginning_offsets(places)
        for place in places:
            reader.seek(place, starts[place])
        left = {place for place in places if ends[place] > starts[place]}
        found: list[Logged] = []
        while left:
            for place, some in (await reader.getmany(timeout_ms=500)).items():
                found += [_logged(place, one) for one in some]
                if some[-1].offset >= ends[place] - 1:
                    left.discard(place)
        return found
    finally:
        await reader.stop()


def _logged(place: TopicPartition, one: Any) -> Logged:
    headers = tuple((name, value or b"") for name, value in one.headers)
    said = dict(headers)
    told = Told(said.get("ce_id", b"").decode("latin-1"), place.topic, one.value, headers)
    where = None
    with contextlib.suppress(KeyError, ValueError):  # a test's own: nobody can say where it belongs
        where = Place(said["ce_subject"].decode(), said["ce_stream"].decode(), int(said["ce_seq"]))
    return Logged(place.topic, place.partition, one.offset, one.key, told, where)


async def _behind(brokers: str) -> dict[str, int]:
    """Return how many records each group has not committed."""
    admin = AIOKafkaAdminClient(bootstrap_servers=brokers)
    reader = AIOKafkaConsumer(bootstrap_servers=brokers, enable_auto_commit=False)
    await admin.start()
    try:
        await reader.start()
        found = {}
        for service in SERVICES:
            names = [topic.name for topic in topics_of(*streams_for(service))]
            places = [TopicPartition(name, n) for name in names for n in range(partitions_of(name))]
            done = await admin.list_consumer_group_offsets(group_of(service))
            ends = await reader.end_offsets(places)
            starts = await reader.beginning_offsets(places)
            found[service] = sum(
                ends[place] - max(starts[place], done[place].offset if place in done else 0)
                for place in places
            )
        return found
    finally:
        await reader.stop()
        await admin.close()


def _documents(mongo: str, cluster: Cluster) -> tuple[dict[str, dict[str, Kept]], dict[str, int]]:
    documents: dict[str, dict[str, Kept]] = {}
    letters: dict[str, int] = {}
    client: MongoClient[dict[str, Any]] = MongoClient(mongo, timeoutMS=60_000)
    with client:
        for service in SERVICES:
            bootstrap = import_module(f"{module_of(service)}.bootstrap")
            database = client[cluster.database(service)]
            letters[service] = database["dead_letters"].count_documents({})
            documents[service] = {
                one["_id"]: _kept(one) for one in database[bootstrap.COLLECTIONS[0].name].find()
            }
    return documents, letters


def _kept(one: Mapping[str, Any]) -> Kept:
    inbox = unpack_inbox(one["inbox"], one["waiting"])
    events = {}
    for event in one["events"]:
        headers = unpack_headers(event["headers"])
        id = dict(headers)["ce_id"].decode()
        events[event["seq"]] = Told(id, event["topic"], event["value"], headers)
    return Kept(
        {name: stream.next for name, stream in inbox.items()},
        {name: sorted(stream.waiting) for name, stream in inbox.items()},
        events,
        one["published_seq"],
    )
