"""`aduan opd` on a real broker with its authorizer on: each unit reads its own topic, and nothing else."""

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from aduan_harness import eventually
from aduan_kafka_rights import User
from aduan_routing_world import CaseEvents, Routing, routing_in
from aduan_routing_world import photo as a_photo
from aduan_server_fixtures import Maker
from aduan_servers.kafka import ADMIN, Kafka
from aduan_serving import serving
from aduan_unit_topics import answered, connect, teller_of
from aiokafka import AIOKafkaConsumer
from pydantic import SecretStr

from aduan.contracts.topics import TOPICS
from aduan_routing.adapters.unit_logs import LogPerUnit
from aduan_standalone.broker.wanted import SERVICES
from aduan_standalone.cli.main import main

UNITS = ("DPU", "DISHUB", "33.74.01")
ROUTING = "aduan-routing"
EXAMPLE = Path(__file__).parents[2] / "examples" / "opd-consumer" / "src"
LOGGED = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \[")


@dataclass(frozen=True)
class Said:
    """What one run of the command line printed, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The document it printed."""
        found: dict[str, Any] = json.loads(self.out)
        return found


class Site:
    """A broker, routing on it, and the command line of whoever runs both."""

    def __init__(
        self, broker: Kafka, routing: Routing, url: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Routing answers at `url`."""
        self.broker = broker
        self.routing = routing
        self.url = url
        self._capsys = capsys

    async def aduan(self, *arguments: str, http: bool = True) -> Said:
        """Run `aduan ...` beside the server that it calls."""
        where = ("--to", self.url) if http else ()
        self._capsys.readouterr()
        code = await asyncio.to_thread(_run, [*arguments, *where])
        told = self._capsys.readouterr()
        # routing runs in this process too, and its log goes to the same place
        lines = [line for line in told.out.splitlines(keepends=True) if not LOGGED.match(line)]
        return Said(code, "".join(lines), told.err)

    async def opd(self, *arguments: str) -> Said:
        """Run `aduan opd ...`."""
        return await self.aduan("opd", *arguments)


def _run(arguments: list[str]) -> int:
    try:
        main(arguments)
    except SystemExit as end:
        return int(end.code or 0)
    raise AssertionError("main ends the process")


@pytest.fixture
def deployer(monkeypatch: pytest.MonkeyPatch) -> Callable[[Kafka, Routing], None]:
    """Give the command line its environment."""

    def be(broker: Kafka, routing: Routing) -> None:
        monkeypatch.setenv("ADUAN_TOKEN", routing.keys["admin"])
        monkeypatch.setenv("ADUAN_BUS", f"kafka://{broker.address}")
        if broker.doors.asks_for_passwords:
            monkeypatch.setenv("ADUAN_KAFKA_USERNAME", ADMIN)
            monkeypatch.setenv("ADUAN_KAFKA_PASSWORD", broker.doors.passwords[ADMIN])

    return be


@pytest.fixture
async def site(
    tmp_path: Path,
    own_kafka: Maker,
    deployer: Callable[[Kafka, Routing], None],
    capsys: pytest.CaptureFixture[str],
) -> AsyncIterator[Site]:
    """A broker that denies by default, with the services' topics and rights."""
    broker = own_kafka(protocol="SASL_PLAINTEXT", users=[ROUTING])
    who = {
        "kafka_username": ROUTING,
        "kafka_password": SecretStr(broker.doors.passwords[ROUTING]),
    }
    async with (
        routing_in(tmp_path, units_bus=f"kafka://{broker.address}", kafka=who) as routing,
        serving(routing.service.app) as url,
    ):
        deployer(broker, routing)
        opened = Site(broker, routing, url, capsys)
        applied = await opened.aduan("topics", "apply", "--require-acls", http=False)
        assert applied.code == 0, applied.err
        yield opened


async def read_all(broker: Kafka, name: str, password: str, code: str, count: int) -> list[str]:
    """Read a unit's topic as its own system does: in its group, from the beginning."""
    consumer = AIOKafkaConsumer(
        f"opd.33.74.{code}.cases",
        **broker.client() | {"sasl_plain_username": name, "sasl_plain_password": password},
        group_id=f"opd.33.74.{code}",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    await consumer.start()
    try:
        found: list[str] = []
        async with asyncio.timeout(30):
            while len(found) < count:
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    found += [one.key.decode() for one in records]
        await consumer.commit()
        return found
    finally:
        await consumer.stop()


async def test_three_units_read_their_own_and_nothing_else(site: Site) -> None:
    """As the broker itself decides: no other unit's topic or group, no shared topic, no writing."""
    passwords = {}
    for code in UNITS:
        made = await site.opd("connect", code, "--json")
        assert made.code == 0, made.err
        passwords[code] = made.json["password"]
    cases = [CaseEvents(code, number) for number, code in enumerate(UNITS, start=1)]
    for case, code in zip(cases, UNITS, strict=True):
        await site.routing.hears(case.created())
        if code != "DPU":
            await site.routing.done(case, "assign", "coordinator", {"opd": code})
    await teller_of(site.routing).round()
    shared = [topic.name for topic in TOPICS]
    dead = [f"aduan.{service}.dlq" for service in SERVICES]
    theirs = [f"opd.33.74.{code}.cases" for code in UNITS]
    groups = [f"opd.33.74.{code}" for code in UNITS] + [f"aduan.{name}" for name in SERVICES]
    admin = User(site.broker, ADMIN)
    for name in shared + dead:
        assert await asyncio.to_thread(admin.may_write, name)  # so there is something to read

    for case, code in zip(cases, UNITS, strict=True):
        name = f"opd-33.74-{code}"
        user = User(site.broker, name, passwords[code])
        own = f"opd.33.74.{code}.cases"
        found = await read_all(site.broker, name, passwords[code], code, 1)

        assert case.id in found
        assert [own] == [
            name for name in shared + dead + theirs if await asyncio.to_thread(user.may_read, name)
        ]
        assert [] == [
            name for name in shared + dead + theirs if await asyncio.to_thread(user.may_write, name)
        ]
        assert [f"opd.33.74.{code}"] == [
            group
            for group in groups
            if await asyncio.to_thread(user.may_keep_an_offset, group, own)
        ]


@pytest.mark.by_hand
async def test_a_connection_is_made_once_shown_and_ended(site: Site) -> None:
    """The password once; a second call has nothing to do; the end takes user and rights away."""
    broker = site.broker
    first = await site.opd("connect", "DPU", "--tenant", "33.74")
    second = await site.opd("connect", "DPU")
    renewed = await site.opd("connect", "DPU", "--new-password", "--json")
    listed = await site.opd("list", "--json")
    old = next(line for line in first.out.splitlines() if line.startswith("password")).split()[1]

    assert (0, 0, 0, 0) == (first.code, second.code, renewed.code, listed.code)
    assert "no change" in second.out
    assert "password" not in second.out
    assert old != renewed.json["password"]
    assert ["user opd-33.74-DPU"] == renewed.json["done"]
    assert ["DPU"] == [one["code"] for one in listed.json["items"]]
    assert "opd" not in (await site.aduan("topics", "plan", http=False)).out
    case = CaseEvents("one")
    await site.routing.hears(case.created())
    await teller_of(site.routing).round()
    assert [case.id] == await read_all(
        broker, "opd-33.74-DPU", renewed.json["password"], "DPU", 1
    )  # fmt: skip
    with pytest.raises(AssertionError):
        await asyncio.to_thread(User(broker, "opd-33.74-DPU", old).may_write, "sla.warned")

    ended = await site.opd("disconnect", "DPU")
    again = await site.opd("disconnect", "DPU")
    after = await site.opd("list")
    plan = await site.aduan("topics", "plan", "--json", http=False)

    assert (0, 0) == (ended.code, again.code)
    assert "user opd-33.74-DPU" in ended.out
    assert "no change" in again.out
    assert "No unit is connected." in after.out
    assert ([], []) == (plan.json["changes"], plan.json["foreign_access"])
    assert not await asyncio.to_thread(
        User(broker, ROUTING).may_write, "opd.33.74.DPU.cases"
    )  # fmt: skip


@pytest.mark.by_hand
async def test_a_unit_without_topic_or_rights_holds_no_other_unit(site: Site) -> None:
    """Connected at routing alone, nothing made on the broker: the others hear at once."""
    assert (await site.opd("connect", "DPU")).code == 0
    password = (await site.opd("connect", "DPU", "--new-password", "--json")).json["password"]
    await connect(site.routing, "DISHUB")
    stuck, fine = CaseEvents("stuck", 1), CaseEvents("fine", 2)
    await site.routing.hears(stuck.created())
    await site.routing.done(stuck, "assign", "coordinator", {"opd": "DISHUB"})
    await site.routing.hears(fine.created())
    await answered(site.routing, fine)
    rounds = asyncio.create_task(teller_of(site.routing).round())
    async with asyncio.timeout(15):
        found = await read_all(site.broker, "opd-33.74-DPU", password, "DPU", 6)
    await rounds
    owed = (await site.routing.body(stuck))["units"]["DISHUB"]
    log = teller_of(site.routing)._log
    assert isinstance(log, LogPerUnit)
    rebuilt = {topic: getattr(bus, "rebuilt_producers", 0) for topic, bus in log._buses.items()}

    assert 0 == rebuilt["opd.33.74.DPU.cases"], "an error of one unit ends its own producer only"
    assert 4 == found.count(fine.id)
    assert ([[2, "own"]], 1) == (owed["owed"], owed["tries"])

    made = await site.opd("connect", "DISHUB", "--json")
    site.routing.later(minutes=1)
    await teller_of(site.routing).round()

    assert [stuck.id] == await read_all(
        site.broker, "opd-33.74-DISHUB", made.json["password"], "DISHUB", 1
    )


@pytest.mark.by_hand
async def test_a_cluster_that_checks_nothing_gets_no_unit(
    tmp_path: Path,
    own_kafka: Maker,
    deployer: Callable[[Kafka, Routing], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """There the unit would read every case of everybody. Nothing is made, nothing is told."""
    broker = own_kafka()
    async with (
        routing_in(tmp_path, units_bus=f"kafka://{broker.address}") as routing,
        serving(routing.service.app) as url,
    ):
        deployer(broker, routing)
        open_site = Site(broker, routing, url, capsys)
        refused = await open_site.opd("connect", "DPU")
        unknown = await open_site.opd("connect", "NOBODY")
        other = await open_site.opd("connect", "DPU", "--tenant", "33.75")
        listed = await open_site.opd("list", "--json")

    assert (2, 2, 2) == (refused.code, unknown.code, other.code)
    assert "check no access lists" in refused.err
    assert "not in the directory" in unknown.err
    assert "belongs to tenant 33.74" in other.err
    assert {"tenant": "33.74", "items": []} == listed.json


class Bridge:
    """The example as a unit would run it: its own process, its own environment, none of our code."""

    def __init__(self, environment: Mapping[str, str], folder: Path) -> None:
        """Start nothing yet."""
        self._environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(EXAMPLE), **environment}
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None

    async def command(self, *arguments: str) -> tuple[int, str]:
        """Run one command; its exit code and what it printed."""
        process = await self._start(*arguments)
        out, err = await process.communicate()
        assert process.returncode is not None
        return process.returncode, (out + err).decode()

    async def start(self) -> None:
        """Run it."""
        self._process = await self._start("run")

    async def kill(self) -> None:
        """Kill -9."""
        assert self._process is not None
        assert self._process.returncode is None, await self._process.communicate()
        self._process.kill()
        await self._process.communicate()

    async def orders(self) -> list[tuple[str, str, str]]:
        """List (number, state, case)."""
        code, out = await self.command("orders")
        assert code == 0, out
        rows = [line.split() for line in out.splitlines()]
        return [(number, state, case) for number, state, case in rows]

    async def _start(self, *arguments: str) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "opd_consumer", *arguments,
            env=self._environment, cwd=self._folder, stdout=pipe, stderr=pipe,
        )  # fmt: skip


@pytest.mark.by_hand
async def test_an_outsiders_bridge_turns_cases_into_orders_and_orders_into_answers(
    site: Site, tmp_path: Path
) -> None:
    """Snapshot, topic, kill -9, the whole topic again, an answer with its number, a case that left."""
    old, fresh, moved = (CaseEvents(name, n) for n, name in enumerate(("old", "fresh", "moved")))
    await site.routing.hears(old.created())
    made = (await site.opd("connect", "DPU", "--json")).json
    minted = await site.routing.call("POST", "/v1/offices/DPU/keys", "admin", json={})
    environment = {
        "OPD_KAFKA": site.broker.address,
        "OPD_KAFKA_USER": made["user"],
        "OPD_KAFKA_PASSWORD": made["password"],
        "OPD_ADUAN_URL": site.url,
        "OPD_ADUAN_KEY": minted.json()["key"],
        "OPD_TENANT": "33.74",
        "OPD_CODE": "DPU",
        "OPD_BOOK": str(tmp_path / "book.db"),
    }
    bridge = Bridge(environment, tmp_path)
    teller_of(site.routing)
    filling = asyncio.create_task(cast("Any", site.routing.service.workers["units"])())
    try:
        await bridge.start()

        async def has(*wanted: tuple[str, str, str]) -> None:
            async def reached() -> bool:
                return await bridge.orders() == list(wanted)

            await eventually(reached, within=40, every=0.5)

        first = ("WO-00001", "started", old.id)
        await has(first)
        await site.routing.hears(fresh.created())
        second = ("WO-00002", "started", fresh.id)
        await has(first, second)
        assert (await site.routing.body(fresh))["state"] == "in_progress"

        await bridge.kill()
        rewound = await asyncio.to_thread(
            User(site.broker, ADMIN).may_keep_an_offset, made["group"], made["topic"], 0
        )
        await site.routing.hears(moved.created())
        photo = tmp_path / "sesudah.png"
        photo.write_bytes(a_photo())
        finished = await bridge.command(
            "finish", "WO-00001", "Sudah ditambal.", "--photo", str(photo)
        )
        await bridge.start()
        third = ("WO-00003", "started", moved.id)
        await has(("WO-00001", "answered", old.id), second, third)
        assert (rewound, finished) == (True, (0, ""))
        answer = (await site.routing.body(old))["entries"][-1]

        await site.routing.done(moved, "assign", "coordinator", {"opd": "DISHUB"})
        await has(("WO-00001", "answered", old.id), second, ("WO-00003", "void", moved.id))
        await bridge.kill()
    finally:
        filling.cancel()
        await asyncio.gather(filling, return_exceptions=True)
    shown = (await site.routing.call("GET", f"/v1/cases/{old.id}", "DPU")).json()

    assert ("answer", {"kind": "office", "opd": "DPU"}) == (answer["action"], answer["actor"])
    assert 1 == [entry["action"] for entry in shown["entries"]].count("answer")
    assert (
        "Sudah ditambal. (Perintah kerja WO-00001)" == shown["entries"][-1]["words"]["answer"]
    )  # fmt: skip
    assert 1 == len(shown["entries"][-1]["evidence"])
    assert (2, "opd-consumer: OPD_KAFKA is not set\n") == await Bridge({}, tmp_path).command("run")
