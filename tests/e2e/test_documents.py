"""Every service's OpenAPI document is true, with and without a key, and a 4xx changes nothing."""

import asyncio
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from aduan_documents import hold
from aduan_faults import SERVICES, Instance
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case
from schemathesis.core.result import Ok

EXAMPLES = int(os.environ.get("ADUAN_EXAMPLES", "100"))


class Started:
    """An instance that runs while the module's tests do; its loop lives in a thread of its own."""

    def __init__(self, folder: Path) -> None:
        # No simulator and no flying clock: nothing but the requests may change a table.
        self.instance = Instance(folder, fast=False, simulators=False)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._run(self.instance.start_until_ready())

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=120)

    def stop(self) -> None:
        """End the instance and its loop."""
        self._run(self.instance.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def get(self, path: str) -> httpx.Response:
        """Ask with the operator's token."""
        headers = {"Authorization": f"Bearer {self.instance.token}"}
        return httpx.get(self.instance.url + path, headers=headers, timeout=10)

    def documents(self, name: str) -> tuple[tuple[str, int], ...]:
        """How many rows each table of a service has."""
        path = self.instance.data / f"{name}.db"
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
            tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            return tuple(
                (table, database.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0])
                for (table,) in sorted(tables)
            )


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    """A running instance with one complaint in it."""
    running = Started(tmp_path_factory.mktemp("documents"))
    made = httpx.post(
        f"{running.instance.url}/v1/portals",
        json={"code": "doc", "name": "doc"},
        headers={"Authorization": f"Bearer {running.instance.token}"},
        timeout=10,
    )
    httpx.post(
        f"{running.instance.url}/v1/complaints",
        json={"external_id": "1", "text": "Lampu jalan padam.", "anonymous": False},
        headers={"Authorization": f"Bearer {made.json()['key']}"},
        timeout=10,
    )
    yield running
    running.stop()


@pytest.mark.parametrize("with_key", [True, False], ids=["with-a-key", "without-a-key"])
@pytest.mark.parametrize("name", SERVICES)
def test_the_document_of_a_service_is_true(started: Started, name: str, with_key: bool) -> None:
    """All checks, a hundred examples an operation; a refusal leaves every table as it was."""
    document = started.get(f"/{name}/openapi.json").json()
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=started.instance.url)
    headers = {"Authorization": f"Bearer {started.instance.token}"} if with_key else {}
    operations = 0
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        operations += 1

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @_given(operation.as_strategy())
        def probe(case: "Case[Any]") -> None:
            before = started.documents(name)
            answer = case.call(headers=headers)
            hold(case, answer)
            if 400 <= answer.status_code < 500:
                assert started.documents(name) == before, f"{case.method} {case.path} changed"

        probe()
    assert operations >= 5


def _given(strategy: Any) -> Callable[[Callable[..., None]], Callable[[], None]]:
    decorator: Any = given(case=strategy)
    return lambda test: decorator(test)  # noqa: PLW0108 - typed here, untyped there
