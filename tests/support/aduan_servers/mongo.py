"""mongod as a replica set of one, which lets nobody in without a password."""

import base64
import contextlib
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from aduan_servers import fetching, ports
from aduan_servers.facts import Facts
from aduan_servers.process import Server

Client = MongoClient[dict[str, Any]]

ROOT_USER: Final = "root"
SET_NAME: Final = "rs0"
QUESTION_MS: Final = 2_000
AUTHENTICATION_FAILED: Final = 18


class Mongo(Server):
    """One mongod: started with its replica set initiated and its root user made."""

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None = None,
        password: str | None = None,
        bound: bool = True,
    ) -> None:
        """Start nothing yet. port: else a free one; password: the root user's, else a random one."""
        super().__init__("mongod", folder, bound=bound)
        self.port = port or ports.reserve(1)[0]
        self._password = password or secrets.token_urlsafe(12)

    @property
    def address(self) -> str:
        """host:port."""
        return f"{ports.HOST}:{self.port}"

    @property
    def data(self) -> Path:
        """The folder of the database files."""
        return self.folder / "data"

    @property
    def url(self) -> str:
        """The root user's address."""
        bare = f"mongodb://{self.address}/?replicaSet={SET_NAME}"
        return as_user(bare, ROOT_USER, self._password)

    def _command(self) -> Sequence[str]:
        self.data.mkdir(parents=True, exist_ok=True)
        key = self.folder / "key"
        if not key.exists():
            key.touch(mode=0o600)
            key.write_text(base64.b64encode(secrets.token_bytes(96)).decode(), "ascii")
        return [
            str(fetching.mongod()), "--dbpath", str(self.data), "--port", str(self.port),
            "--bind_ip", ports.HOST, "--replSet", SET_NAME, "--wiredTigerCacheSizeGB", "0.25",
            "--nounixsocket", "--logpath", str(self.log), "--logappend",
            "--auth", "--keyFile", str(key),
        ]  # fmt: skip

    def _answers(self) -> bool:
        if not ports.answers(self.port):
            return False
        direct = as_user(
            f"mongodb://{self.address}/?directConnection=true", ROOT_USER, self._password
        )
        try:
            with connected(direct) as client:
                return bool(client.admin.command("hello")["isWritablePrimary"])
        except OperationFailure as error:
            if error.code == AUTHENTICATION_FAILED:
                self._found()
            return False
        except PyMongoError:
            return False

    def _found(self) -> None:
        """Found the replica set and its first user, as far as an earlier try did not come."""
        with (
            contextlib.suppress(PyMongoError),  # the next question tells whether it worked
            connected(f"mongodb://{self.address}/?directConnection=true") as client,
        ):
            config = {"_id": SET_NAME, "members": [{"_id": 0, "host": self.address}]}
            with contextlib.suppress(OperationFailure):
                client.admin.command("replSetInitiate", config)
            # nobody but a caller from this machine may make the first user, and nobody a second
            client.admin.command(
                "createUser", ROOT_USER, pwd=self._password, roles=["root"],
                writeConcern={"w": "majority"},
            )  # fmt: skip

    def facts(self) -> Facts:
        """Return what the server says about itself."""
        return ask(self.url, "own server")


def as_user(url: str, user: str, password: str, database: str = "") -> str:
    """Return the same server's address for another user, who is kept in the database `admin`."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    query = urlencode({**dict(parse_qsl(parts.query)), "authSource": "admin"})
    who = f"{quote(user, safe='')}:{quote(password, safe='')}"
    return urlunsplit((parts.scheme, f"{who}@{host}", f"/{database}", query, ""))


def user_for(root_url: str, database: str) -> str:
    """Make a user who may read and write one database only; return his address."""
    name, password = f"{database}-{secrets.token_hex(4)}", secrets.token_urlsafe(12)
    with connected(root_url) as client:
        client.admin.command(
            "createUser", name, pwd=password, roles=[{"role": "readWrite", "db": database}]
        )
    return as_user(root_url, name, password, database)


def ask(url: str, origin: str) -> Facts:
    """Ask a server who it is."""
    with connected(url) as client:
        status = client.admin.command("serverStatus")
        return Facts(
            kind="MongoDB",
            version=str(client.admin.command("buildInfo")["version"]),
            identity=f"replica set {client.admin.command('hello').get('setName', 'none')}",
            pids=(int(status["pid"]),),
            origin=origin,
        )


@contextlib.contextmanager
def connected(url: str) -> Iterator[Client]:
    """Connect for a few questions, each with a short deadline."""
    client: Client = MongoClient(
        url,
        serverSelectionTimeoutMS=QUESTION_MS,
        connectTimeoutMS=QUESTION_MS,
        timeoutMS=QUESTION_MS,
    )
    with client:
        yield client
