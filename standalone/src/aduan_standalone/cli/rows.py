"""Reading what is to be fed: CSV with a header or JSON lines, plain or gzip, a file or stdin."""

import csv
import gzip
import io
import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, Final, TextIO, cast

from aduan_standalone.cli.refusal import Refusal

Row = dict[str, Any]
_GZIP: Final = b"\x1f\x8b"
_FIELD_LIMIT: Final = 1_000_000  # characters in one CSV field; csv's own limit is 131,072


@contextmanager
def opened(source: str) -> Iterator[Iterator[Row]]:
    """Give the rows of a file, `-` for standard input; only the current one is held in memory.

    JSON lines when the first character is `{`, else CSV; blank lines are passed over. Raises
    Refusal for what cannot be read, also later, from the iterator, with the line's number.
    """
    name = "standard input" if source == "-" else source
    try:
        with _binary(source) as raw, _text(raw) as text:
            yield _guarded(_rows(text, name), name)
    except OSError as error:
        raise Refusal(f"{name} cannot be read ({error.strerror or 'not a gzip file'}).") from None


def count(source: str) -> int | None:
    """Return how many rows a file has, None for standard input. Raises Refusal as `opened` does."""
    if source == "-":
        return None
    with opened(source) as rows:
        return sum(1 for _ in rows)


@contextmanager
def _binary(source: str) -> Iterator[io.BufferedReader]:
    if source == "-":
        yield io.BufferedReader(_Unclosed(sys.stdin.buffer))
        return
    with Path(source).open("rb") as file:
        yield file


class _Unclosed(io.RawIOBase):
    """Standard input for a reader that closes what it was given."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = cast("io.BufferedIOBase", stream)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read1(len(buffer))  # what is there; does not wait for more
        buffer[: len(data)] = data
        return len(data)


@contextmanager
def _text(raw: io.BufferedReader) -> Iterator[TextIO]:
    zipped = raw.peek(2)[:2] == _GZIP
    stream = io.BufferedReader(gzip.GzipFile(fileobj=raw)) if zipped else raw
    # utf-8-sig: spreadsheets put a byte order mark before the first column's name
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
    try:
        yield text
    finally:
        text.detach()


def _guarded(rows: Iterator[Row], name: str) -> Iterator[Row]:
    try:
        yield from rows
    except UnicodeDecodeError:
        raise Refusal(f"{name} cannot be read: it is not UTF-8 text.") from None
    except (EOFError, gzip.BadGzipFile, csv.Error) as error:
        raise Refusal(f"{name} cannot be read: {error}.") from None


def _rows(text: TextIO, name: str) -> Iterator[Row]:
    first = ""
    number = 0
    for line in text:
        number += 1
        if line.strip():
            first = line
            break
    if not first:
        return
    if first.lstrip().startswith("{"):
        yield from _json_lines(first, text, number, name)
    else:
        yield from _csv(first, text, name)


def _json_lines(first: str, rest: Iterable[str], number: int, name: str) -> Iterator[Row]:
    yield _object(first, number, name)
    for line in rest:
        number += 1
        if line.strip():
            yield _object(line, number, name)


def _object(line: str, number: int, name: str) -> Row:
    try:
        found = json.loads(line)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Refusal(f"{name} cannot be read: line {number} is not a JSON object.")
    return found


def _csv(first: str, rest: TextIO, name: str) -> Iterator[Row]:
    csv.field_size_limit(_FIELD_LIMIT)
    delimiter = max(",;\t", key=first.count)

    reader = csv.DictReader(chain((first,), rest), delimiter=delimiter, strict=True)
    for number, row in enumerate(reader, start=2):
        if None in row or None in row.values():
            raise Refusal(
                f"{name} cannot be read: row {number} does not have as many columns as the header."
            )
        yield dict(row)
