"""sla as a running service: real log, real consumer, real ticks, and data that changes."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from aduan_harness import eventually, records_of
from aduan_sla_story import REFERENCE, amended, wib
from aduan_sla_world import CaseEvents, Sla
from prometheus_client import CollectorRegistry

from aduan.observability.metrics import exported
from aduan_sla.domain.case import CASES
from aduan_sla.entrypoints.revisit import Revisit
from aduan_sla.metrics import Metrics

MONDAY = "2026-03-02 09:00"


@pytest.fixture
async def sla(tmp_path: Path) -> AsyncIterator[Sla]:
    """A built service on a Monday morning."""
    found = await Sla(tmp_path, MONDAY).build()
    yield found
    found.world.close()


async def test_a_running_service_tells_a_breach_by_itself(sla: Sla) -> None:
    """From the log to the log: heard, clocked, and told when the domain clock passes the date."""
    case = CaseEvents("one", MONDAY)
    assert sla.service is not None
    async with sla.world.running(sla.service):
        assert all(await sla.world.bus.publish([case.created()]))
        await sla.world.settled()
        sla.clock.domain = wib("2026-03-03 09:00")

        async def breached() -> bool:
            return bool(records_of(sla.world.bus, "sla.breached"))

        await eventually(breached)
        await sla.world.settled()

    assert 1 == len(records_of(sla.world.bus, "sla.breached"))
    assert 2 == len(records_of(sla.world.bus, "sla.scheduled"))


async def test_a_restart_does_not_repeat_a_breach(sla: Sla, tmp_path: Path) -> None:
    """The second process finds what the first one told."""
    case = CaseEvents("one", MONDAY)
    await sla.hears(case.created())
    await sla.at("2026-03-03 09:00")
    sla.world.close()

    again = await Sla(tmp_path, "2026-03-03 09:00").build()
    assert 0 == await again.ticker.round()
    assert 1 == len(await again.told(case, "sla.breached"))
    again.world.close()


async def test_an_amended_calendar_moves_the_open_deadlines(sla: Sla) -> None:
    """Every open case is reckoned anew once, says so, and keeps what was missed before."""
    case, done = CaseEvents("open", MONDAY), CaseEvents("done", MONDAY)
    await sla.hears(case.created(), done.created())
    await sla.hears(done.progressed("2026-03-02 10:00", "rejected"))
    await sla.at("2026-03-06 00:00")
    rules = amended("2026-03-05", decided_on="2026-03-06")
    revisit = Revisit(cases=sla.cases, books={"33.74": rules}, metrics=Metrics(CollectorRegistry()))

    assert (1, 0) == (await revisit.round(), await revisit.round())
    last = (await sla.told(case, "sla.scheduled"))[-1]
    assert rules.data_version == last["cause"]
    assert "2026-03-30T16:59:59.999999Z" == (await sla.clock_of(case, "complete"))["due_at"]
    assert "breached" == (await sla.clock_of(case, "verify"))["state"]
    assert [] == last["corrects"]


async def test_a_deadline_without_joint_leave_data_raises_an_alert(sla: Sla) -> None:
    """Received in December 2027: due in 2028, for which no decree exists."""
    await sla.hears(CaseEvents("far", "2027-12-20 09:00").created())
    registry = CollectorRegistry()
    rules = amended("2026-03-05", decided_on="2026-03-06")
    revisit = Revisit(cases=sla.cases, books={"33.74": rules}, metrics=Metrics(registry))
    await revisit.round()

    assert 1.0 == registry.get_sample_value("aduan_sla_unsure")


async def test_a_case_of_an_unknown_tenant_is_held(sla: Sla) -> None:
    """No policies for 35.73: a dead letter with the reason, replayed once they are there."""
    await sla.hears(CaseEvents("malang", MONDAY, tenant="35.73").created())

    assert 1 == (await sla.cases.letters.counts())["poison"]
    assert 0 == await sla.cases.store.total(CASES)


def test_the_list_of_metrics_is_closed() -> None:
    """Names that boards and alerts may use."""
    registry = CollectorRegistry()
    Metrics(registry)

    assert {
        "aduan_sla_told": "counter",
        "aduan_sla_provisional": "counter",
        "aduan_sla_due_waiting": "gauge",
        "aduan_sla_due_late_seconds": "gauge",
        "aduan_sla_unsure": "gauge",
        "aduan_sla_clocks": "gauge",
        "aduan_sla_unverified": "gauge",
        "aduan_sla_unverified_oldest_working_hours": "gauge",
        "aduan_sla_debts": "gauge",
        "aduan_sla_debts_overdue": "gauge",
        "aduan_sla_revisited": "counter",
    } == exported(registry)


# what is wrong, the sentence
UNREADY: tuple[tuple[dict[str, str], str], ...] = (
    ({}, "ADUAN_BUS is missing; ADUAN_SLA_REFERENCE_DIR is missing; ADUAN_STORE is missing"),
    ({"ADUAN_SLA_REFERENCE_DIR": "/nowhere"}, "policies.toml: cannot be read"),
    ({"ADUAN_SLA_TICK_SECONDS": "0"}, "ADUAN_SLA_TICK_SECONDS is not valid"),
)


@pytest.mark.parametrize(("changes", "sentence"), UNREADY)
def test_a_start_that_cannot_work_ends_with_a_sentence(
    tmp_path: Path, changes: dict[str, str], sentence: str
) -> None:
    """One line that names the variable or the file, and a non-zero exit."""
    whole = {
        "ADUAN_STORE": f"sqlite:///{tmp_path}/sla.db",
        "ADUAN_BUS": f"sqlite:///{tmp_path}/log.db",
        "ADUAN_SLA_REFERENCE_DIR": str(REFERENCE),
    }
    given = {**whole, **changes} if changes else {}
    ended = subprocess.run(
        [sys.executable, "-m", "aduan_sla"],
        env={"PATH": os.environ["PATH"], **given},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ended.returncode != 0
    assert sentence in ended.stderr
    assert 1 == len(ended.stderr.strip().splitlines())


async def test_a_process_of_its_own_answers_its_readiness(tmp_path: Path) -> None:
    """The command python -m aduan_sla serves health and stops on request with exit code 0."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    env = {
        "PATH": os.environ["PATH"],
        "ADUAN_STORE": f"sqlite:///{tmp_path}/sla.db",
        "ADUAN_BUS": f"sqlite:///{tmp_path}/log.db",
        "ADUAN_SLA_REFERENCE_DIR": str(REFERENCE),
        "ADUAN_SLA_PORT": str(port),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "aduan_sla", env=env, stderr=asyncio.subprocess.DEVNULL
    )
    try:

        async def ready() -> bool:
            assert process.returncode is None, "it ended"
            async with httpx.AsyncClient() as client:
                try:
                    answer = await client.get(f"http://127.0.0.1:{port}/sla/health/ready")
                except httpx.TransportError:
                    return False
                return answer.status_code == 200

        await eventually(ready, within=30)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()

    assert process.returncode in (0, -15)
