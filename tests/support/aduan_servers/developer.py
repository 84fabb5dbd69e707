"""A broker and a database on fixed ports for a developer: in the foreground, or up until `down`.

Standard output carries shell lines only, so `eval "$(aduan dev-servers up)"` sets the two addresses.
Data stays in one folder of this user until `down`.
"""

import argparse
import fcntl
import json
import os
import secrets
import shlex
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from aduan_servers import ports
from aduan_servers.kafka import Kafka
from aduan_servers.mongo import Mongo
from aduan_servers.problems import NotHere, ServerFailed
from aduan_servers.process import STOP_SECONDS

KAFKA_PORT: Final = 19_092
MONGODB_PORT: Final = 27_117
DATABASE: Final = "aduan"


@dataclass(frozen=True)
class Place:
    """Where the developer's servers are."""

    folder: Path
    kafka_port: int = KAFKA_PORT
    mongodb_port: int = MONGODB_PORT

    @property
    def state(self) -> Path:
        """The file that says which processes run."""
        return self.folder / "running.json"

    def servers(self, *, bound: bool) -> tuple[Kafka, Mongo]:
        """Return both, not started. bound: they end with this process."""
        secret = self.folder / "password"
        if not secret.exists():
            secret.touch(mode=0o600)
            secret.write_text(secrets.token_urlsafe(12), "ascii")
        numbers = (self.kafka_port, self.kafka_port + 1)
        return (
            Kafka(self.folder / "kafka", numbers=numbers, bound=bound),
            Mongo(
                self.folder / "mongod",
                port=self.mongodb_port,
                password=secret.read_text("ascii"),
                bound=bound,
            ),
        )


def up(place: Place) -> None:
    """Start both so that they stay, unless they run; print their addresses."""
    with _alone(place):
        kafka, mongo = place.servers(bound=False)
        if len(_running(place)) < 2:
            _end_running(place)
            _start(place, kafka, mongo)
            pids = {name: _born(server.pid) for name, server in _each(kafka, mongo)}
            place.state.write_text(json.dumps(pids), "utf-8")
    _print_addresses(kafka, mongo)
    _say(f"data and logs: {place.folder}, until `aduan dev-servers down`")


def down(place: Place) -> None:
    """Stop both and remove their data."""
    if not place.folder.exists():
        _say("nothing runs here")
        return
    with _alone(place):
        ended = _end_running(place)
        shutil.rmtree(place.folder, ignore_errors=True)
    _say(f"stopped: {', '.join(ended) or 'nothing ran'}; the data is removed")


def foreground(place: Place) -> None:
    """Run both until Ctrl-C; their data stays until `down`."""
    # SIGTERM ends like Ctrl-C
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with _alone(place):
        if _running(place):
            raise NotHere("they run already in the background: `aduan dev-servers down` first")
        kafka, mongo = place.servers(bound=True)
        try:
            _start(place, kafka, mongo)
            _print_addresses(kafka, mongo)
            _say(f"data and logs: {place.folder}; Ctrl-C stops the servers")
            while kafka.alive and mongo.alive:
                time.sleep(0.5)
            dead = kafka.nodes[0] if not kafka.alive else mongo
            raise ServerFailed(f"{dead.name} ended: {dead.last_words()}")
        except KeyboardInterrupt:
            _say("stopping")
        finally:
            # a second Ctrl-C is impatience, not another wish: stopping takes a second
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            kafka.stop()
            mongo.stop()


def _start(place: Place, kafka: Kafka, mongo: Mongo) -> None:
    numbers = (place.kafka_port, place.kafka_port + 1, place.mongodb_port)
    taken = [str(port) for port in numbers if not ports.is_free(port)]
    if taken:
        raise NotHere(f"somebody else listens on port {', '.join(taken)}")
    try:
        mongo.start()
        kafka.start()
        for server in (kafka, mongo):
            _say(str(server.facts()))
    except BaseException:
        kafka.stop()
        mongo.stop()
        raise


def _each(kafka: Kafka, mongo: Mongo) -> tuple[tuple[str, Kafka | Mongo], ...]:
    return (("kafka", kafka), ("mongod", mongo))


def _print_addresses(kafka: Kafka, mongo: Mongo) -> None:
    store = mongo.url.replace("/?", f"/{DATABASE}?")
    print(f"export ADUAN_BUS={shlex.quote(f'kafka://{kafka.address}')}")
    print(f"export ADUAN_STORE={shlex.quote(store)}", flush=True)
    _say(f"each service wants a database of its own in the place of /{DATABASE}")


def _say(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")


def _born(pid: int) -> tuple[int, str] | None:
    """Return (pid, start time) of a living process: together they are never given again."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in {"Z", "X"} else (pid, fields[19])


def _running(place: Place) -> dict[str, int]:
    """Return the servers that an earlier `up` started and that still live."""
    if not place.state.exists():
        return {}
    noted: dict[str, Any] = json.loads(place.state.read_text("utf-8"))
    return {
        name: int(who[0])
        for name, who in noted.items()
        if who is not None and _born(int(who[0])) == (int(who[0]), str(who[1]))
    }


def _end_running(place: Place) -> list[str]:
    """SIGTERM what an earlier `up` started, kill -9 what will not end; return their names."""
    running = _running(place)
    for pid in running.values():
        os.kill(pid, signal.SIGTERM)
    end = time.monotonic() + STOP_SECONDS
    while _running(place) and time.monotonic() < end:
        time.sleep(0.05)
    for pid in _running(place).values():
        os.kill(pid, signal.SIGKILL)
    place.state.unlink(missing_ok=True)
    return sorted(running)


@contextmanager
def _alone(place: Place) -> Iterator[None]:
    """Let one process at a time work on the folder, which nobody else may own."""
    place.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if place.folder.stat().st_uid != os.getuid():
        raise NotHere(f"{place.folder} belongs to somebody else")
    lock = os.open(place.folder / "lock", os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise NotHere("another process runs or starts these servers now") from None
    finally:
        os.close(lock)


def default_folder() -> Path:
    """Return this user's folder; not the checkout's: the ports are the machine's too."""
    return Path(tempfile.gettempdir()) / f"aduan-dev-servers-{os.getuid()}"


def main(arguments: list[str] | None = None) -> int:
    """Run one verb; 1 with a sentence when it cannot be."""
    verbs = {"up": up, "down": down, "foreground": foreground}
    parser = argparse.ArgumentParser(prog="dev-servers", description=__doc__)
    parser.add_argument("verb", choices=sorted(verbs))
    parser.add_argument("--folder", type=Path, default=default_folder())
    parser.add_argument("--kafka-port", type=int, default=KAFKA_PORT)
    parser.add_argument("--mongodb-port", type=int, default=MONGODB_PORT)
    chosen = parser.parse_args(arguments)
    try:
        verbs[chosen.verb](Place(chosen.folder, chosen.kafka_port, chosen.mongodb_port))
    except (NotHere, ServerFailed) as problem:
        _say(f"dev-servers: {problem}")
        return 1
    return 0
