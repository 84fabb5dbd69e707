"""The data folder of an instance: secrets, modes, schemas, room. Nothing in it is written."""

import base64
import binascii
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from aduan.clock import Clock
from aduan.messaging.sqlite import LOG_VERSION
from aduan.storage.sqlite_schema import STORE_VERSION
from aduan.web.key_records import split
from aduan_standalone.cli.instance import SERVICES, TOKEN_FILE
from aduan_standalone.doctor.clocks import UNSEEN_SECONDS
from aduan_standalone.doctor.disk import GIB, judged
from aduan_standalone.doctor.findings import Finding, not_checked, ok
from aduan_standalone.folder import KEY_BYTES, KEY_FILES

OLDEST_ENGINE: Final = (3, 35, 0)
LARGE_LOG: Final = 20 * GIB
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_LOG: Final = "log.db"
_FIGURES: Final = "statistics.db"


def folder(data: Path) -> list[Finding]:
    """Who may enter, and what is there at all."""
    mode = stat.S_IMODE(data.stat().st_mode)
    if mode & _OTHERS:
        words = f"others than its owner may enter it (mode {mode:o})"
        found = [Finding("files", "warning", words, str(data), f"`chmod 700 {data}`")]
    else:
        found = [ok("files", "only its owner may enter it", str(data))]
    missing = [name for name in (_LOG, *map(_file, SERVICES)) if not (data / name).is_file()]
    if missing and len(missing) <= len(SERVICES):
        found.append(
            Finding(
                "files", "error", f"{', '.join(missing)} missing beside the others: a folder belongs"
                " together, and the services count on each other's events", str(data),
                "`aduan stop --data` it, and put the whole folder back from one copy",
            )
        )  # fmt: skip
    return found


def _file(service: str) -> str:
    return f"{service}.db"


def secrets(data: Path) -> list[Finding]:
    """Each key: there, ours alone, and of the right form. Their contents stay here."""
    found: list[Finding] = []
    for name, service in KEY_FILES.items():
        path = data / name
        wrong = [*_mode(path), *_key(path)]
        if not path.exists() and (data / _file(service)).exists():
            words = f"this key is missing, and {_file(service)} holds what it opens"
            remedy = f"put the copy of {name} back; `aduan up` refuses to make another one"
            wrong = [Finding("keys", "error", words, str(path), remedy)]
        found += wrong or ([ok("keys", "32 bytes, readable by its owner alone", str(path))])
    token = data / TOKEN_FILE
    wrong = [*_mode(token)]
    if token.exists() and not wrong and split(token.read_text("utf-8").strip()) is None:
        remedy = f"`rm {token}`, and the next `aduan up` makes another one"
        wrong = [Finding("keys", "error", "no key of the form aduan_ID_SECRET", str(token), remedy)]
    return [*found, *(wrong or [ok("keys", "readable by its owner alone", str(token))])]


def _mode(path: Path) -> Iterator[Finding]:
    if not path.exists():
        return
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & _OTHERS:
        words = f"others than its owner may read or write it (mode {mode:o})"
        yield Finding("files", "error", words, str(path), f"`chmod 600 {path}`")


def _key(path: Path) -> Iterator[Finding]:
    try:
        right = len(base64.b64decode(path.read_text("utf-8").strip(), validate=True)) == KEY_BYTES
    except FileNotFoundError:
        return
    except (binascii.Error, ValueError):
        right = False
    if not right:
        remedy = f"put the copy of {path.name} back"
        yield Finding("keys", "error", "this is no key of 32 bytes in base64", str(path), remedy)


def schemas(data: Path) -> list[Finding]:
    """Each file: it opens, and this release knows its tables."""
    found: list[Finding] = []
    documents = (*map(_file, SERVICES), _FIGURES)
    for name, known in ((_LOG, LOG_VERSION), *((one, STORE_VERSION) for one in documents)):
        path = data / name
        if not path.is_file():
            continue
        try:
            with closing(look_into(path)) as connection:
                version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        except sqlite3.Error as error:
            words = f"it cannot be read ({error})"
            remedy = "`aduan stop --data` the folder, and put the whole folder back from one copy"
            found.append(_unreadable(words, path, remedy))
            continue
        found.append(_schema(version, known, path))
    return found


def _unreadable(words: str, path: Path, remedy: str) -> Finding:
    if path.name == _FIGURES:
        again = (
            "the next `aduan up` sets it aside and counts anew from the log; `aduan re-emit` brings"
            " back what the log no longer has"
        )
        return Finding("schema", "warning", words, str(path), again)
    return Finding("schema", "error", words, str(path), remedy)


def _schema(version: int, known: int, path: Path) -> Finding:
    if version > known:
        words = f"schema {version}, written by a newer release; this one knows {known}"
        remedy = "run that release again, or put back the copy from before it"
        return _unreadable(words, path, remedy)
    if version < known:
        words = f"schema {version}, of an older release"
        remedy = "copy the folder, then `aduan up`, which brings it up"
        return Finding("schema", "warning", words, str(path), remedy)
    return ok("schema", f"schema {version}", str(path))


def look_into(path: Path) -> sqlite3.Connection:
    """Open a file without writing a byte, also beside a process that uses it.

    Its log and index are used as they are where they exist; else nobody has it open, and none are made.
    """
    used = path.with_name(f"{path.name}-wal").exists()
    how = "mode=ro&readonly_shm=1" if used else "mode=ro&immutable=1"
    return sqlite3.connect(f"{path.resolve().as_uri()}?{how}", uri=True, timeout=1.0)


def room(data: Path) -> list[Finding]:
    """What is left on the disk, and how large the log is."""
    size = sum(one.stat().st_size for one in data.iterdir() if one.is_file())
    found = [judged(shutil.disk_usage(data).free, str(data), size=size)]
    log = data / _LOG
    if log.is_file() and log.stat().st_size > LARGE_LOG:
        words = (
            f"the log has {log.stat().st_size / GIB:.0f} GiB: a service may have stopped reading"
        )
        remedy = "`aduan status` (lag, dead letters); what everybody read goes after 30 days"
        found.append(Finding("disk", "warning", words, str(log), remedy))
    return found


def clock(data: Path, now: Clock) -> list[Finding]:
    """Whether this machine's clock went back behind what is written already."""
    path = data / _LOG
    if not path.is_file():
        return [not_checked("clock", "nothing is written yet", str(path))]
    with closing(look_into(path)) as connection:
        last = connection.execute("SELECT at FROM log ORDER BY number DESC LIMIT 1").fetchone()
    if last is None:
        return [not_checked("clock", "nothing is written yet", str(path))]
    ahead = datetime.fromtimestamp(last[0], UTC) - now.wall()
    if ahead > timedelta(seconds=UNSEEN_SECONDS):
        words = (
            f"the newest event was written {ahead.total_seconds():.0f} s in the future: this machine's"
            " clock was set back"
        )
        remedy = "let the machine keep time by NTP (`timedatectl status` says whether it does)"
        return [Finding("clock", "error", words, str(path), remedy)]
    return [ok("clock", "the newest event is not in the future", str(path))]


def engine() -> list[Finding]:
    """The version of SQLite that Python brought along."""
    version = sqlite3.sqlite_version
    if sqlite3.sqlite_version_info < OLDEST_ENGINE:
        wanted = ".".join(map(str, OLDEST_ENGINE))
        words = f"SQLite {version} is too old"
        return [
            Finding("versions", "error", words, "Python's sqlite3", f"SQLite {wanted} or newer")
        ]
    return [ok("versions", f"SQLite {version}", "Python's sqlite3")]
