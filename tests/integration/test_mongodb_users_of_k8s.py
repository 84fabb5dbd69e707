"""The database users of deploy/k8s on a real server: made and addressed as the operator does it."""

import asyncio
import re
import secrets
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from aduan_manifests import named, rendered
from aduan_servers.mongo import Mongo, connected

from aduan.clock import SystemClock
from aduan.engine import open_store
from aduan.errors import Busy
from aduan.messaging.dead_letters import DEAD_LETTERS
from aduan_standalone.cli.instance import SERVICES
from aduan_standalone.cli.main import main
from aduan_standalone.cli.migrating import database_of
from aduan_standalone.services import BOOTSTRAPS

DEPLOYER: Final = "aduan-deployer"


def address_of(server: Mongo, user: dict[str, Any], password: str) -> str:
    """Return a user's address as the operator writes it: his own database, and no authSource."""
    hosts = urlsplit(server.url).netloc.rpartition("@")[2]
    named_set = re.search(r"replicaSet=(\w+)", server.url)
    assert named_set is not None
    return (
        f"mongodb://{user['name']}:{password}@{hosts}/{user['db']}"
        f"?replicaSet={named_set[1]}&ssl=false"
    )


async def pending(address: str, service: str) -> int:
    """Open a service's store, as it does at its start, and count what it has to tell."""
    collections = (*BOOTSTRAPS[service].COLLECTIONS, DEAD_LETTERS)
    async with open_store(address, collections, SystemClock()) as store:
        return await store.pending_count(collections[0])


def test_the_deployer_migrates_and_each_service_opens_its_own_database_alone(
    own_mongo: Callable[[], Mongo],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Roles that are one too few show in a cluster as a job that never ends."""
    server = own_mongo()
    addresses: dict[str, str] = {}
    with connected(server.url) as client:
        for user in named(rendered("local"), "MongoDBCommunity", "aduan-mongodb")["spec"]["users"]:
            password = secrets.token_hex(8)
            roles = [{"role": one["name"], "db": one["db"]} for one in user["roles"]]
            client[user["db"]].command("createUser", user["name"], pwd=password, roles=roles)
            addresses[user["name"]] = address_of(server, user, password)

    monkeypatch.setenv("ADUAN_STORE", addresses[DEPLOYER])
    for expected in ("made the collection", "no change"):
        with pytest.raises(SystemExit) as end:
            main(["migrate"])
        said = capsys.readouterr().out
        assert not end.value.code, said
        assert len(SERVICES) == len([line for line in said.splitlines() if expected in line])

    for service in SERVICES:
        other = database_of("sla" if service != "sla" else "intake")
        own = addresses[f"aduan-{service}"]
        database = database_of(service)
        foreign = own.replace(f"/{database}?", f"/{other}?authSource={database}&")

        assert 0 == asyncio.run(pending(own, service))
        with pytest.raises(Busy):
            asyncio.run(pending(foreign, service))
