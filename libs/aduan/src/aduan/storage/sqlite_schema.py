"""The tables of one collection, and the SQL that reads it by a declared index."""

from dataclasses import dataclass

from aduan.storage.port import FIND_LIMIT, Collection


def schema(collection: Collection) -> str:
    """Return the statements that make the collection's tables and indexes where they are missing.

    Indexes are partial: a document with None in a column, and a placeholder, take no room in them.
    """
    name = collection.name
    columns = "".join(f", c_{column}" for column in collection.column_names)
    statements = [
        f"CREATE TABLE IF NOT EXISTS {name} (id TEXT PRIMARY KEY, tenant TEXT NOT NULL,"
        " partition INTEGER NOT NULL, version INTEGER NOT NULL, body BLOB, keys BLOB NOT NULL,"
        " inbox BLOB NOT NULL, waiting BLOB, waiting_count INTEGER NOT NULL, waiting_since REAL,"
        " event_seq INTEGER NOT NULL, published_seq INTEGER NOT NULL, pending_since REAL"
        f"{columns}) WITHOUT ROWID;",
        f"CREATE TABLE IF NOT EXISTS {name}_keys (key TEXT PRIMARY KEY, id TEXT NOT NULL)"
        " WITHOUT ROWID;",
        f"CREATE TABLE IF NOT EXISTS {name}_events (id TEXT NOT NULL, seq INTEGER NOT NULL,"
        " topic TEXT NOT NULL, headers BLOB NOT NULL, value BLOB NOT NULL,"
        " PRIMARY KEY (id, seq)) WITHOUT ROWID;",
        f"CREATE INDEX IF NOT EXISTS {name}__pending ON {name} (pending_since, id)"
        " WHERE event_seq > published_seq;",
        f"CREATE INDEX IF NOT EXISTS {name}__waiting ON {name} (waiting_since, id)"
        " WHERE waiting_since IS NOT NULL;",
    ]
    for index in collection.indexes:
        listed = ", ".join(column_sql(column) for column in index.columns)
        filled = " AND ".join(f"{column_sql(column)} IS NOT NULL" for column in index.columns)
        statements.append(
            f"CREATE INDEX IF NOT EXISTS {name}_by_{index.name} ON {name} ({listed}, id)"
            f" WHERE body IS NOT NULL AND {filled};"
        )
    return "\n".join(statements)


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
    columns = [column_sql(column) for column in collection.index(index).columns]
    if len(equal) > len(columns) or (len(equal) == len(columns) and (low, high) != (None, None)):
        raise ValueError(f"{collection.name}.{index} has fewer columns than values")
    terms = ["body IS NOT NULL", *(f"{column} IS NOT NULL" for column in columns)]
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


def check_limit(limit: int) -> None:
    """Raise ValueError unless 1 <= limit <= 500."""
    if not 1 <= limit <= FIND_LIMIT:
        raise ValueError(f"a limit is between 1 and {FIND_LIMIT}")
