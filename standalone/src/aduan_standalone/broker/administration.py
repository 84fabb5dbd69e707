"""Asks and tells a cluster through librdkafka's admin client; the one module that imports it.

aiokafka's own client resets every setting that a change does not name, and knows no access lists.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, Final

import confluent_kafka
import confluent_kafka.admin

from aduan.messaging.kafka import BadAddress, Connection
from aduan.settings import BusSettings, scheme_of
from aduan_standalone.broker.difference import Change, ChangeSetting, CreateTopic
from aduan_standalone.broker.shapes import RETENTION, Access, Found, ResourceKind, Topic
from aduan_standalone.cli.refusal import FAILED, Refusal

# Its types are half there and partly wrong, so nothing of it is checked but what the tests do.
kafka: Final[Any] = confluent_kafka
admin: Final[Any] = confluent_kafka.admin

ANSWER_SECONDS: Final = 20.0
STEP_SECONDS: Final = 2.0
SETTLE_SECONDS: Final = 10.0
SCRAM_ROUNDS: Final = 8192
KINDS: Final[Mapping[str, ResourceKind]] = {"TOPIC": "topic", "GROUP": "group"}
WORDS: Final = {
    kafka.KafkaError.CLUSTER_AUTHORIZATION_FAILED: "these credentials may not administer the cluster",
    kafka.KafkaError.TOPIC_AUTHORIZATION_FAILED: "these credentials may not administer this topic",
    kafka.KafkaError.SASL_AUTHENTICATION_FAILED: "the brokers refused the credentials",
    kafka.KafkaError._AUTHENTICATION: "the brokers refused the credentials",  # noqa: SLF001 - its name
}

SILENT: Final = {
    kafka.KafkaError._TRANSPORT,  # noqa: SLF001 - its name
    kafka.KafkaError._TIMED_OUT,  # noqa: SLF001 - its name
    kafka.KafkaError._ALL_BROKERS_DOWN,  # noqa: SLF001 - its name
}


class Brokers:
    """One cluster, administered with the deployer's own credentials.

    Every method raises Refusal with one sentence where the brokers do not answer or say no.
    """

    def __init__(self, settings: BusSettings, *, patience: float = ANSWER_SECONDS) -> None:
        """patience: seconds for each answer. Asks nothing yet."""
        if scheme_of(settings.bus) != "kafka":
            raise Refusal("ADUAN_BUS names the embedded log, which needs no topics made for it.")
        try:
            connection = Connection.of(settings.bus, **settings.kafka())
        except BadAddress as error:
            raise Refusal(f"ADUAN_BUS: {error}.") from None
        self.servers = connection.servers
        self._patience = patience
        self._mechanism = connection.mechanism.replace("-", "_")
        self._heard: list[Any] = []
        try:
            self.client = admin.AdminClient(
                {**_options(connection, patience), "error_cb": self._heard.append}
            )
        except kafka.KafkaException as error:
            # an authority file that cannot be read, a mechanism that this build does not have
            raise Refusal(f"The brokers cannot be reached so: {error.args[0].str()}.") from None

    def sizes(self) -> dict[str, int]:
        """Return how many partitions each topic has, of those that these credentials may see."""
        topics = self._metadata().topics
        return {name: len(topic.partitions) for name, topic in topics.items() if topic.partitions}

    def found(self, names: Sequence[str]) -> Found:
        """Return what the cluster has; the settings of the named topics only."""
        metadata = self._metadata()
        there = [name for name in names if name in metadata.topics]
        settings = self._settings(there)
        topics = {
            name: Topic(
                name,
                partitions=len(topic.partitions),
                replication=min(len(part.replicas) for part in topic.partitions.values()),
                settings={
                    setting: value
                    for setting, (value, own) in settings.get(name, {}).items()
                    if own
                },
                keeps=settings.get(name, {}).get(RETENTION, (None, False))[0],
            )
            for name, topic in metadata.topics.items()
            if topic.partitions
        }
        access = self._access() if self._checks_access(min(metadata.brokers)) else None
        return Found(metadata.cluster_id, len(metadata.brokers), topics, access)

    def do(self, change: Change) -> None:
        """Make one change, and return when the controller has it."""
        if isinstance(change, CreateTopic):
            self.create(change.topic)
        elif isinstance(change, ChangeSetting):
            entry = admin.ConfigEntry(
                change.name, change.new, incremental_operation=admin.AlterConfigOpType.SET
            )
            resource = admin.ConfigResource(
                admin.ConfigResource.Type.TOPIC, change.topic, incremental_configs=[entry]
            )
            self._done(self.client.incremental_alter_configs([resource]), str(change))
        else:
            self.grant([change.access])

    def create(self, topic: Topic) -> None:
        """Make a topic."""
        new = admin.NewTopic(
            topic.name,
            num_partitions=topic.partitions,
            replication_factor=topic.replication,
            config=dict(topic.settings),
        )
        self._done(self.client.create_topics([new]), f"topic {topic.name}")

    def grant(self, lines: Sequence[Access]) -> None:
        """Add lines to the access lists; those that are there already change nothing."""
        if lines:
            self._done(self.client.create_acls([_binding(line) for line in lines]), "access")

    def revoke(self, lines: Sequence[Access]) -> None:
        """Take exactly these lines away."""
        if lines:
            filters = [admin.AclBindingFilter(*_fields(line)) for line in lines]
            self._done(self.client.delete_acls(filters), "access")

    def has_user(self, name: str) -> bool:
        """Whether a user has a password of our mechanism."""
        return any(
            credential.mechanism == self._scram for credential in self._credentials(name)
        )  # fmt: skip

    def set_user(self, name: str, password: str) -> None:
        """Make a user, or replace its password."""
        info = admin.ScramCredentialInfo(self._scram, SCRAM_ROUNDS)
        change = admin.UserScramCredentialUpsertion(name, info, password.encode())
        self._done(self.client.alter_user_scram_credentials([change]), f"user {name}")

    def remove_user(self, name: str) -> bool:
        """Remove a user's password; whether there was one."""
        if not self.has_user(name):
            return False
        change = admin.UserScramCredentialDeletion(name, self._scram)
        self._done(self.client.alter_user_scram_credentials([change]), f"user {name}")
        return True

    @property
    def _scram(self) -> Any:
        return admin.ScramMechanism[self._mechanism]

    def _credentials(self, name: str) -> Sequence[Any]:
        with self._answering(f"user {name}"):
            answers = self.client.describe_user_scram_credentials(
                [name], request_timeout=self._patience
            )
            try:
                found: Sequence[Any] = answers[name].result().scram_credential_infos
            except kafka.KafkaException as error:
                if error.args[0].code() == kafka.KafkaError.RESOURCE_NOT_FOUND:
                    return ()
                raise
        return found

    def settle(self, names: Sequence[str]) -> None:
        """Wait until the brokers tell a client of every named topic."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while set(names) - self._metadata().topics.keys():
            if time.monotonic() > deadline:
                raise Refusal("The brokers were told, and do not show it yet.", code=FAILED)
            time.sleep(0.1)

    def _metadata(self) -> Any:
        # asked in short steps: refused credentials are known at once, by the callback alone
        deadline = time.monotonic() + self._patience
        with self._answering():
            while True:
                try:
                    return self.client.list_topics(timeout=STEP_SECONDS)
                except kafka.KafkaException as error:
                    self.client.poll(0)
                    refused = any(heard.code() in WORDS for heard in self._heard)
                    silent = error.args[0].code() in SILENT
                    if refused or not silent or time.monotonic() > deadline:
                        raise

    def _settings(self, names: Sequence[str]) -> dict[str, dict[str, tuple[str, bool]]]:
        """Return of each topic what holds, and whether it was set on the topic itself."""
        if not names:
            return {}
        asked = [admin.ConfigResource(admin.ConfigResource.Type.TOPIC, name) for name in names]
        own = admin.ConfigSource.DYNAMIC_TOPIC_CONFIG.value
        found: dict[str, dict[str, tuple[str, bool]]] = {}
        with self._answering():
            answers = self.client.describe_configs(asked, request_timeout=self._patience)
            for resource, answer in answers.items():
                found[resource.name] = {
                    name: (str(entry.value), entry.source == own)
                    for name, entry in answer.result().items()
                }
        return found

    def _checks_access(self, broker: int) -> bool:
        # Asked for access lists, a cluster without an authorizer seems to have none: librdkafka
        # drops the error, so the broker is asked what it runs.
        asked = admin.ConfigResource(admin.ConfigResource.Type.BROKER, str(broker))
        with self._answering():
            (answer,) = self.client.describe_configs(
                [asked], request_timeout=self._patience
            ).values()
            entry = answer.result().get("authorizer.class.name")
        return entry is None or bool(entry.value)

    def _access(self) -> frozenset[Access]:
        everything = admin.AclBindingFilter(
            admin.ResourceType.ANY,
            None,
            admin.ResourcePatternType.ANY,
            None,
            None,
            admin.AclOperation.ANY,
            admin.AclPermissionType.ANY,
        )
        with self._answering():
            answer = self.client.describe_acls(everything, request_timeout=self._patience)
            return frozenset(_access(line) for line in answer.result())

    def _done(self, futures: Mapping[Any, "Future[Any]"], what: str) -> None:
        with self._answering(what):
            for future in futures.values():
                future.result()

    @contextmanager
    def _answering(self, what: str = "") -> Iterator[None]:
        try:
            yield
        except kafka.KafkaException as error:
            raise Refusal(self._sentence(error.args[0], what), code=FAILED) from None

    def _sentence(self, error: Any, what: str) -> str:
        # the reason of a refused connection is told to the callback, not to the one who asked
        self.client.poll(0)
        for heard in (*self._heard, error):
            if (words := WORDS.get(heard.code())) is not None:
                return f"{self.servers}: {words}{f' ({what})' if what else ''}."
        if error.code() in SILENT:
            return f"No broker answers at {self.servers}: address, TLS or credentials?"
        return f"The brokers refused{f' {what}' if what else ''}: {error.str().rstrip('.')}."


def _options(connection: Connection, patience: float) -> dict[str, Any]:
    options: dict[str, Any] = {
        "bootstrap.servers": connection.servers,
        "security.protocol": connection.protocol,
        "client.id": "aduan-deployer",
        "socket.timeout.ms": int(patience * 1000),
        # its own lines would stand among our results
        "log_level": 0,
    }
    if connection.username is not None:
        options |= {
            "sasl.mechanism": connection.mechanism,
            "sasl.username": connection.username,
            "sasl.password": connection.password or "",
        }
    if connection.tls and connection.ca_file is not None:
        options["ssl.ca.location"] = str(connection.ca_file)
    return options


def _access(line: Any) -> Access:
    return Access(
        principal=line.principal,
        operation=line.operation.name,
        kind=KINDS.get(line.restype.name, "other"),
        name=line.name,
        pattern=line.resource_pattern_type.name,
        permission=line.permission_type.name,
        host=line.host,
    )


def _binding(line: Access) -> Any:
    return admin.AclBinding(*_fields(line))


def _fields(line: Access) -> tuple[Any, ...]:
    return (
        admin.ResourceType[line.kind.upper()],
        line.name,
        admin.ResourcePatternType[line.pattern],
        line.principal,
        line.host,
        admin.AclOperation[line.operation],
        admin.AclPermissionType[line.permission],
    )
