"""The five services as separate processes, any number of replicas of each, on real servers.

What an operator would have around them is here in small: databases and topics made beforehand by
`aduan migrate` and `aduan topics apply`, a user per database and, where the broker asks for one, a
principal per service, and an address per service that shares requests out over its replicas.
"""

import asyncio
import base64
import json
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self, cast

import httpx
from aduan_bus_engines import delete_topics
from aduan_proxy import Proxy
from aduan_servers import ports
from aduan_servers.choice import MongoEndpoint
from aduan_servers.kafka import ADMIN, Kafka

from aduan.clock import SystemClock, iso
from aduan.contracts.topics import TOPICS
from aduan.contracts.values import CANARY_TENANT
from aduan.web.keys import SCOPES, KeyRecord, Scope, make_key
from aduan_simulators.orphans import die_with_parent
from aduan_standalone import partners
from aduan_standalone.canary.keys import new_keys
from aduan_standalone.cli.instance import SERVICES

ROOT: Final = Path(__file__).parents[2]
TENANT: Final = "33.74"
DIED: Final = 137
# Ten processes take half a minute of processor time to start, and others may use it too.
READY_SECONDS: Final = 180.0
QUESTIONS: Final = 3
DLQ: Final = tuple(f"aduan.{name}.dlq" for name in SERVICES)
# Which service answers a path, as an ingress would know it.
PATHS: Final = (
    ("/v1/complaints", "intake"),
    ("/v1/portals", "intake"),
    ("/internal/v1/", "intake"),
    ("/v1/cases", "routing"),
    ("/v1/offices", "routing"),
    ("/v1/evidence", "routing"),
    ("/v1/clocks", "sla"),
    ("/v1/policies", "sla"),
    ("/v1/mirrors", "sync-laporgub"),
    ("/v1/deliveries", "notify"),
    ("/v1/subscriptions", "notify"),
)


def module_of(service: str) -> str:
    """Return the package of a service."""
    return f"aduan_{service.replace('-', '_')}"


def service_for(path: str) -> str:
    """Return the service that answers a path."""
    for name in SERVICES:
        if path.startswith(f"/{name}/"):
            return name
    for start, name in PATHS:
        if path.startswith(start):
            return name
    raise LookupError(path)


@dataclass
class Replica:
    """One process of one service; started again with the same settings and port."""

    service: str
    number: int
    port: int
    environment: Mapping[str, str] = field(repr=False)
    log: Path
    deaths: int = 0
    process: asyncio.subprocess.Process | None = None

    @property
    def name(self) -> str:
        """Service and number."""
        return f"{self.service}-{self.number}"

    @property
    def url(self) -> str:
        """Its own address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def alive(self) -> bool:
        """Whether the process runs (a stopped one does)."""
        return self.process is not None and self.process.returncode is None

    async def launch(self, fail_at: str = "") -> None:
        """Start without waiting. fail_at: a failpoint, see aduan.failpoints."""
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", module_of(self.service), stdout=log, stderr=log,
                env={**os.environ, **self.environment, "ADUAN_FAIL_AT": fail_at},
                preexec_fn=die_with_parent,
            )  # fmt: skip

    async def until_ready(self, within: float = READY_SECONDS) -> None:
        """Return when it says that it is ready; fail with its last words when it ends."""
        end = time.monotonic() + within
        async with httpx.AsyncClient(base_url=self.url, timeout=5) as client:
            while True:
                assert self.alive, f"{self.name} ended: {self.last_words()}"
                try:
                    answer = await client.get(f"/{self.service}/health/ready")
                    if answer.status_code == 200:
                        return
                    said = answer.text
                except httpx.TransportError as error:
                    said = type(error).__name__
                assert time.monotonic() < end, f"{self.name}: {said}: {self.last_words()}"
                await asyncio.sleep(0.05)

    def last_words(self) -> str:
        """Return the end of its log."""
        return self.log.read_text(errors="replace")[-3_000:]

    async def kill(self) -> None:
        """Kill -9, now."""
        if self.alive and self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            await self.process.wait()
            self.deaths += 1

    async def died(self, within: float) -> bool:
        """Wait for a failpoint to end the process; whether it did."""
        assert self.process is not None
        try:
            async with asyncio.timeout(within):
                code = await self.process.wait()
        except TimeoutError:
            return False
        assert code == DIED, f"{self.name} ended with {code}: {self.last_words()}"
        self.deaths += 1
        return True

    async def stop(self, within: float = 60.0) -> int:
        """SIGTERM, and wait for the clean end; return the exit code."""
        assert self.process is not None
        if self.alive:
            self.process.terminate()
        async with asyncio.timeout(within):
            return await self.process.wait()

    def freeze(self) -> None:
        """SIGSTOP: alive and silent."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)


class Cluster:
    """All replicas of all services, behind one address a service."""

    def __init__(
        self,
        folder: Path,
        *,
        kafka: str | Kafka,
        mongo: MongoEndpoint,
        replicas: int | Mapping[str, int] = 2,
        copies: int = 1,
        simulators: bool = True,
        mongo_address: str | None = None,
        extra: Mapping[str, str] | None = None,
    ) -> None:
        """Start nothing yet.

        kafka: host:port,... of open brokers; or brokers of our own, which each service then joins as
        the principal `aduan-<service>`, over TLS where they speak it. replicas: of each service, or by service (one, where
        it is not named). copies: on how many brokers each topic is kept. mongo_address: host:port
        by which services reach the database, where it is not the server's own (a proxy). extra: more
        of their environment.
        """
        self.folder = folder
        self.outside = folder / "outside"
        self.data = folder
        self._kafka = kafka if isinstance(kafka, str) else kafka.address
        self._guarded = kafka if isinstance(kafka, Kafka) else None
        self._mongo = mongo
        self._mongo_address = mongo_address
        self._counts = {
            name: replicas if isinstance(replicas, int) else replicas.get(name, 1)
            for name in SERVICES
        }
        self._copies = copies
        self._simulators = simulators
        self._extra = dict(extra or {})
        self._stack = AsyncExitStack()
        self.prefix = f"a{os.urandom(4).hex()}"
        self.token, self._operator = make_key(
            tenant=TENANT, scopes=cast("Sequence[Scope]", tuple(SCOPES))
        )
        self.canary = new_keys()
        self.replicas: list[Replica] = []
        self.fronts: dict[str, Proxy] = {}

    async def __aenter__(self) -> Self:
        """Make databases and topics, start all, and return when all are ready."""
        try:
            await self._open()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Leave no process behind, also where an assertion failed."""
        await self.close()

    async def _open(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        await self.prepare()
        for name in SERVICES:
            mine = ports.reserve(self._counts[name])
            front = Proxy([("127.0.0.1", port) for port in mine])
            self.fronts[name] = await self._stack.enter_async_context(front.listening())
            self.replicas += [
                Replica(name, number, port, {}, self.folder / f"{name}-{number}.log")
                for number, port in enumerate(mine)
            ]
        simulated = None
        if self._simulators:
            simulated = await self._stack.enter_async_context(
                partners.running(self.outside, SystemClock())
            )
        environments = self._environments(simulated)
        for replica in self.replicas:
            replica.environment = {
                **environments[replica.service],
                f"{_prefix(replica.service)}PORT": str(replica.port),
            }
        await asyncio.gather(*(replica.launch() for replica in self.replicas))
        await self.until_ready()

    async def prepare(self) -> None:
        """Make the databases, their users, and empty topics."""
        client = self._guarded.client() if self._guarded else {"bootstrap_servers": self._kafka}
        await delete_topics([*(topic.name for topic in TOPICS), *DLQ], **client)
        rights = ("--require-acls",) if self._guarded else ()
        await self.command(
            "topics", "apply", "--replication", str(self._copies), *rights,
            environment=self.bus(ADMIN),
        )  # fmt: skip
        await self.command(
            "migrate", "--prefix", self.prefix, environment={"ADUAN_STORE": self._mongo.url}
        )
        self._stores = {
            name: self._reached(self._mongo.user_for(self.database(name))) for name in SERVICES
        }

    def bus(self, user: str) -> dict[str, str]:
        """Return where the log is and who one is to it."""
        found = {"ADUAN_BUS": f"kafka://{self._kafka}"}
        if self._guarded is not None:
            doors = self._guarded.doors
            found["ADUAN_KAFKA_USERNAME"] = user
            found["ADUAN_KAFKA_PASSWORD"] = doors.passwords[user]
            if doors.ca is not None:
                found |= {"ADUAN_KAFKA_TLS": "true", "ADUAN_KAFKA_CA_FILE": str(doors.ca)}
        return found

    def database(self, service: str) -> str:
        """Return the name of a service's database."""
        return f"{self.prefix}_{service.replace('-', '_')}"

    def _reached(self, url: str) -> str:
        if self._mongo_address is None:
            return url
        who, _, rest = url.rpartition("@")
        _, slash, path = rest.partition("/")
        query = path.replace("replicaSet=rs0", "directConnection=true")
        return f"{who}@{self._mongo_address}{slash}{query}"

    def _environments(self, simulated: partners.Partners | None) -> dict[str, dict[str, str]]:
        contacts, contacts_key = _token("contacts:resolve")
        content, content_key = _token("content:read")
        portal, portal_key = _token("complaints:write", portal="laporgub")
        intake = self.url_of("intake")
        own: dict[str, dict[str, str]] = {
            "intake": {"VAULT_KEY": _secret(), "FORM_POSTS_PER_HOUR": "100000"},
            "routing": {
                "SEAL_KEY": _secret(), "INTAKE_URL": intake, "INTAKE_CONTENT_KEY": content,
                "SECURE_COOKIES": "false", "TICK_SECONDS": "0.2",
            },
            "sla": {"TICK_SECONDS": "0.2"},
            "sync-laporgub": {"SEAL_KEY": _secret()},
            "notify": {
                "PUBLIC_URL": intake, "INTAKE_URL": intake, "INTAKE_TOKEN": contacts,
                "SMTP_HOST": "127.0.0.1", "SMTP_PORT": "25", "SECURE_COOKIES": "false",
                "SMTP_TIMEOUT_SECONDS": "1", "LEASE_SECONDS": "5", "POLL_SECONDS": "0.2",
            },
        }  # fmt: skip
        if simulated is not None:
            own["notify"] |= {"SMTP_PORT": str(simulated.smtp_port), "OUTBOX_OPEN": "true"}
            own["sync-laporgub"] = {
                "LAPORGUB_URL": simulated.laporgub_url, "LAPORGUB_TOKEN": partners.TOKEN,
                "LAPORGUB_POLL_SECONDS": "0.5", "SP4N_URL": simulated.sp4n_url,
                "SP4N_BEARER": partners.TOKEN, "SP4N_TOKEN": partners.TOKEN,
                "SP4N_RECHECK_SECONDS": "0.5", "DOUBT_SECONDS": "2", "CALL_TIMEOUT_SECONDS": "2",
                "TICK_SECONDS": "0.2", "INTAKE_URL": intake, "INTAKE_PORTAL_KEY": portal,
                "INTAKE_CONTENT_KEY": content, "SEAL_KEY": _secret(),
            }  # fmt: skip
        keys = {"intake": (contacts_key, content_key, portal_key)}
        return {
            name: {
                **self.bus(f"aduan-{name}"),
                "ADUAN_STORE": self._stores[name],
                **{
                    f"{_prefix(name)}{key}": value
                    for key, value in {
                        "REFERENCE_DIR": str(ROOT / "reference"),
                        "TENANTS": json.dumps([TENANT, CANARY_TENANT]),
                        "STATIC_KEYS": _records(
                            (self._operator, *keys.get(name, ()), *self.canary.records[name])
                        ),
                        "LOG_LEVEL": "INFO",
                        **own[name],
                    }.items()
                },
                **self._extra,
            }
            for name in SERVICES
        }

    def url_of(self, service: str) -> str:
        """Return the address that shares requests out over a service's replicas."""
        return f"http://{self.fronts[service].address}"

    def of(self, service: str) -> list[Replica]:
        """Return a service's replicas."""
        return [replica for replica in self.replicas if replica.service == service]

    async def until_ready(self, within: float = READY_SECONDS) -> None:
        """Return when every replica is ready."""
        await asyncio.gather(*(replica.until_ready(within) for replica in self.replicas))

    def client(self, *, token: bool = True) -> httpx.AsyncClient:
        """Return a client of all services by path, with the operator's token or without."""
        headers = {"Authorization": f"Bearer {self.token}"} if token else {}
        return httpx.AsyncClient(
            base_url="http://aduan.test", headers=headers, timeout=15, transport=_ByPath(self)
        )

    async def command(
        self,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        codes: Sequence[int] = (0,),
    ) -> str:
        """Run `aduan ...` and return what it prints; fail when it ends with another code."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "aduan_standalone.cli.main", *arguments,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "ADUAN_TOKEN": self.token, **(environment or {})},
        )  # fmt: skip
        out, errors = await process.communicate()
        # The words of `feed` may quote a row, which may be a real one.
        words = "" if arguments[0] == "feed" else errors.decode()[-2_000:]
        assert process.returncode in codes, f"aduan {arguments[0]}: {process.returncode} {words}"
        return out.decode()

    async def examined(self) -> str:
        """Return what `aduan doctor --json` says, as the deployer, with every service's variables."""
        every = {k: v for replica in self.replicas for k, v in replica.environment.items()}
        deployer = {**every, **self.bus(ADMIN), "ADUAN_STORE": self._mongo.url}
        return await self.command(
            "doctor", "--json", "--prefix", self.prefix, "--replication", str(self._copies),
            *self.to(), environment=deployer, codes=(0, 1),
        )  # fmt: skip

    def to(self) -> list[str]:
        """Return the options by which `aduan` finds this cluster."""
        return [part for name in SERVICES for part in ("--to", f"{name}={self.url_of(name)}")]

    async def close(self) -> None:
        """End everything."""
        for replica in self.replicas:
            if replica.alive and replica.process is not None:
                replica.process.kill()
        await asyncio.gather(
            *(replica.process.wait() for replica in self.replicas if replica.process is not None)
        )
        await self._stack.aclose()


class _ByPath(httpx.AsyncBaseTransport):
    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._transport = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        front = self._cluster.fronts[service_for(request.url.path)]
        request.url = request.url.copy_with(scheme="http", host="127.0.0.1", port=front.port)
        for _ in range(QUESTIONS):
            try:
                return await self._transport.handle_async_request(request)
            except httpx.RemoteProtocolError:
                # The server closed an idle connection just as it was used again: ask anew, if one may.
                if request.method != "GET":
                    raise
        return await self._transport.handle_async_request(request)

    async def aclose(self) -> None:
        await self._transport.aclose()


def _prefix(service: str) -> str:
    return f"{module_of(service).upper()}_"


def _secret() -> str:
    return base64.b64encode(os.urandom(32)).decode()


def _token(scope: Scope, portal: str | None = None) -> tuple[str, KeyRecord]:
    return make_key(tenant=TENANT, scopes=(scope,), portal=portal)


def _records(keys: Sequence[KeyRecord]) -> str:
    found: list[dict[str, Any]] = [
        {
            "key_id": key.key_id,
            "hash": key.hash,
            "tenant": key.tenant,
            "scopes": sorted(key.scopes),
            "portal": key.portal,
            "opd": key.opd,
            "expires_at": iso(key.expires_at) if key.expires_at is not None else None,
        }
        for key in keys
    ]
    return json.dumps(found)
