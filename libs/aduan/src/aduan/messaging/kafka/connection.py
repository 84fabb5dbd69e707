"""Where the brokers are and who we are to them."""

import asyncio
import contextlib
import os
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    TopicAuthorizationFailedError,
)
from aiokafka.helpers import create_ssl_context

from aduan.errors import AduanError

SCHEME: Final = "kafka://"
REQUEST_SECONDS: Final = 15.0
CLOSE_SECONDS: Final = 2.0
# The alarm `bus.refused` names these: somebody has to grant a right. Who may write no topic at all is
# refused the cluster.
REFUSED: Final = (
    TopicAuthorizationFailedError,
    GroupAuthorizationFailedError,
    ClusterAuthorizationFailedError,
)


class BadAddress(AduanError):
    """The address of the brokers, or what goes with it, cannot be used. The text has no secret."""


@dataclass(frozen=True, slots=True)
class Connection:
    """How every client of this process reaches the brokers.

    servers: host:port, comma-separated. username: SASL/SCRAM when given. tls: encrypted, checked
    against ca_file, or the system's authorities without one.
    """

    servers: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    mechanism: str = "SCRAM-SHA-512"
    tls: bool = False
    ca_file: Path | None = None

    @classmethod
    def of(cls, url: str, **who: Any) -> "Connection":
        """Read `kafka://host:port,host:port`. Raises BadAddress."""
        servers = url.removeprefix(SCHEME)
        if servers == url or not servers:
            raise BadAddress("the address of the brokers is kafka://HOST:PORT,...")
        if "@" in servers or "/" in servers:
            raise BadAddress("the brokers' address carries no user and no path: use the settings")
        return cls(servers, **who)

    @property
    def protocol(self) -> str:
        """Kafka's name for what is spoken."""
        return {
            (False, False): "PLAINTEXT",
            (False, True): "SSL",
            (True, False): "SASL_PLAINTEXT",
            (True, True): "SASL_SSL",
        }[self.username is not None, self.tls]

    def options(self) -> dict[str, Any]:
        """Return what every client of aiokafka is made with. Raises BadAddress."""
        options: dict[str, Any] = {
            "bootstrap_servers": self.servers.split(","),
            "client_id": f"{socket.gethostname()}-{os.getpid()}",
            "security_protocol": self.protocol,
            "request_timeout_ms": int(REQUEST_SECONDS * 1000),
            # A broker that comes back on another address is found again soon.
            "metadata_max_age_ms": 30_000,
        }
        if self.username is not None:
            options["sasl_mechanism"] = self.mechanism
            options["sasl_plain_username"] = self.username
            options["sasl_plain_password"] = self.password or ""
        if self.tls:
            try:
                options["ssl_context"] = create_ssl_context(
                    cafile=str(self.ca_file) if self.ca_file is not None else None
                )
            except OSError as error:
                raise BadAddress("the brokers' authority file cannot be read") from error
        return options


async def end_by_hand(client: Any, *tasks: "asyncio.Task[Any] | None") -> None:
    """End the parts of an aiokafka client whose own stop does not return, in three seconds at most.

    client: its AIOKafkaClient, whose close waits until all is sent; a broker that hangs takes nothing.
    """
    running = {task for task in tasks if task is not None and not task.done()}
    for task in running:
        task.cancel()
    if running:
        await asyncio.wait(running, timeout=1.0)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_SECONDS):
            await client.close()
