"""The tables of one collection, and the SQL that reads it by a declared index."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pydantic_core import from_json

from aduan.sqlite import Many
from aduan.storage.port import FIND_LIMIT, Collection, Index

# Raised when older code could no longer read what newer code writes; a column or an index that is
# added needs no new number.
STORE_VERSION: Final = 1


def schema(collection: Collection) -> str:
    """Return the statements that make the collection's tables and indexes where they are missing.

    Indexes are partial: a document with None in a column, and a placeholder, take no room in them.
    Documents and events are tables with rowid: without it a row over a quarter of a page overflows,
    and twice as many bytes are synced.
    """
    name = collection.name
    columns = "".join(f", c_{column}" for column in collection.column_names)
    statements = [
        f"CREATE TABLE IF NOT EXISTS {name} (id TEXT PRIMARY KEY, tenant TEXT NOT NULL,"
        " partition INTEGER NOT NULL, version INTEGER NOT NULL, body BLOB, keys BLOB NOT NULL,"
        " inbox BLOB NOT NULL, waiting BLOB, waiting_count INTEGER NOT NULL, waiting_since REAL,"
        " event_seq INTEGER NOT NULL, published_seq INTEGER NOT NULL, pending_since REAL"
        f"{columns});",
        f"CREATE TABLE IF NOT EXISTS {name}_keys (key TEXT PRIMARY KEY, id TEXT NOT NULL)"
        " WITHOUT ROWID;",
        f"CREATE TABLE IF NOT EXISTS {name}_events (id TEXT NOT NULL, seq INTEGER NOT NULL,"
        " topic TEXT NOT NULL, headers BLOB NOT NULL, value BLOB NOT NULL,"
        " PRIMARY KEY (id, seq));",
        f"CREATE INDEX IF NOT EXISTS {name}__pending ON {name} (pending_since, id)"
        " WHERE event_seq > published_seq;",
        f"CREATE INDEX IF NOT EXISTS {name}__waiting ON {name} (waiting_since, id)"
        " WHERE waiting_since IS NOT NULL;",
    ]
    for index in collection.indexes:
        listed = ", ".join(column_sql(column) for column in index.columns)
        filled = " AND ".join(_filled(index))
        statements.append(f"DROP INDEX IF EXISTS {name}_by_{index.name};")
        statements.append(
            f"CREATE INDEX IF NOT EXISTS {name}_on_{index.name} ON {name} ({listed}, id)"
            f" WHERE {filled};"
        )
    return "\n".join(statements)


class Writes:
    """The statements that write a collection, each over many rows (see aduan.sqlite.Many)."""

    def __init__(self, collection: Collection) -> None:
        name = collection.name
        self.column_names = collection.column_names
        extra = [column_sql(column) for column in self.column_names]
        fields = [
            "id", "tenant", "partition", "version", "body", "keys", "inbox", "waiting",
            "waiting_count", "waiting_since", "event_seq", "published_seq", "pending_since", *extra,
        ]  # fmt: skip
        self.insert = Many(f"INSERT INTO {name} ({', '.join(fields)})", len(fields))
        self.key = Many(f"INSERT INTO {name}_keys (key, id)", 2)
        self.event = Many(f"INSERT INTO {name}_events (id, seq, topic, headers, value)", 5)
        # Values of a row: id, version before, tenant, version, body, keys, inbox, waiting,
        # waiting_count, waiting_since, event_seq, number of events, now, columns.
        more = "".join(f", {column} = v.column{at}" for at, column in enumerate(extra, start=14))
        head = (
            f"UPDATE {name} SET tenant = v.column3, version = v.column4, body = v.column5,"
            " keys = v.column6, inbox = v.column7, waiting = v.column8, waiting_count = v.column9,"
            " waiting_since = CASE WHEN v.column10 IS NULL THEN NULL"
            " ELSE COALESCE(waiting_since, v.column10) END,"
            " event_seq = v.column11, pending_since = CASE WHEN v.column12 = 0 THEN pending_since"
            f" WHEN event_seq > published_seq THEN pending_since ELSE v.column13 END{more} FROM ("
        )
        fits = f") AS v WHERE {name}.id = v.column1 AND {name}.version = v.column2"
        width = 13 + len(extra)
        self.update = Many(head, width, f"{fits} AND {name}.keys = v.column6")
        self.update_alone = Many(head, width, fits)
        self.mark = Many(
            f"UPDATE {name} SET published_seq = v.column3 FROM (",
            3,
            f") AS v WHERE {name}.id = v.column1 AND published_seq >= v.column2"
            " AND published_seq < v.column3",
        )


def fill(connection: sqlite3.Connection, collection: Collection, added: Sequence[str]) -> None:
    """Write columns that the table has just got, as the bodies of an older release give them.

    added: as the table names them. Reads every document once, as making the new index does.
    """
    name = collection.name
    names = {column_sql(column): column for column in collection.column_names}
    setting = ", ".join(f"{one} = ?" for one in added)
    last = ""
    while rows := connection.execute(
        f"SELECT id, body FROM {name} WHERE id > ? AND body IS NOT NULL ORDER BY id LIMIT ?",
        (last, FIND_LIMIT),
    ).fetchall():
        found = ((id, collection.columns(from_json(body))) for id, body in rows)
        connection.executemany(
            f"UPDATE {name} SET {setting} WHERE id = ?",
            [(*(columns.get(names[one]) for one in added), id) for id, columns in found],
        )
        last = rows[-1][0]


def column_sql(column: str) -> str:
    """Return how a column of the port is named in the table."""
    return column if column in ("tenant", "partition") else f"c_{column}"


@dataclass(frozen=True, slots=True)
class Query:
    """The parts of a SELECT over one declared index."""

    where: str
    parameters: tuple[str | int, ...]
    order: tuple[str, ...]


def query(
    collection: Collection,
    index: str,
    *,
    equal: tuple[str | int, ...],
    low: str | int | None,
    high: str | int | None,
    after: tuple[str | int, ...] | None = None,
    descending: bool = False,
) -> Query:
    """Build the condition. Raises UndeclaredIndex, and ValueError for more values than columns."""
    declared = collection.index(index)
    columns = [column_sql(column) for column in declared.columns]
    if len(equal) > len(columns) or (len(equal) == len(columns) and (low, high) != (None, None)):
        raise ValueError(f"{collection.name}.{index} has fewer columns than values")
    terms = _filled(declared)
    terms += [f"{column} = ?" for column in columns[: len(equal)]]
    parameters: list[str | int] = list(equal)
    for bound, sign in ((low, ">="), (high, "<")):
        if bound is not None:
            terms.append(f"{columns[len(equal)]} {sign} ?")
            parameters.append(bound)
    order = (*columns[len(equal) :], "id")
    if after is not None:
        if len(after) != len(order):
            raise ValueError("the cursor is of another query")
        sign = "<" if descending else ">"
        terms.append(f"({', '.join(order)}) {sign} ({', '.join('?' for _ in order)})")
        parameters.extend(after)
    return Query(" AND ".join(terms), tuple(parameters), order)


def due_query(collection: Collection, index: str) -> str:
    """Return what asks which of the partitions in a JSON list have something below a bound.

    Raises UndeclaredIndex, and ValueError for an index that does not begin with the partition.
    """
    declared = collection.index(index)
    if declared.columns[0] != "partition" or len(declared.columns) < 2:
        raise ValueError(f"{collection.name}.{index} does not begin with the partition")
    bound = f"{column_sql(declared.columns[1])} < ?"
    terms = " AND ".join([*_filled(declared), "partition = mine.value", bound])
    return (
        "SELECT mine.value FROM json_each(?) AS mine"
        f" WHERE EXISTS (SELECT 1 FROM {collection.name} WHERE {terms})"
    )


def _filled(index: Index) -> list[str]:
    """Return what holds of every document in an index.

    Where no body is, the columns are empty too; asking for the body as well would fetch every row
    that is counted.
    """
    own = [column for column in index.columns if column not in ("tenant", "partition")]
    return [f"{column_sql(column)} IS NOT NULL" for column in own] or ["body IS NOT NULL"]


def check_limit(limit: int) -> None:
    """Raise ValueError unless 1 <= limit <= 500."""
    if not 1 <= limit <= FIND_LIMIT:
        raise ValueError(f"a limit is between 1 and {FIND_LIMIT}")
