"""Which servers a test run talks to: named ones, else our own, else containers, else none.

ADUAN_TEST_KAFKA     host:port,... of an open broker
ADUAN_TEST_MONGODB   mongodb://... of a user who may make users
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aduan_servers import containers, fetching, mongo, wire
from aduan_servers.facts import Facts
from aduan_servers.kafka import Kafka, describe
from aduan_servers.mongo import Mongo
from aduan_servers.problems import NotHere, ServerFailed

KAFKA: Final = "ADUAN_TEST_KAFKA"
MONGODB: Final = "ADUAN_TEST_MONGODB"


@dataclass(frozen=True)
class KafkaEndpoint:
    """A broker to test against. `server` is there when it is ours alone to kill and restart."""

    address: str
    facts: Facts
    end: Callable[[], None]
    server: Kafka | None = None


@dataclass(frozen=True)
class MongoEndpoint:
    """A database server to test against. `server` is there when it is ours to kill and restart."""

    url: str
    facts: Facts
    end: Callable[[], None]
    server: Mongo | None = None

    def user_for(self, database: str) -> str:
        """Make a user who may read and write one database only; return his address."""
        return mongo.user_for(self.url, database)


def kafka(folder: Path) -> KafkaEndpoint:
    """Return a broker, started in the folder if it is our own; NotHere with the reasons."""
    named = os.environ.get(KAFKA)
    if named:
        return KafkaEndpoint(named, _kafka_facts(named, f"named by {KAFKA}"), _leave_alone)
    try:
        fetching.java()
        fetching.jars()
    except NotHere as reason:
        try:
            address, end = containers.kafka()
        except NotHere as other:
            raise NotHere(f"no Kafka: {reason}; {other}") from None
        return KafkaEndpoint(address, _kafka_facts(address, "container"), end)
    own = Kafka(folder)
    own.start()
    return KafkaEndpoint(own.address, own.facts(), own.stop, own)


def mongodb(folder: Path) -> MongoEndpoint:
    """Return a database server, started in the folder if it is our own; NotHere with the reasons."""
    named = os.environ.get(MONGODB)
    if named:
        return MongoEndpoint(named, mongo.ask(named, f"named by {MONGODB}"), _leave_alone)
    try:
        fetching.mongod()
    except NotHere as reason:
        try:
            url, end = containers.mongodb()
        except NotHere as other:
            raise NotHere(f"no MongoDB: {reason}; {other}") from None
        return MongoEndpoint(url, mongo.ask(url, "container"), end)
    own = Mongo(folder)
    own.start()
    return MongoEndpoint(own.url, own.facts(), own.stop, own)


def _leave_alone() -> None:
    """A named server is somebody else's to stop."""


def _kafka_facts(address: str, origin: str) -> Facts:
    described = describe({"bootstrap_servers": address})
    if described is None:
        raise ServerFailed(f"the Kafka {origin} does not answer at {address}")
    return Facts(
        kind="Kafka",
        version=wire.release(address),
        identity=f"cluster {described.cluster_id}",
        pids=(),
        origin=origin,
    )
