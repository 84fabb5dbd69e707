"""Apache Kafka from the fetched jars: one node or three, open or with passwords and access lists."""

import asyncio
import base64
import contextlib
import re
import secrets
import ssl
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from aduan_servers import certificates, fetching, ports
from aduan_servers.facts import Facts
from aduan_servers.problems import ServerFailed
from aduan_servers.process import Server, aside

Protocol = Literal["PLAINTEXT", "SASL_PLAINTEXT", "SASL_SSL"]

ADMIN: Final = "admin"
MECHANISM: Final = "SCRAM-SHA-512"
QUESTION_SECONDS: Final = 5.0
# Until a dead broker's session ends, the restarted one waits at the door. One node alone may end it
# early; three nodes share two cores at their start and need more patience with each other.
SESSION_MS: Final = {1: 2_000, 3: 3_000}
ARCHIVE: Final = "kafka.jsa"
ARCHIVE_SECONDS: Final = 120.0
JVM: Final = ("-Xms128m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
# The one line below warning level in which the broker says its version, and its own pid before it.
LOG4J: Final = """\
rootLogger.level=WARN
rootLogger.appenderRef.c.ref=c
appender.c.type=Console
appender.c.name=c
appender.c.layout.type=PatternLayout
appender.c.layout.pattern=[%processId] %d %p %m (%c)%n
logger.version.name=org.apache.kafka.common.utils.AppInfoParser
logger.version.level=INFO
"""


@dataclass(frozen=True)
class Doors:
    """Who may come in, and how.

    With SASL every user is checked by password, and the authorizer denies whatever no access list
    allows; the admin may do everything. With SASL_SSL clients also check the broker's certificate.
    """

    protocol: Protocol = "PLAINTEXT"
    passwords: Mapping[str, str] = field(default_factory=dict, repr=False)
    keystore: Path | None = None
    ca: Path | None = None

    @property
    def asks_for_passwords(self) -> bool:
        """Whether a client needs a user."""
        return self.protocol != "PLAINTEXT"


@dataclass(frozen=True)
class Seat:
    """A node's place in its cluster."""

    id: int
    port: int
    controller_port: int
    directory_id: str


class KafkaNode(Server):
    """One broker with its controller, in one process."""

    def __init__(self, seat: Seat, cluster: "Kafka", folder: Path, *, bound: bool = True) -> None:
        """Start nothing yet."""
        super().__init__(f"kafka node {seat.id}", folder, bound=bound)
        self.seat = seat
        self._cluster = cluster

    @property
    def address(self) -> str:
        """host:port of this broker alone."""
        return f"{ports.HOST}:{self.seat.port}"

    def prepare(self) -> None:
        """Write the configuration and, once for its data, format the folder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "log4j2.properties").write_text(LOG4J, "utf-8")
        properties = self.folder / "server.properties"
        properties.touch(mode=0o600)
        properties.write_text("\n".join(self._cluster.properties(self)) + "\n", "utf-8")
        if (self.data / "meta.properties").exists():
            return
        done = subprocess.run(
            [*self._java("kafka.tools.StorageTool"), "format", "-c", str(properties),
             *self._cluster.format_options()],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise ServerFailed(f"{self.name}: format: {done.stdout}{done.stderr}")

    @property
    def data(self) -> Path:
        """The folder of the broker's log segments."""
        return self.folder / "data"

    def _java(self, main: str) -> list[str]:
        return [
            str(fetching.java()), *JVM, *self._cluster.jvm,
            f"-Dlog4j2.configurationFile=file:{self.folder / 'log4j2.properties'}",
            f"-Dkafka.logs.dir={self.folder}",
            # in one order, or the archive of classes would not fit
            "-cp", ":".join(map(str, sorted(fetching.jars().glob("*.jar")))), main,
        ]  # fmt: skip

    def _command(self) -> Sequence[str]:
        return [*self._java("kafka.Kafka"), str(self.folder / "server.properties")]

    def _answers(self) -> bool:
        if not ports.answers(self.seat.port):
            return False
        described = describe(self._cluster.client(bootstrap=self.address))
        return described is not None and self.seat.id in described.brokers

    def said_version(self) -> tuple[str, int] | None:
        """Return (version, pid) as the broker wrote them at its last start."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        found = re.findall(r"^\[(\d+)\].* Kafka version: (\S+)", text, re.MULTILINE)
        return (found[-1][1], int(found[-1][0])) if found else None


class Kafka:
    """A cluster: what is done to it is done to every node; `nodes` has each alone."""

    def __init__(
        self,
        folder: Path,
        *,
        nodes: Literal[1, 3] = 1,
        protocol: Protocol = "PLAINTEXT",
        users: Sequence[str] = (),
        numbers: Sequence[int] | None = None,
        bound: bool = True,
        jvm: Sequence[str] | None = None,
    ) -> None:
        """Start nothing yet.

        users: besides the admin, each with a password of its own (with SASL only).
        numbers: the ports, the brokers' first, then the controllers'; else free ones.
        jvm: options of the Java machine; else those that make it start fast.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        keystore, ca = certificates.write(folder) if protocol == "SASL_SSL" else (None, None)
        names = (ADMIN, *users) if protocol != "PLAINTEXT" else ()
        self.doors = Doors(
            protocol, {name: secrets.token_urlsafe(12) for name in names}, keystore, ca
        )
        self.jvm = tuple(jvm) if jvm is not None else class_data()
        self._cluster_id = identifier()
        taken = tuple(numbers or ports.reserve(2 * nodes))
        self.nodes = tuple(
            KafkaNode(
                Seat(index + 1, taken[index], taken[nodes + index], identifier()),
                self,
                folder / f"node{index + 1}",
                bound=bound,
            )
            for index in range(nodes)
        )

    @property
    def address(self) -> str:
        """host:port of every node, by commas."""
        return ",".join(node.address for node in self.nodes)

    @property
    def pid(self) -> int:
        """The first node's process."""
        return self.nodes[0].pid

    @property
    def alive(self) -> bool:
        """Whether every node's process exists."""
        return all(node.alive for node in self.nodes)

    def client(self, user: str | None = None, bootstrap: str | None = None) -> dict[str, Any]:
        """Return what an aiokafka client needs to come in as a user (else as the admin)."""
        options: dict[str, Any] = {"bootstrap_servers": bootstrap or self.address}
        if self.doors.asks_for_passwords:
            name = user or ADMIN
            options |= {
                "security_protocol": self.doors.protocol,
                "sasl_mechanism": MECHANISM,
                "sasl_plain_username": name,
                "sasl_plain_password": self.doors.passwords[name],
            }
        if self.doors.ca is not None:
            options["ssl_context"] = ssl.create_default_context(cafile=str(self.doors.ca))
        return options

    def start(self) -> None:
        """Start every node, and return when each sees itself in the cluster."""
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(KafkaNode.prepare, self.nodes))
        try:
            for node in self.nodes:
                node.launch()
            for node in self.nodes:
                node.wait_until_ready()
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """SIGTERM to every node, and wait; kill -9 for one that will not end."""
        with ThreadPoolExecutor(len(self.nodes)) as pool:
            list(pool.map(KafkaNode.stop, self.nodes))

    def kill(self) -> None:
        """Kill -9 every node, now."""
        for node in self.nodes:
            node.kill()

    def restart(self) -> None:
        """Start again on the same ports and data; what still runs is stopped first."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """SIGSTOP to every node."""
        for node in self.nodes:
            node.pause()

    def resume(self) -> None:
        """SIGCONT to every node."""
        for node in self.nodes:
            node.resume()

    def facts(self) -> Facts:
        """Return what the nodes say about themselves."""
        said = [node.said_version() for node in self.nodes]
        told = [answer for answer in said if answer is not None]
        described = describe(self.client())
        return Facts(
            kind="Kafka",
            version="/".join(sorted({version for version, _ in told})) or "unknown",
            identity=f"cluster {described.cluster_id if described is not None else 'silent'}",
            pids=tuple(pid for _, pid in told),
            origin="own server",
        )

    def format_options(self) -> list[str]:
        """Return what every node's folder is formatted with."""
        options = ["-t", self._cluster_id]
        if len(self.nodes) == 1:
            options.append("--standalone")
        else:
            seats = ",".join(
                f"{seat.id}@{ports.HOST}:{seat.controller_port}:{seat.directory_id}"
                for seat in (node.seat for node in self.nodes)
            )
            options += ["--initial-controllers", seats]
        for name, password in self.doors.passwords.items():
            options += ["--add-scram", f"{MECHANISM}=[name={name},password={password}]"]
        return options

    def properties(self, node: KafkaNode) -> Iterator[str]:
        """Yield the lines of a node's server.properties."""
        seat, count, door = node.seat, len(self.nodes), self.doors.protocol
        session = SESSION_MS[count]
        quorum = ",".join(f"{ports.HOST}:{each.seat.controller_port}" for each in self.nodes)
        yield from (
            "process.roles=broker,controller",
            f"node.id={seat.id}",
            f"controller.quorum.bootstrap.servers={quorum}",
            f"listeners={door}://{node.address},CONTROLLER://{ports.HOST}:{seat.controller_port}",
            "controller.listener.names=CONTROLLER",
            f"inter.broker.listener.name={door}",
            f"listener.security.protocol.map=CONTROLLER:PLAINTEXT,{door}:{door}",
            f"log.dirs={node.data}",
            "auto.create.topics.enable=false",
            f"default.replication.factor={count}",
            f"min.insync.replicas={min(2, count)}",
            f"offsets.topic.replication.factor={count}",
            "offsets.topic.num.partitions=4",
            f"transaction.state.log.replication.factor={count}",
            f"transaction.state.log.min.isr={min(2, count)}",
            "transaction.state.log.num.partitions=4",
            "group.initial.rebalance.delay.ms=0",
            f"broker.session.timeout.ms={session}",
            f"broker.heartbeat.interval.ms={session // 5}",
            # the default buffer alone kills a small heap
            "log.cleaner.dedupe.buffer.size=4194304",
        )
        if self.doors.asks_for_passwords:
            yield from self._password_properties()
        if self.doors.keystore is not None:
            yield from (
                "ssl.keystore.type=PEM",
                f"ssl.keystore.location={self.doors.keystore}",
                "ssl.truststore.type=PEM",
                f"ssl.truststore.location={self.doors.ca}",
            )

    def _password_properties(self) -> Iterator[str]:
        jaas = f"listener.name.{self.doors.protocol.lower()}.{MECHANISM.lower()}.sasl.jaas.config"
        module = "org.apache.kafka.common.security.scram.ScramLoginModule"
        password = self.doors.passwords[ADMIN]
        yield from (
            "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "allow.everyone.if.no.acl.found=false",
            # ANONYMOUS is the plaintext controller, which listens on the loopback only
            f"super.users=User:{ADMIN};User:ANONYMOUS",
            f"sasl.enabled.mechanisms={MECHANISM}",
            f"sasl.mechanism.inter.broker.protocol={MECHANISM}",
            f'{jaas}={module} required username="{ADMIN}" password="{password}";',
        )


@dataclass(frozen=True)
class Described:
    """A cluster's answer."""

    cluster_id: str
    brokers: frozenset[int]


def describe(client: Mapping[str, Any]) -> Described | None:
    """Ask a cluster who it is; None when it does not answer."""
    return aside(lambda: asyncio.run(_describe(client)))


async def _describe(client: Mapping[str, Any]) -> Described | None:
    try:
        async with asyncio.timeout(QUESTION_SECONDS):
            admin = AIOKafkaAdminClient(**client)
            try:
                await admin.start()
                answer = await admin.describe_cluster()
            finally:
                await admin.close()
    except (KafkaError, OSError, TimeoutError):
        return None
    return Described(
        str(answer["cluster_id"]), frozenset(int(each["node_id"]) for each in answer["brokers"])
    )


def class_data() -> tuple[str, ...]:
    """Return the options with which a Java machine finds the broker's classes parsed already.

    A start costs half the processor time then (2.5 s instead of 5), which the fault tests pay at
    every restart. The archive is made once, by a broker that runs for a moment and is thrown away;
    the machine itself refuses one that does not fit, and starts without.
    """
    java = fetching.java()
    machine = f"{java} {java.stat().st_mtime_ns}"
    pins = fetching.name_of(fetching.POM, fetching.SUMS, more=machine)
    archive = fetching.kept("classes", pins, _archive_classes) / ARCHIVE
    return (f"-XX:SharedArchiveFile={archive}",) if archive.exists() else ()


def _archive_classes(folder: Path) -> None:
    """Make the archive; an empty folder, if it cannot be, means to go without and try no more."""
    with tempfile.TemporaryDirectory(prefix="aduan-classes-") as scratch:
        broker = Kafka(Path(scratch), jvm=[f"-XX:ArchiveClassesAtExit={folder / ARCHIVE}"])
        with contextlib.suppress(ServerFailed):
            broker.start()
            broker.nodes[0].stop(ARCHIVE_SECONDS)  # it writes as it ends


def identifier() -> str:
    """Return a random id as Kafka writes them; not one that looks like an option."""
    while True:
        text = base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")
        if not text.startswith("-"):
            return text
