"""The official images through testcontainers, where our own servers cannot run.

ADUAN_TEST_KAFKA_IMAGE and ADUAN_TEST_MONGODB_IMAGE name others, as from a mirror.
"""

import os
import secrets
import time
import warnings
from collections.abc import Callable
from typing import Any, Final

from pymongo.errors import PyMongoError

from aduan_servers import mongo
from aduan_servers.problems import NotHere, ServerFailed

KAFKA_IMAGE: Final = "ADUAN_TEST_KAFKA_IMAGE"
MONGODB_IMAGE: Final = "ADUAN_TEST_MONGODB_IMAGE"
READY_SECONDS: Final = 120.0
# the key file must be the server's own and closed to others, which no mount gives
MONGOD: Final = (
    "head -c 96 /dev/urandom | base64 -w0 > /tmp/key && chmod 600 /tmp/key && "
    "chown mongodb:mongodb /tmp/key && exec docker-entrypoint.sh mongod --replSet rs0 "
    "--bind_ip_all --keyFile /tmp/key"
)


def kafka() -> tuple[str, Callable[[], None]]:
    """Return (address, how to end it) of a broker in a container."""
    image = os.environ.get(KAFKA_IMAGE) or "apache/kafka:4.2.0"
    _need_an_engine()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from testcontainers.community.kafka import KafkaContainer

        # the class below is made here because its base is imported only now
        class ApacheKafka(KafkaContainer):
            """The official image, which has other start scripts than the base expects."""

            def __init__(self) -> None:
                super().__init__(image)
                self.with_kraft()
                self.with_env("KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR", "1")
                self.with_env("KAFKA_TRANSACTION_STATE_LOG_MIN_ISR", "1")
                self.with_env("KAFKA_AUTO_CREATE_TOPICS_ENABLE", "false")

            def _verify_min_kraft_version(self) -> None:
                """Nothing: the base compares the tag with another maker's numbers."""

            def tc_start(self) -> None:
                """Advertise the published port, which is known only now."""
                outside = f"{self.get_container_host_ip()}:{self.get_exposed_port(self.port)}"
                script = (
                    f"export KAFKA_ADVERTISED_LISTENERS={self.listener_name}://{outside},"
                    "BROKER://localhost:9092\nexec /etc/kafka/docker/run\n"
                )
                self.create_file(script.encode(), self.TC_START_SCRIPT)

        container = _started(ApacheKafka(), image)
        return str(container.get_bootstrap_server()), container.stop


def mongodb() -> tuple[str, Callable[[], None]]:
    """Return (root user's address, how to end it) of a replica set of one in a container."""
    image = os.environ.get(MONGODB_IMAGE) or "mongo:8"
    _need_an_engine()
    password = secrets.token_urlsafe(12)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from testcontainers.core.container import DockerContainer

        container = _started(
            DockerContainer(image)
            .with_env("MONGO_INITDB_ROOT_USERNAME", mongo.ROOT_USER)
            .with_env("MONGO_INITDB_ROOT_PASSWORD", password)
            .with_exposed_ports(27017)
            .with_command(["bash", "-c", MONGOD]),
            image,
        )
        host = f"{container.get_container_host_ip()}:{container.get_exposed_port(27017)}"
    # the member's own name is not reachable from here: no looking around in the set
    url = mongo.as_user(f"mongodb://{host}/?directConnection=true", mongo.ROOT_USER, password)
    try:
        _initiate(url)
    except BaseException:
        container.stop()
        raise
    return url, container.stop


def _initiate(url: str) -> None:
    """Found the replica set; the image starts twice, so the first answers may be cut off."""
    end = time.monotonic() + READY_SECONDS
    config = {"_id": mongo.SET_NAME, "members": [{"_id": 0, "host": "localhost:27017"}]}
    while time.monotonic() < end:
        try:
            with mongo.connected(url) as client:
                if client.admin.command("hello")["isWritablePrimary"]:
                    return
                client.admin.command("replSetInitiate", config)
        except PyMongoError:
            pass
        time.sleep(0.2)
    raise ServerFailed("the MongoDB container did not become a primary")


def _need_an_engine() -> None:
    """Find out without a container whether one could run."""
    try:
        import docker
    except ImportError:
        raise NotHere("testcontainers is not installed") from None
    try:
        docker.from_env().ping()
    except Exception:
        raise NotHere("no container engine answers") from None


def _started(container: Any, image: str) -> Any:
    """Start a container; an image that cannot be had is a reason, not an error."""
    import docker

    try:
        return container.start()
    except docker.errors.APIError as error:
        raise NotHere(f"the image {image} cannot be started ({error.status_code})") from None
