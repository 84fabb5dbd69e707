"""One-shot of docker-compose.yml: founds MongoDB's replica set and makes each service's database user.

Runs in the tools image before `aduan migrate`. It may run again: a set that is there stays, and users
get the passwords that the environment says. On Kubernetes the database's operator does this.

    MONGO_MEMBER                the one member as others reach it, host:port
    MONGO_ROOT_PASSWORD         of `root`, whom the server made at its first start
    MONGO_PASSWORD_OF_SERVICE   of each service, who may read and write aduan_<service> alone
"""

import os
import sys
import time
from collections.abc import Mapping
from typing import Any, Final

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

SET_NAME: Final = "rs0"
PASSWORD_OF: Final = "MONGO_PASSWORD_OF_"  # noqa: S105 - the beginning of a variable's name
READY_SECONDS: Final = 60.0
ALREADY_INITIALIZED: Final = 23
USER_EXISTS: Final = 51003

Client = MongoClient[dict[str, Any]]


class NotDone(Exception):
    """The database could not be prepared; the text says why, and holds no password."""


def services(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the passwords by service name. Raises NotDone for an empty one, or none at all."""
    found = {
        name.removeprefix(PASSWORD_OF).lower().replace("_", "-"): value
        for name, value in environment.items()
        if name.startswith(PASSWORD_OF)
    }
    empty = sorted(name for name, value in found.items() if not value)
    if empty or not found:
        raise NotDone(f"no password for {', '.join(empty) or 'any service'}")
    return found


def found_set(client: Client, member: str, *, within: float = READY_SECONDS) -> bool:
    """Make the one member a primary and return whether the set is new. Raises NotDone."""
    end = time.monotonic() + within
    config = {"_id": SET_NAME, "members": [{"_id": 0, "host": member}]}
    new, said = False, "no answer"
    while time.monotonic() < end:
        try:
            if client.admin.command("hello").get("isWritablePrimary"):
                return new
            client.admin.command("replSetInitiate", config)
            new = True
        except OperationFailure as error:
            # Initiated a moment ago, or on an earlier day: it only has to elect itself.
            if error.code != ALREADY_INITIALIZED:
                said = f"code {error.code}"
        except PyMongoError as error:
            said = type(error).__name__
        time.sleep(0.2)
    raise NotDone(f"no primary within {within:.0f} s ({said})")


def make_user(client: Client, service: str, password: str) -> None:
    """Make the service's user, or give it the password and the one right it should have."""
    database = f"aduan_{service.replace('-', '_')}"
    roles = [{"role": "readWrite", "db": database}]
    try:
        client.admin.command("createUser", service, pwd=password, roles=roles)
    except OperationFailure as error:
        if error.code != USER_EXISTS:
            raise
        client.admin.command("updateUser", service, pwd=password, roles=roles)


def prepare(environment: Mapping[str, str]) -> str:
    """Do it all; return what was done, in words. Raises NotDone, PyMongoError, KeyError."""
    member, passwords = environment["MONGO_MEMBER"], services(environment)
    client: Client = MongoClient(
        f"mongodb://{member}/",
        username="root",
        password=environment["MONGO_ROOT_PASSWORD"],
        directConnection=True,
        timeoutMS=10_000,
        serverSelectionTimeoutMS=2_000,
    )
    with client:
        new = found_set(client, member)
        for service, password in passwords.items():
            make_user(client, service, password)
    return (
        f"replica set {SET_NAME} {'founded' if new else 'is there'}; users {', '.join(passwords)}"
    )


def main() -> int:
    """Return the exit code: 1 with one sentence where it could not be done."""
    try:
        sys.stdout.write(f"{prepare(os.environ)}\n")
    except KeyError as error:
        sys.stderr.write(f"replica-set: {error.args[0]} is missing\n")
        return 1
    except NotDone as error:
        sys.stderr.write(f"replica-set: {error}\n")
        return 1
    except PyMongoError as error:
        # its own words may hold the address
        code = error.code if isinstance(error, OperationFailure) else ""
        sys.stderr.write(f"replica-set: the database refuses: {type(error).__name__} {code}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
