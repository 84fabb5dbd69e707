"""The third way to a test server: where our own cannot run, containers through testcontainers."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NoReturn

import pytest
from aduan_containers import ROOT, Engine, not_proven
from aduan_servers import choice, containers, fetching
from aduan_servers.problems import NotHere

# The contract suites' own tests, a few of each: the rest is about the adapters, not about the server.
BUS: Final = (
    "test_what_was_published_comes_out_byte_by_byte",
    "test_what_was_not_committed_comes_again",
    "test_what_was_acknowledged_is_there_after_reopening",
)
STORE: Final = (
    "test_what_was_written_is_read_back_whole",
    "test_of_fifty_concurrent_increments_none_is_lost",
)


@pytest.fixture(scope="module")
def no_servers_of_our_own(engine: Engine) -> Iterator[Engine]:
    """A machine without Java, jars and mongod, with an engine and the images that stand in."""
    patch = pytest.MonkeyPatch()

    def refuse() -> NoReturn:
        raise NotHere("not on this machine")

    for name in ("java", "jars", "mongod"):
        patch.setattr(fetching, name, refuse)
    try:
        patch.setenv(containers.KAFKA_IMAGE, engine.image("KAFKA_IMAGE"))
        patch.setenv(containers.MONGODB_IMAGE, engine.image("MONGO_IMAGE"))
    except NotHere as reason:
        not_proven(reason)
    for name in ("DOCKER_HOST",):
        if name in engine.environment:
            patch.setenv(name, engine.environment[name])
    # What is started here is ended here; the reaper's image may be none that can be had.
    patch.setenv("TESTCONTAINERS_RYUK_DISABLED", "true")
    if Path("/.dockerenv").exists():
        # Else the bridge's address is taken for the engine's.
        patch.setenv("TESTCONTAINERS_CONNECTION_MODE", "docker_host")
    yield engine
    patch.undo()


def contract(suite: str, tests: tuple[str, ...], kind: str, **named: str) -> str:
    """Run tests of a port's contract suite against a named server; return the closing line."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider",
         f"tests/integration/{suite}", "-k", f"({' or '.join(tests)}) and ({kind})"],
        cwd=ROOT, env={**os.environ, **named, "ADUAN_REQUIRE_SERVERS": ""},
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
    return done.stdout.splitlines()[-1]


def test_a_broker_in_a_container_keeps_the_contract_of_the_bus(
    no_servers_of_our_own: Engine, tmp_path: Path
) -> None:
    """The published port is advertised, so clients come back to it; and it forgets nothing."""
    endpoint = choice.kafka(tmp_path)
    try:
        closing = contract(
            "test_messaging_port.py", BUS, "kafka", ADUAN_TEST_KAFKA=endpoint.address
        )
    finally:
        endpoint.end()

    assert "container" in str(endpoint.facts)
    assert f"{len(BUS)} passed" in closing


def test_a_database_in_a_container_keeps_the_contract_of_the_store(
    no_servers_of_our_own: Engine, tmp_path: Path
) -> None:
    """With passwords and as a replica set, as in production; through both drivers."""
    endpoint = choice.mongodb(tmp_path)
    try:
        closing = contract(
            "test_storage_port.py", STORE, "motor or pymongo", ADUAN_TEST_MONGODB=endpoint.url
        )
    finally:
        endpoint.end()

    assert "replica set rs0" in str(endpoint.facts)
    assert f"{2 * len(STORE)} passed" in closing


def test_nothing_of_it_is_left(no_servers_of_our_own: Engine) -> None:
    """Without the reaper, whoever starts a container ends it."""
    # Not above: when it is imported first, it reads the variables that are set here.
    from testcontainers.core.labels import LABEL_SESSION_ID, SESSION_ID

    left: Any = no_servers_of_our_own.docker(
        "ps", "--all", "--quiet", "--filter", f"label={LABEL_SESSION_ID}={SESSION_ID}"
    )

    assert not left


def test_an_image_that_is_not_there_is_a_reason_and_not_an_error(
    no_servers_of_our_own: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whoever runs the tests offline reads which image it was."""
    monkeypatch.setenv(containers.KAFKA_IMAGE, "standin.invalid/none:1")

    with pytest.raises(NotHere, match=r"the image standin\.invalid/none:1 cannot be started"):
        choice.kafka(tmp_path)
