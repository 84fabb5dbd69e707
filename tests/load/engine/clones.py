"""Fills five databases with settled cases: copies of real ones, under new ids, tickets and keys.

A copy is the bytes of a document with every old name replaced by a new one of the same length, so
the shape, the size and the indexes are those of cases that really lived. The new id falls into the
partition of the old one; what else refers to a case (events, inboxes) is renamed by the same pass.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient
from pymongo.write_concern import WriteConcern

from aduan.messaging.partition import partition_of
from aduan_standalone.cli.instance import SERVICES

BATCH: Final = 500
# The collection that has one document a case; all others are taken over as they are.
CASES: Final = {name: "complaints" if name == "intake" else "cases" for name in SERVICES}


@dataclass(frozen=True, slots=True)
class Name:
    """A settled case: its id, its ticket, and intake's other unique keys of it."""

    id: str
    ticket: str
    keys: Sequence[str]

    def fresh(self, random_: random.Random, ticket: int) -> dict[bytes, bytes]:
        """Return old names and new ones of the same length, in the same partition."""
        wanted = partition_of(self.id)
        while True:
            id = f"{self.id[:24]}{random_.getrandbits(48):012x}"
            if partition_of(id) == wanted:
                break
        new = f"{self.ticket[:4]}{ticket:0{len(self.ticket) - 4}d}"
        found = {self.id: id, self.ticket: new}
        found |= {key: f"{key[:-12]}{random_.getrandbits(48):012x}" for key in self.keys}
        return {old.encode(): made.encode() for old, made in found.items()}


def fill(url: str, source: str, target: str, count: int) -> None:
    """Fill the databases `target`_* with `count` cases out of the settled ones in `source`_*."""
    with MongoClient[dict[str, Any]](url) as client:
        kinds = {name: name.replace("-", "_") for name in SERVICES}
        for name, kind in kinds.items():
            _take_over(client, f"{source}_{kind}", f"{target}_{kind}", CASES[name])
        names = _settled(client, source)
        renamed = _renamed(names, count)
        raw = {
            name: {
                document["_id"]: bytes(document.raw)
                for document in _raws(client, f"{source}_{kind}", CASES[name])
            }
            for name, kind in kinds.items()
        }
        batch: list[tuple[str, Mapping[bytes, bytes]]] = []
        for one in renamed:
            batch.append(one)
            if len(batch) == BATCH:
                _put(client, target, raw, batch)
                batch = []
        if batch:
            _put(client, target, raw, batch)


def _take_over(client: MongoClient[dict[str, Any]], source: str, target: str, cases: str) -> None:
    for name in client[source].list_collection_names():
        if name == cases or name.startswith(("system.", "bench")):
            continue
        rows = list(client[source][name].find())
        if rows:
            client[target][name].insert_many(rows)


def _settled(client: MongoClient[dict[str, Any]], source: str) -> list[Name]:
    closed = {
        row["_id"]
        for row in client[f"{source}_routing"]["cases"].find({"c.state": "closed"}, {"_id": 1})
    }
    return [
        Name(
            row["_id"],
            next(key[7:] for key in row["keys"] if key.startswith("ticket:")),
            [key for key in row["keys"] if not key.startswith(("ticket:", "id:"))],
        )
        for row in client[f"{source}_intake"]["complaints"].find({}, {"keys": 1})
        if row["_id"] in closed
    ]


def _renamed(names: Sequence[Name], count: int) -> Iterator[tuple[str, Mapping[bytes, bytes]]]:
    random_ = random.Random(count)
    for number in range(count):
        one = names[number % len(names)]
        yield one.id, one.fresh(random_, number)


def _raws(client: MongoClient[dict[str, Any]], database: str, name: str) -> Sequence[Any]:
    options = client.codec_options.with_options(document_class=RawBSONDocument)
    return list(client[database].get_collection(name, codec_options=options).find())


def _put(
    client: MongoClient[dict[str, Any]],
    target: str,
    raw: Mapping[str, Mapping[str, bytes]],
    batch: Sequence[tuple[str, Mapping[bytes, bytes]]],
) -> None:
    for name in SERVICES:
        made = []
        for id, names in batch:
            document = raw[name].get(id)
            if document is None:
                continue  # a service that keeps nothing of this case
            for old, new in names.items():
                document = document.replace(old, new)
            made.append(RawBSONDocument(document))
        if made:
            collection = client[f"{target}_{name.replace('-', '_')}"].get_collection(
                CASES[name], write_concern=WriteConcern(1)
            )
            collection.insert_many(made, ordered=False)
