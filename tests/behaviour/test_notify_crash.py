"""notify as a process of its own that dies between the provider's OK and its own mark."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx
import pytest
from aduan_harness import eventually
from aduan_notify_world import KEY, RECORD, REFERENCE, Town, a_town

from aduan.failpoints import POINTS


def environment(town: Town, **more: str) -> Mapping[str, str]:
    """The variables of a notify process on this town's folder; intake is never reachable."""
    record = {**asdict(RECORD), "scopes": sorted(RECORD.scopes)}
    folder = town.world.folder
    return {
        **os.environ,
        "ADUAN_STORE": f"sqlite:///{folder / 'own.db'}",
        "ADUAN_BUS": f"sqlite:///{folder / 'log.db'}",
        "ADUAN_NOTIFY_REFERENCE_DIR": str(REFERENCE),
        "ADUAN_NOTIFY_PUBLIC_URL": "http://127.0.0.1:8000",
        "ADUAN_NOTIFY_INTAKE_URL": "http://127.0.0.1:9",
        "ADUAN_NOTIFY_INTAKE_TOKEN": "aduan_notify_" + "x" * 40,
        "ADUAN_NOTIFY_SMTP_HOST": "127.0.0.1",
        "ADUAN_NOTIFY_SMTP_PORT": str(town.port),
        "ADUAN_NOTIFY_SMTP_TIMEOUT_SECONDS": "0.5",
        "ADUAN_NOTIFY_LEASE_SECONDS": "2.5",
        "ADUAN_NOTIFY_POLL_SECONDS": "0.05",
        "ADUAN_NOTIFY_STATIC_KEYS": json.dumps([record]),
        **more,
    }


@asynccontextmanager
async def a_process(variables: Mapping[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run `python -m aduan_notify`; kill it at the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "aduan_notify", env=dict(variables), stderr=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def ledger(port: int, complaint_id: str) -> list[dict[str, Any]]:
    """Ask the running process over HTTP; empty while it does not answer yet."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        try:
            answer = await client.get(
                f"/v1/deliveries/{complaint_id}", headers={"Authorization": f"Bearer {KEY}"}
            )
        except httpx.TransportError:
            return []
    return list(answer.json()["deliveries"]) if answer.status_code == 200 else []


def a_free_port() -> int:
    """Return a port that nobody listens on now."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_a_crash_between_ok_and_mark_repeats_under_the_same_message_id(
    tmp_path: Path,
) -> None:
    """The next process writes `possible_repeat` down, sends again, and marks it delivered."""
    assert "notify.after_provider_ok" in POINTS
    async with a_town(tmp_path) as town:
        story = town.story(email=None)
        await story.tell(
            "complaint.created", story.created(reporter={"pseudonym": "P-1", "reachable_by": ()})
        )
        await story.tell("sla.warned", story.warned("office"))
        town.world.bus.close()

        variables = environment(town, ADUAN_FAIL_AT="notify.after_provider_ok")
        async with a_process({**variables, "ADUAN_NOTIFY_PORT": str(a_free_port())}) as first:
            await asyncio.wait_for(first.wait(), 30)
        assert first.returncode == 137
        assert len(town.mailbox.mails) == 1

        port = a_free_port()
        async with a_process(environment(town, ADUAN_NOTIFY_PORT=str(port))):

            async def delivered() -> bool:
                rows = await ledger(port, story.id)
                return [row["decision"] for row in rows] == ["skipped", "delivered"] or [
                    row["decision"] for row in rows
                ] == ["delivered", "skipped"]

            await eventually(delivered, within=30, every=0.1)
            rows = await ledger(port, story.id)

        (sent,) = [row for row in rows if row["decision"] == "delivered"]
        assert (2, 1) == (sent["tries"], sent["possible_repeat"])
        assert (1, 1) == (town.mailbox.distinct, town.mailbox.surplus)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ADUAN_NOTIFY_INTAKE_TOKEN": ""}, "ADUAN_NOTIFY_INTAKE_TOKEN is missing"),
        ({"ADUAN_NOTIFY_LEASE_SECONDS": "0.1"}, "do not fit together"),
        ({"ADUAN_NOTIFY_REFERENCE_DIR": "/nowhere"}, "no reference data for tenant 33.74"),
    ],
)
async def test_a_start_that_cannot_work_ends_with_one_sentence(
    tmp_path: Path, change: Mapping[str, str], words: str
) -> None:
    """The sentence names what is wrong; no traceback, no secret."""
    async with a_town(tmp_path) as town:
        variables = {**environment(town), **change}
        variables = {name: value for name, value in variables.items() if value}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "aduan_notify", env=variables, stderr=asyncio.subprocess.PIPE
        )
        _, errors = await asyncio.wait_for(process.communicate(), 30)

    said = errors.decode()
    assert process.returncode != 0
    assert words in said
    assert "Traceback" not in said
    assert "x" * 40 not in said
