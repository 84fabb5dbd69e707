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
from pymongo.errors import OperationFailure

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


def made_users(server: Mongo) -> dict[str, str]:
    """Make the users of the manifests with exactly their roles; return their addresses by name."""
    addresses: dict[str, str] = {}
    with connected(server.url) as client:
        for user in named(rendered("local"), "MongoDBCommunity", "aduan-mongodb")["spec"]["users"]:
            password = secrets.token_hex(8)
            roles = [{"role": one["name"], "db": one["db"]} for one in user["roles"]]
            client[user["db"]].command("createUser", user["name"], pwd=password, roles=roles)
            addresses[user["name"]] = address_of(server, user, password)
    return addresses


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
    addresses = made_users(own_mongo())
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


def test_the_backups_user_reads_everything_and_the_log_of_operations_and_writes_nothing(
    own_mongo: Callable[[], Mongo],
) -> None:
    """What `mongodump --oplog` asks for; services' users have none of it."""
    server = own_mongo()
    addresses = made_users(server)
    with connected(server.url) as client:
        for service in SERVICES:
            client[database_of(service)]["cases"].insert_one({"_id": service})

    with connected(addresses["aduan-backup"]) as client:
        assert {database_of(service) for service in SERVICES} <= set(client.list_database_names())
        for service in SERVICES:
            database = client[database_of(service)]
            assert ["cases"] == database.list_collection_names()
            assert [{"_id": service}] == database["cases"].find().to_list()
            assert {"_id_"} == database["cases"].index_information().keys()
            with pytest.raises(OperationFailure, match="not authorized"):
                database["cases"].insert_one({})
        assert 0 < client["local"]["oplog.rs"].count_documents({"op": "i"})

    for service in SERVICES:
        own = addresses[f"aduan-{service}"]
        with connected(own) as client, pytest.raises(OperationFailure, match="not authorized"):
            client["local"]["oplog.rs"].find_one({})


def replayed(client: Any, operation: dict[str, Any]) -> None:
    """Do again one line of the log of operations, as `mongorestore --oplogReplay` has it done."""
    client["admin"].command("applyOps", [operation])


def test_the_restores_user_replaces_everything_and_replays_what_was_written_meanwhile(
    own_mongo: Callable[[], Mongo],
) -> None:
    """Collections, indexes, documents, and each kind of line of the log; services' users may not."""
    server = own_mongo()
    addresses = made_users(server)
    with connected(addresses["aduan-restore"]) as client:
        for service in SERVICES:
            name = database_of(service)
            database = client[name]
            database["cases"].insert_one({"_id": "old"})
            database["cases"].drop()
            database.create_collection("cases")
            database["cases"].create_index("keys", unique=True)
            database["cases"].insert_many([{"_id": 1, "keys": ["a"]}, {"_id": 2, "keys": ["b"]}])
            where = f"{name}.cases"
            change = {"$v": 2, "diff": {"u": {"keys": ["c"]}}}
            replayed(client, {"op": "i", "ns": where, "o": {"_id": 3, "keys": ["d"]}})
            replayed(client, {"op": "u", "ns": where, "o2": {"_id": 1}, "o": change})
            replayed(client, {"op": "d", "ns": where, "o": {"_id": 2}})
            replayed(client, {"op": "c", "ns": f"{name}.$cmd", "o": {"create": "more"}})

            assert [(1, ["c"]), (3, ["d"])] == [
                (each["_id"], each["keys"]) for each in database["cases"].find().sort("_id")
            ]
            assert {"cases", "more"} == set(database.list_collection_names())

    for service in SERVICES:
        other = database_of("sla" if service != "sla" else "intake")
        line = {"op": "d", "ns": f"{other}.cases", "o": {"_id": 1}}
        with connected(addresses[f"aduan-{service}"]) as client:
            with pytest.raises(OperationFailure, match="not authorized"):
                replayed(client, line)
            with pytest.raises(OperationFailure, match="not authorized"):
                client[other]["cases"].drop()
