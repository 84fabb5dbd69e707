"""The data folder of one instance: its lock, its keys, and the anchor of its clock."""

import base64
import fcntl
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Final

from aduan.clock import SystemClock, iso, parse_iso
from aduan.web.keys import SCOPES, KeyRecord, make_key, record_of
from aduan_standalone.cli.instance import TOKEN_FILE
from aduan_standalone.cli.refusal import Refusal

KEY_BYTES: Final = 32
# Each key, and the service whose file holds what it opens or signs.
KEY_FILES: Final[Mapping[str, str]] = {
    "vault.key": "intake",
    "routing.key": "routing",
    "sync.key": "sync-laporgub",
    "cookie.key": "routing",
}
_REPLACEABLE: Final = frozenset({"cookie.key"})  # a new one only ends the officers' sessions
_CLOCK: Final = "clock.json"
_ALL: Final = tuple(sorted(SCOPES))


@dataclass(frozen=True, slots=True)
class Keys:
    """The folder's secrets. vault, routing, sync and cookie: 32 bytes in base64."""

    vault: str
    routing: str
    sync: str
    cookie: str
    operator: str


def lock(folder: Path) -> IO[str]:
    """Take the folder for this process until the file is closed. Raises Refusal."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = (folder / "lock").open("a+")
    except OSError as error:
        raise Refusal(f"{folder} cannot be used: {error.strerror}.") from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise Refusal(f"{folder} is in use by another `aduan up`.") from None
    return file


def keys_in(folder: Path) -> Keys:
    """Return the folder's keys; missing ones are made (0600), and of the vault's it warns.

    Raises Refusal for a key that cannot be one, and for a missing one where there is a file that only
    the old one opens: a new key would seal that for ever, and nobody would notice at first.
    """
    try:
        vault, made = _key(folder / "vault.key")
        found = Keys(
            vault=vault,
            routing=_key(folder / "routing.key")[0],
            sync=_key(folder / "sync.key")[0],
            cookie=_key(folder / "cookie.key")[0],
            operator=_operator(folder / TOKEN_FILE),
        )
    except OSError as error:
        raise Refusal(f"{folder} cannot be used: {error.strerror}.") from None
    if made:
        sys.stderr.write(
            f"A new vault key was made: {folder / 'vault.key'}. Keep a copy in a safe place: without"
            " it nobody can reach the reporters again, and who has it can read who they are.\n"
        )
    return found


def operator_record(keys: Keys, tenant: str) -> KeyRecord:
    """Return the record of the operator's token: every scope, of one tenant."""
    return record_of(keys.operator, tenant=tenant, scopes=_ALL)  # type: ignore[arg-type]  # the closed set itself


def clock_in(folder: Path, start: datetime | None, speed: float) -> SystemClock:
    """Return the folder's clock. The anchor of a fast one is stored with the data.

    Raises Refusal for a normal start on a fast folder, or another speed than the stored one.
    """
    path = folder / _CLOCK
    if path.exists():
        stored = json.loads(path.read_text())
        if start is None and speed == 1.0:
            raise Refusal(
                f"{folder} was made with a fast clock (a demo); it cannot go on in real time."
            )
        if stored["speed"] != speed:
            raise Refusal(f"{folder} keeps a clock of speed {stored['speed']:g}.")
        return SystemClock(
            anchor_wall=parse_iso(stored["anchor_wall"]),
            anchor_domain=parse_iso(stored["anchor_domain"]),
            speed=stored["speed"],
        )
    if start is None and speed == 1.0:
        return SystemClock()
    if (folder / "intake.db").exists():
        raise Refusal(f"{folder} holds real time already; a fast clock needs a folder of its own.")
    wall = SystemClock().wall()
    anchored = SystemClock(anchor_wall=wall, anchor_domain=start or wall, speed=speed)
    content = {
        "speed": speed,
        "anchor_wall": iso(wall),
        "anchor_domain": iso(anchored.anchor_domain or wall),
    }
    path.write_text(json.dumps(content) + "\n")
    return anchored


def _key(path: Path) -> tuple[str, bool]:
    if path.exists():
        text = path.read_text().strip()
        if not _is_key(text):
            raise Refusal(f"{path} is no key of 32 bytes in base64: put its copy back.")
        return text, False
    sealed = path.with_name(f"{KEY_FILES[path.name]}.db")
    if sealed.exists() and path.name not in _REPLACEABLE:
        raise Refusal(
            f"{path} is missing, and {sealed.name} holds what only it opens: put its copy back."
        )
    text = base64.b64encode(os.urandom(32)).decode()
    _write_secret(path, text)
    return text, True


def _is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == KEY_BYTES
    except ValueError:
        return False


def _operator(path: Path) -> str:
    if path.exists() and (text := path.read_text().strip()):
        return text
    text, _ = make_key(tenant="any", scopes=_ALL)  # type: ignore[arg-type]  # the closed set itself
    _write_secret(path, text)
    return text


def _write_secret(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
