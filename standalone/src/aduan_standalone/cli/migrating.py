"""`aduan migrate`: makes the collections and indexes that this release needs, once per release.

The deployer runs it, with rights that no service has: a service never makes an index.
"""

import asyncio
import os
from typing import Annotated, Final
from urllib.parse import urlsplit, urlunsplit

import typer

from aduan.errors import AduanError
from aduan.messaging.dead_letters import DEAD_LETTERS
from aduan.storage.port import Collection
from aduan_standalone.cli.instance import SERVICES
from aduan_standalone.cli.refusal import FAILED, Refusal

VARIABLE: Final = "ADUAN_STORE"


def migrate(
    *,
    prefix: Annotated[
        str, typer.Option("--prefix", help="Databases are named PREFIX_SERVICE.")
    ] = "aduan",
    service: Annotated[
        str | None, typer.Option("--service", help="Only this service.", show_default=False)
    ] = None,
    thorough: Annotated[
        bool,
        typer.Option(
            "--thorough", help="Look through all documents: after the last old process has ended."
        ),
    ] = False,
) -> None:
    """Make what the five databases lack. ADUAN_STORE names the server, with the deployer's user."""
    url = os.environ.get(VARIABLE, "")
    if not url.startswith(("mongodb://", "mongodb+srv://")):
        raise Refusal(f"{VARIABLE} must name the MongoDB, mongodb://USER:PASSWORD@HOST.")
    if service is not None and service not in SERVICES:
        raise Refusal(f"{service} is not a service; they are {', '.join(SERVICES)}.")
    # Slow to load, and no other command needs it.
    from aduan_standalone.services import BOOTSTRAPS

    for name in (service,) if service is not None else SERVICES:
        database = database_of(name, prefix)
        collections = (*BOOTSTRAPS[name].COLLECTIONS, DEAD_LETTERS)
        done = _one(with_database(url, database), collections, thorough=thorough)
        print(f"{database}: {'; '.join(done) or 'no change'}")


def database_of(service: str, prefix: str = "aduan") -> str:
    """Return the name of a service's database."""
    return f"{prefix}_{service.replace('-', '_')}"


def _one(url: str, collections: tuple[Collection, ...], *, thorough: bool) -> list[str]:
    # The driver is heavy, and the other commands do without it.
    from aduan.storage.mongo import migrate as make

    try:
        return asyncio.run(make(url, collections, thorough=thorough))
    except AduanError as error:
        raise Refusal(f"The database cannot be migrated: {error}.", code=FAILED) from error


def with_database(url: str, database: str) -> str:
    """Return the deployer's address of one database. url: of the server, or of any database there."""
    parts = urlsplit(url)
    query = parts.query
    if parts.username and "authSource=" not in query:
        # The deployer's user is kept where the address said, or in `admin` as usual.
        source = parts.path.strip("/") or "admin"
        query = f"{query}&authSource={source}" if query else f"authSource={source}"
    return urlunsplit((parts.scheme, parts.netloc, f"/{database}", query, ""))
