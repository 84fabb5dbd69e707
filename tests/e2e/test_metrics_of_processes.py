"""Each process exports the series of its list, under their names and labels, and no other.

Those whose rise an alert waits for are there from the start: what begins at one has not risen.
"""

import asyncio
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import httpx
import pytest
from aduan_harness import eventually
from aduan_metrics import Scrape, agrees
from aduan_prometheus import rules
from aduan_promql import rises
from tools.prove import SERVICES, environment

from aduan_standalone.series import series_of

NAMES: Final = [service.name for service in SERVICES]


async def scraped(command: list[str], env: dict[str, str], port: int, ready: str) -> Scrape:
    """Start a process, scrape it once it is ready, and stop it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", *command, env=env,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:

            async def answers() -> bool:
                assert process.returncode is None, "it ended"
                try:
                    return (await client.get(ready)).status_code == 200
                except httpx.TransportError:
                    return False

            await eventually(answers, within=60, every=0.1)
            return Scrape((await client.get("/metrics")).text)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def unseen(found: Scrape, process: str, services: Sequence[str]) -> list[tuple[str, str]]:
    """Return alert, series of all whose first event the alert would not see."""
    known = {one.name: one for one in series_of(process)}
    asked = [
        (alert, name, labels)
        for alert, rule in rules().items()
        for name, labels in rises(rule["expr"], known, services)
    ]
    assert asked
    return [
        (alert, f"{name} {labels}")
        for alert, name, labels in asked
        if found(name, **labels) is None
    ]


def free_port() -> int:
    """Return a port on which nobody listens at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.mark.parametrize("name", NAMES)
async def test_a_service_in_its_own_process_exports_its_list(name: str, tmp_path: Path) -> None:
    """Its pipeline, store, loop and itself are there without standalone around it."""
    service = next(one for one in SERVICES if one.name == name)
    port = free_port()
    env = environment(service, tmp_path, port) | _path()
    found = await scraped([service.package], env, port, f"/{name}/health/ready")

    agrees(found, series_of(name))
    assert 0 == found("aduan_metrics_stale", service=name, source="store")
    assert 0 == found("aduan_pipeline_lag", service=name)
    assert {name} == found.labels()["service"]
    assert [] == unseen(found, name, [name])
    assert 0 == found("aduan_http_unexpected_total", service=name)


async def test_standalone_exports_the_list_of_all(tmp_path: Path) -> None:
    """One registry holds them all, each service under its own label."""
    port = free_port()
    command = [
        "aduan_standalone.cli.main",
        "up",
        "--data",
        str(tmp_path / "d"),
        "--port",
        str(port),
    ]
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)}
    found = await scraped(command, env | _path(), port, "/health/ready")

    agrees(found, series_of("standalone"))
    assert {*NAMES, "standalone"} == found.labels()["service"]
    assert [] == unseen(found, "standalone", [*NAMES, "standalone"])


async def test_the_canary_in_its_own_process_exports_its_list(tmp_path: Path) -> None:
    """Also while no service answers it: then above all."""
    port = free_port()
    command = ["aduan_standalone.cli.main", "canary", "--to", "http://127.0.0.1:9"]
    command += ["--port", str(port)]
    keys = {f"ADUAN_CANARY_{name}_KEY": f"aduan_{name.lower()}" for name in ("PORTAL", "READ")}
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **keys}
    found = await scraped(command, env | _path(), port, "/health/ready")

    agrees(found, series_of("canary"))
    assert {"canary"} == found.labels()["service"]
    assert [] == unseen(found, "canary", ["canary"])


def _path() -> dict[str, str]:
    # Where the sources are on a path and not installed, the child needs the same.
    return {"PYTHONPATH": os.environ["PYTHONPATH"]} if "PYTHONPATH" in os.environ else {}
