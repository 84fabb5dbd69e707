"""An instance that is killed again and again, and a checker that knows only HTTP and its ledger."""

import asyncio
import json
import os
import random
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol, Self

import httpx

from aduan.clock import parse_iso
from aduan_simulators.mailsink.reading import Mailbox, read
from aduan_simulators.orphans import die_with_parent
from aduan_standalone import partners
from aduan_standalone.folder import clock_in

SERVICES: Final = ("intake", "routing", "sla", "sync-laporgub", "notify")
FAST_START: Final = "2026-12-01T02:00:00Z"
FAST_SPEED: Final = 20_000.0
DIED: Final = 137
READY_SECONDS: Final = 180.0
STALLED_SECONDS: Final = 240.0
# A look counts all decisions, on the loop that does the work: it may take this share of the time.
LOOKING: Final = 0.1
TEXTS: Final = (
    "Jalan berlubang dalam di depan pasar, sudah banyak motor jatuh.",
    "Lampu jalan PJU padam satu gang sejak tiga malam, gelap sekali.",
    "Sampah menumpuk di TPS dan belum diangkut sejak hari Minggu.",
    "Parkir liar memenuhi trotoar di depan stasiun setiap sore.",
    "Air PDAM tidak mengalir sejak kemarin pagi di perumahan kami.",
    "Pohon besar di tepi jalan hampir tumbang, mohon dipangkas segera.",
)


class Target(Protocol):
    """What is loaded and checked: one process, or a cluster. Known by HTTP, and by its outside."""

    @property
    def outside(self) -> Path:
        """The folder of the simulated partners and of the mail sink."""
        ...

    def url_of(self, service: str) -> str:
        """Return where a service answers now."""
        ...

    def client(self, *, token: bool = True) -> httpx.AsyncClient:
        """Return a client of all services by path, with the operator's token or without."""
        ...


class Instance:
    """`aduan up` as a process of its own; started again on the same folder.

    The simulators run from the first start to `stop`, whatever dies in between: what they took
    from an instance that died, they have.
    """

    def __init__(self, folder: Path, *, fast: bool = True, simulators: bool = True) -> None:
        """Run nothing yet.

        fast: the domain clock flies, so that timers and deadlines fire; else it is the real one.
        simulators: partners and mail sink run too.
        """
        self.data = folder / "data"
        self.outside = folder / "data-outside"
        self._fast = fast
        self._simulators = simulators
        self._partners = AsyncExitStack()
        self._options = (
            *(("--partners", str(self.outside)) if simulators else ()),
            *(("--clock-start", FAST_START, "--clock-speed", str(FAST_SPEED)) if fast else ()),
        )
        self.log = folder / "up.log"
        self.url = ""
        self.token = ""
        self.deaths = 0
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, fail_at: str = "") -> bool:
        """Start; False when the process died before it was ready (a failpoint does that)."""
        await self._launch(fail_at)
        assert self._process is not None
        assert self._process.stdout is not None
        async with asyncio.timeout(READY_SECONDS):
            while line := await self._process.stdout.readline():
                if line.startswith(b"ready "):
                    self.url = line.decode().split()[1]
                    self.token = (self.data / "operator.token").read_text().strip()
                    return True
        code = await self._process.wait()
        if code != DIED:
            words = self.log.read_text(errors="replace")[-2_000:]
            raise AssertionError(f"the instance ended with {code}: {words}")
        self.deaths += 1
        return False

    async def _launch(self, fail_at: str = "") -> None:
        self.data.mkdir(parents=True, exist_ok=True)
        if self._simulators:
            await self._start_partners()
            self._simulators = False
        environment = {**os.environ, "ADUAN_FAIL_AT": fail_at}
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "aduan_standalone.cli.main", "up", "--data", str(self.data),
                "--port", "0", *self._options,
                stdout=asyncio.subprocess.PIPE, stderr=log, env=environment,
                preexec_fn=die_with_parent,
            )  # fmt: skip

    async def _start_partners(self) -> None:
        """Set the folder's clock as the first start would, and run the simulators by it."""
        start, speed = (parse_iso(FAST_START), FAST_SPEED) if self._fast else (None, 1.0)
        clock = clock_in(self.data, start, speed)
        await self._partners.enter_async_context(partners.running(self.outside, clock))

    async def start_until_ready(self) -> None:
        """Start without failpoints."""
        assert await self.start(), "it died without a failpoint"

    async def start_and_kill(self, after: float) -> None:
        """Start, and kill -9 at a moment when it may still be recovering from the last death."""
        await self._launch()
        await asyncio.sleep(after)
        await self.kill()

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process is not None and self._process.returncode is None

    async def kill(self) -> None:
        """Kill -9, now."""
        assert self._process is not None
        if self.alive:
            self._process.send_signal(signal.SIGKILL)
            await self._process.wait()
            self.deaths += 1

    async def died(self, within: float) -> bool:
        """Wait for a failpoint to end the process; whether it did."""
        assert self._process is not None
        try:
            async with asyncio.timeout(within):
                code = await self._process.wait()
        except TimeoutError:
            return False
        assert code == DIED, f"exit code {code}"
        self.deaths += 1
        return True

    async def stop(self) -> int:
        """SIGTERM, and wait; then the simulators end too."""
        assert self._process is not None
        if self.alive:
            self._process.terminate()
        async with self._partners, asyncio.timeout(30):
            return await self._process.wait()

    async def __aenter__(self) -> Self:
        """Run nothing yet."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Leave no process behind, also where an assertion failed."""
        async with self._partners:
            if self._process is not None:
                await self.kill()

    def url_of(self, _: str) -> str:
        """See Target: one process answers for all."""
        return self.url

    def client(self, *, token: bool = True) -> httpx.AsyncClient:
        """See Target; of this start, for the next one listens elsewhere."""
        headers = {"Authorization": f"Bearer {self.token}"} if token else {}
        return httpx.AsyncClient(base_url=self.url, headers=headers, timeout=30)


@dataclass
class Ledger:
    """What was acknowledged, synced to disk line by line; and what was sent and not answered."""

    path: Path
    acknowledged: dict[str, str] = field(default_factory=dict)
    sent: set[str] = field(default_factory=set)
    in_flight_at_deaths: int = 0

    def acknowledge(self, external_id: str, ticket: str) -> None:
        """Remember, durably."""
        known = self.acknowledged.setdefault(external_id, ticket)
        assert known == ticket, "one external id got two tickets"
        with self.path.open("a") as file:
            file.write(json.dumps([external_id, ticket]) + "\n")
            file.flush()
            os.fsync(file.fileno())


class Poster:
    """A portal that posts from several connections and tries again until it gets an answer."""

    def __init__(self, instance: Target, ledger: Ledger, seed: int, *, pause: float = 0.0) -> None:
        """pause: seconds that a connection waits after each answer."""
        self._instance = instance
        self._ledger = ledger
        self.pause = pause
        self._random = random.Random(seed)
        self._key = ""
        self._under_way = 0
        self.stop_asked = False

    async def mint(self) -> None:
        """Make a portal of our own, once; its key outlives restarts."""
        async with self._instance.client() as client:
            body = {"code": "kill", "name": "kill", "anonymous": False, "confidential": False}
            made = await client.post("/v1/portals", json=body)
            self._key = made.json()["key"]

    def come_as(self, other: "Poster") -> None:
        """Use the portal of another poster."""
        self._key = other._key

    @property
    def under_way(self) -> int:
        """How many requests wait for an answer at this moment."""
        return self._under_way

    async def once(self, external_id: str, client: httpx.AsyncClient) -> httpx.Response:
        """Post one complaint once; what is acknowledged goes into the ledger."""
        number = int(external_id.rsplit("-", 1)[1])
        body = {
            "external_id": external_id,
            "text": TEXTS[number % len(TEXTS)],
            "place": {"area_code": "33.74.01.1001"},
            "reporter": {"email": f"warga{number}@example.test"},
        }
        self._ledger.sent.add(external_id)
        answer = await client.post(
            f"{self._instance.url_of('intake')}/v1/complaints",
            json=body,
            headers={"Authorization": f"Bearer {self._key}"},
        )
        if answer.status_code == 201:
            self._ledger.acknowledge(external_id, answer.json()["ticket"])
        return answer

    async def _post(self, client: httpx.AsyncClient, external_id: str) -> None:
        """Post one complaint until it is acknowledged; a repeat is recognised by its id."""
        while True:
            self._under_way += 1
            try:
                answer = await self.once(external_id, client)
                if answer.status_code == 201:
                    return
                assert answer.status_code == 503, answer.text
            except httpx.TransportError:
                pass
            finally:
                self._under_way -= 1
            # Often enough to meet a start, rarely enough to leave it the cores.
            await asyncio.sleep(0.1 + self._random.random() * 0.2)

    async def post_all(self, ids: Sequence[str], connections: int = 8) -> None:
        """Post all, `connections` at a time."""
        waiting = list(reversed(ids))

        async def connection() -> None:
            while waiting and not self.stop_asked:
                await self._post(client, waiting.pop())
                await asyncio.sleep(self.pause)

        # One client for all: to make one takes more of a core than an instance needs to answer.
        async with httpx.AsyncClient(timeout=10) as client, asyncio.TaskGroup() as tasks:
            for _ in range(connections):
                tasks.create_task(connection())


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the checker found."""

    acknowledged: int
    received: int
    lost: int
    doubled: int
    recovery_seconds: float


class Checker:
    """Compares the ledger with what five services say over HTTP, and with the outside world."""

    def __init__(self, instance: Target, ledger: Ledger, *, looking: float = LOOKING) -> None:
        """looking: the share of the time that goes into looking; more tells sooner, and costs."""
        self._instance = instance
        self._ledger = ledger
        self._looking = looking
        # When the log had been worked off, while calls to the outside may have gone on.
        self.empty_at: float | None = None
        self.looks: list[tuple[float, dict[str, Any]]] = []

    async def settled(self) -> dict[str, Any]:
        """Wait until every relay, consumer and job is empty; return the statuses by service.

        However much there is, it must become less: neither fewer events on their way nor fewer jobs
        than ever before for some minutes is a hang.
        """
        deadline = time.monotonic() + STALLED_SECONDS
        least = (sys.maxsize, sys.maxsize)
        self.empty_at = None
        self.looks = []
        calm_since: float | None = None
        async with self._instance.client() as client:
            while True:
                began = time.monotonic()
                found = await self._statuses(client)
                self.looks.append((began, _busy(found)))
                calm = len(found) == len(SERVICES) and all(map(_calm, found.values()))
                now = time.monotonic()
                calm_since = (calm_since or now) if calm else None
                if calm_since is not None and now - calm_since > 1.5:
                    return found
                events, jobs = _open_work(found)
                if self.empty_at is None and events == 0 and len(found) == len(SERVICES):
                    self.empty_at = now
                if len(found) < len(SERVICES):
                    pass  # who does not answer yet has not told how much is left
                elif events < least[0] or jobs < least[1]:
                    least = (min(events, least[0]), min(jobs, least[1]))
                    deadline = now + STALLED_SECONDS
                assert now < deadline, f"not settled: {_busy(found)}"
                await asyncio.sleep(max(0.2, (now - began) / self._looking))

    async def _statuses(self, client: httpx.AsyncClient) -> dict[str, Any]:
        """Return the statuses of those that answer; one that waits for its engine says 503."""
        found = {}
        for name in SERVICES:
            try:
                answer = await client.get(f"/{name}/ops/status")
            except httpx.TransportError:
                continue
            if answer.status_code != 503:
                assert answer.status_code == 200, answer.text
                found[name] = answer.json()
        return found

    async def check(self) -> Verdict:
        """Assert the promise for every acknowledged complaint."""
        began = time.monotonic()
        statuses = await self.settled()
        recovery = time.monotonic() - began
        # Before anything slow: on a flying clock the next notice may go out at any moment.
        box = read(self._instance.outside / "mail")
        facts = {name: status["facts"] for name, status in statuses.items()}
        lost = await self._lost()
        acknowledged, sent = len(self._ledger.acknowledged), len(self._ledger.sent)
        received = facts["intake"]["received"]
        assert lost == [], f"lost: {lost[:5]}"
        assert len(set(self._ledger.acknowledged.values())) == acknowledged
        inbound = await self._inbound()
        assert acknowledged <= received - inbound <= sent
        assert facts["routing"]["cases"] == received
        assert facts["sla"]["clock_sets"] == received
        assert sum(facts["sync-laporgub"]["mirror_decisions"].values()) == received
        await self._check_partners(facts)
        self._check_mail(box, facts)
        letters = {name: status["dead_letters"] for name, status in statuses.items()}
        assert all(sum(kinds.values()) == 0 for kinds in letters.values()), letters
        doubled = max(0, received - inbound - sent)
        return Verdict(acknowledged, received, len(lost), doubled, recovery)

    async def _lost(self) -> list[str]:
        lost: list[str] = []
        tickets = list(self._ledger.acknowledged.values())
        async with self._instance.client(token=False) as client:
            for start in range(0, len(tickets), 50):
                answers = await asyncio.gather(
                    *(client.get(f"/v1/complaints/{t}") for t in tickets[start : start + 50])
                )
                lost += [
                    ticket
                    for ticket, answer in zip(tickets[start : start + 50], answers, strict=True)
                    if answer.status_code != 200
                ]
        return lost

    async def _inbound(self) -> int:
        """How many complaints came from the simulated partner by itself."""
        count: int = 0
        cursor: str | None = None
        async with self._instance.client() as client:
            while True:
                given = {"decision": "not_due", "limit": "500"}
                answer = await client.get(
                    "/v1/mirrors", params=given | ({"cursor": cursor} if cursor else {})
                )
                assert answer.status_code == 200, answer.text
                found = answer.json()
                count += sum(m["reason_code"] == "came_from_there" for m in found["items"])
                cursor = found["next"]
                if cursor is None:
                    return count

    async def _check_partners(self, facts: dict[str, Any]) -> None:
        linked = facts["sync-laporgub"]["mirror_decisions"].get("linked", 0)
        said = json.loads((self._instance.outside / "addresses.json").read_text())
        async with httpx.AsyncClient(timeout=10) as client:
            laporgub = (await client.get(said["laporgub"] + "/_sim/tickets")).json()
            sp4n = (await client.get(said["sp4n"] + "/_sim/tickets")).json()
        tickets = laporgub["submitted"] + sp4n["submitted"]
        assert tickets == linked, f"{tickets} tickets at the partners, {linked} linked decisions"

    def _check_mail(self, box: Mailbox, facts: dict[str, Any]) -> None:
        delivered = facts["notify"]["notification_decisions"].get("delivered", 0)
        assert box.distinct == delivered, f"{box.distinct} letters, {delivered} delivered"
        assert box.surplus <= facts["notify"]["possible_repeat"]


def _open_work(found: dict[str, Any]) -> tuple[int, int]:
    keys = ("pending", "held", "in_flight", "lag")
    events = sum(status[key] for status in found.values() for key in keys)
    return events, sum(status["facts"].get("jobs", 0) for status in found.values())


def _calm(status: dict[str, Any]) -> bool:
    counts = (status["pending"], status["held"], status["in_flight"], status["lag"])
    return not any(counts) and not status["facts"].get("jobs", 0)


def _busy(found: dict[str, Any]) -> dict[str, Any]:
    keys = ("pending", "held", "in_flight", "lag")
    return {
        name: {**{key: status[key] for key in keys}, "jobs": status["facts"].get("jobs")}
        for name, status in found.items()
    }
