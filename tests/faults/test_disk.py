"""A full disk and a read-only folder: refused, nothing acknowledged is lost, and it works again."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from aduan_faults import Instance

SMALL = "24m"
LARGE = "400m"


class Disk:
    """A file system of our own in memory, whose size and mode can be changed while in use."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def remount(self, options: str) -> None:
        """Change it under the running instance."""
        subprocess.run(
            ["mount", "-o", f"remount,{options}", str(self.place)], check=True, timeout=10
        )


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """A small tmpfs. Skips visibly where mounting is not allowed."""
    place = tmp_path / "data"
    place.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("mounting a tmpfs needs root")
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SMALL}", "tmpfs", str(place)],
        capture_output=True,
        check=False,
        timeout=10,
    )
    if done.returncode != 0:
        pytest.skip("mounting a tmpfs is not allowed here")
    yield Disk(place)
    subprocess.run(["umount", "-l", str(place)], check=False, timeout=10)


async def _key(instance: Instance) -> dict[str, str]:
    async with instance.client() as client:
        made = await client.post("/v1/portals", json={"code": "disk", "name": "disk"})
    return {"Authorization": f"Bearer {made.json()['key']}"}


async def _post(client: httpx.AsyncClient, number: int, key: dict[str, str]) -> httpx.Response:
    text = "Jalan berlubang. " + "Mohon segera diperbaiki. " * 350
    body = {
        "external_id": f"disk-{number}",
        "text": text,
        "anonymous": False,
        "confidential": False,
    }
    return await client.post("/v1/complaints", json=body, headers=key)


async def _all_there(client: httpx.AsyncClient, tickets: list[str]) -> None:
    for ticket in tickets:
        answer = await client.get(f"/v1/complaints/{ticket}")
        assert answer.status_code == 200, "an acknowledged complaint is gone"


async def test_a_full_disk_is_503_and_nothing_acknowledged_is_lost(
    tmp_path: Path, disk: Disk
) -> None:
    """With room again, the same instance goes on, and every event finds its way."""
    async with Instance(tmp_path, fast=False, simulators=False) as instance:
        await instance.start_until_ready()
        key = await _key(instance)
        tickets: list[str] = []
        refused = 0
        async with httpx.AsyncClient(base_url=instance.url, timeout=30) as client:
            for number in range(3_000):
                answer = await _post(client, number, key)
                if answer.status_code == 201:
                    tickets.append(answer.json()["ticket"])
                    continue
                assert answer.status_code == 503, answer.text
                assert answer.headers["content-type"] == "application/problem+json"
                assert "retry-after" in answer.headers
                refused += 1
                if refused == 3:
                    break
            assert refused == 3, "the disk was never full"
            await _all_there(client, tickets)
            disk.remount(f"size={LARGE}")
            async with asyncio.timeout(30):
                while (answer := await _post(client, 9_999, key)).status_code != 201:
                    await asyncio.sleep(0.2)
            tickets.append(answer.json()["ticket"])
            await _all_there(client, tickets)
        await _settled(instance, len(tickets))
        await instance.stop()
    print(f"\n{len(tickets)} acknowledged, {refused} refused, 0 lost")


async def test_a_read_only_folder_refuses_the_start_and_loses_nothing(
    tmp_path: Path, disk: Disk
) -> None:
    """One sentence and a non-zero exit; writable again, everything is there."""
    disk.remount(f"size={LARGE}")
    async with Instance(tmp_path, fast=False, simulators=False) as instance:
        await instance.start_until_ready()
        key = await _key(instance)
        async with httpx.AsyncClient(base_url=instance.url, timeout=30) as client:
            ticket = (await _post(client, 1, key)).json()["ticket"]
        await instance.stop()
        disk.remount("ro")
        refused = subprocess.run(
            [
                sys.executable, "-m", "aduan_standalone.cli.main", "up", "--data", str(disk.place),
                "--port", "0",
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )  # fmt: skip
        disk.remount("rw")
        await instance.start_until_ready()
        async with httpx.AsyncClient(base_url=instance.url, timeout=30) as client:
            await _all_there(client, [ticket])
        await instance.stop()

    assert refused.returncode != 0
    assert len(refused.stderr.strip().splitlines()) == 1, refused.stderr
    assert "cannot be used" in refused.stderr


async def _settled(instance: Instance, count: int) -> None:
    async with instance.client() as client, asyncio.timeout(60):
        while True:
            cases = (await client.get("/routing/ops/status")).json()
            clocks = (await client.get("/sla/ops/status")).json()
            found = (cases["facts"]["cases"], clocks["facts"]["clock_sets"])
            if found == (count, count):
                return
            await asyncio.sleep(0.3)
