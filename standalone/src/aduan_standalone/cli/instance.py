"""Which instance a command talks to: by its data folder, or by its address and a token.

`up` announces itself with `announce`: `instance.json` and `operator.token` (0600) in the data
folder, and a 0600 file for its port in the user's runtime folder. The rest reads them back.
"""

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from aduan_standalone.cli.refusal import Refusal

SERVICES: Final = ("intake", "routing", "sla", "sync-laporgub", "notify")
DESCRIPTION: Final = "instance.json"
TOKEN_FILE: Final = "operator.token"  # noqa: S105 - a file name
DEFAULT: Final = "*"


@dataclass(frozen=True, slots=True)
class Instance:
    """Where the services answer, and the operator's token.

    urls: service name -> base address without a slash at the end; `*` stands for all others.
    """

    urls: Mapping[str, str]
    token: str

    def url_of(self, service: str) -> str:
        """Return the base address of a service. Raises Refusal when none was given for it."""
        found = self.urls.get(service) or self.urls.get(DEFAULT)
        if found is None:
            raise Refusal(f"No address was given for {service}; add --to {service}=URL.")
        return found


@dataclass(frozen=True, slots=True)
class Running:
    """What an `up` has announced. python: the interpreter, to tell one checkout from another."""

    url: str
    pid: int
    data: str
    python: str

    @property
    def alive(self) -> bool:
        """Whether the process still exists."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True


def runtime_folder() -> Path:
    """Return the user's own folder for files of running programs (made on demand by `announce`)."""
    base = os.environ.get("XDG_RUNTIME_DIR")
    if base and Path(base).is_dir():
        return Path(base) / "aduan"
    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(state) / "aduan" / "run"


def announce(data: Path, *, url: str, token: str, pid: int) -> None:
    """Write what the other commands need to find this instance; secrets are readable by us alone.

    Raises OSError when the data folder cannot be written. A runtime folder that cannot be is
    reported on stderr: `--data` still works then.
    """
    running = {"url": url, "pid": pid, "data": str(data.resolve()), "python": sys.executable}
    _write(data / TOKEN_FILE, token + "\n")
    _write(data / DESCRIPTION, json.dumps(running, indent=1) + "\n")
    folder = runtime_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write(folder / f"{port_of(url)}.json", json.dumps({**running, "token": token}) + "\n")
    except OSError as error:
        sys.stderr.write(f"{folder} cannot be written ({error.strerror}); use --data.\n")


def withdraw(data: Path, *, url: str, pid: int) -> None:
    """Remove what `announce` wrote, unless another process has announced itself since."""
    for path in (data / DESCRIPTION, runtime_folder() / f"{port_of(url)}.json"):
        found = _read_running(path)
        if found is not None and found.pid == pid:
            path.unlink(missing_ok=True)


def announced() -> Iterator[tuple[Path, Running]]:
    """Yield the runtime files of this user, by port, and what they say."""
    folder = runtime_folder()
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else ():
        found = _read_running(path)
        if found is not None:
            yield path, found


def find(data: Path | None, to: Sequence[str] | None) -> Instance:
    """Return the instance that a command means.

    data: an instance's folder. to: one URL, or `service=URL` for each service. With neither, the
    only instance that runs for this user. Raises Refusal with one sentence.
    """
    if data is not None and to:
        raise Refusal("Give either --data or --to, not both.")
    if data is not None:
        return _by_folder(data)
    if to:
        return _by_address(to)
    running = [found for _, found in announced() if found.alive]
    if len(running) == 1:
        return _by_folder(Path(running[0].data))
    if running:
        places = ", ".join(found.data for found in running)
        raise Refusal(f"Several instances run ({places}); say which one with --data or --to.")
    raise Refusal("No instance of yours runs here; name one with --data DIR or --to URL.")


def running_in(data: Path) -> Running:
    """Return what `up` announced in a data folder. Raises Refusal when nothing did."""
    if not data.is_dir():
        raise Refusal(f"There is no folder {data}.")
    found = _read_running(data / DESCRIPTION)
    if found is None:
        raise Refusal(f"No instance has announced itself in {data}; is `aduan up` running there?")
    return found


def port_of(url: str) -> int:
    """Return the port of an address. Raises Refusal when it is no http address."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == -1:
        raise Refusal(f"{url} is not an http address.")
    return port or (443 if parts.scheme == "https" else 80)


def _by_folder(data: Path) -> Instance:
    running = running_in(data)
    try:
        token = (data / TOKEN_FILE).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise Refusal(f"{data / TOKEN_FILE} cannot be read ({error.strerror}).") from None
    return Instance({DEFAULT: running.url}, token)


def addresses(to: Sequence[str]) -> dict[str, str]:
    """Return what `--to` says: service, or `*` for all others -> address. Raises Refusal."""
    urls: dict[str, str] = {}
    for given in to:
        name, found, url = given.partition("=")
        if not found or "/" in name:
            name, url = DEFAULT, given
        elif name not in SERVICES:
            raise Refusal(f"{name} is not a service; they are {', '.join(SERVICES)}.")
        port_of(url)
        urls[name] = url.rstrip("/")
    return urls


def _by_address(to: Sequence[str]) -> Instance:
    urls = addresses(to)
    token = os.environ.get("ADUAN_TOKEN", "").strip() or _stored_token(next(iter(urls.values())))
    return Instance(urls, token)


def _stored_token(url: str) -> str:
    path = runtime_folder() / f"{port_of(url)}.json"
    try:
        token = json.loads(path.read_text(encoding="utf-8"))["token"]
    except (OSError, ValueError, KeyError, TypeError):
        raise Refusal(f"There is no token for {url}: set ADUAN_TOKEN.") from None
    return str(token)


def _read_running(path: Path) -> Running | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return Running(
            str(found["url"]), int(found["pid"]), str(found["data"]), str(found["python"])
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(path: Path, text: str) -> None:
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    fresh.replace(path)
