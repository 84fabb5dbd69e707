"""How many letters a second notify brings to a provider that answers at once.

    python -m tests.load.notices [--cases 150] [--profile]

notify alone, on a file of its own, with a backlog of twenty notices a case; the mail sink is a process
of its own, intake's answer about a reporter is at hand. Beside letters a second it tells what does not
depend on what else the machine does: commits, calls of intake and CPU a letter.
"""

import argparse
import asyncio
import cProfile
import pstats
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import uuid4

import httpx
from prometheus_client import CollectorRegistry
from tests.load.processes import ROOT

from aduan.clock import SystemClock
from aduan.messaging.sqlite import SqliteBus
from aduan.storage.port import Body, Change, Document
from aduan.storage.sqlite import SqliteStore
from aduan_notify.bootstrap import build, spec
from aduan_notify.domain.case import CASES
from aduan_notify.domain.causes import Cause
from aduan_notify.domain.ledger import Notice, record
from aduan_notify.settings import Settings
from aduan_simulators.mailsink.process import running as mailsink
from aduan_simulators.mailsink.reading import read

TENANT = "33.74"
WITHIN = 300.0
# What a case is told about that misses its deadlines, four causes of them to the reporter.
CAUSES: Sequence[tuple[Cause, tuple[str, ...]]] = (
    ("received", ("reporter",)),
    ("assigned", ("reporter", "office")),
    ("sla_warned", ("office",)),
    ("sla_breached", ("office", "office_head")),
    ("sla_breached", ("office", "office_head", "coordinator")),
    ("sla_breached", ("office", "office_head", "coordinator", "leadership")),
    ("answered", ("reporter",)),
    ("reopened", ("office",)),
    ("sla_warned", ("office",)),
    ("sla_breached", ("office", "office_head")),
    ("archived", ("reporter", "office")),
)
A_CASE = sum(len(audiences) for _, audiences in CAUSES)


@dataclass(frozen=True, slots=True)
class Notices:
    """What one run was: letters a second, and what one letter took."""

    letters: int
    rate: float
    commits: float
    asked: float
    cpu_ms: float


def _case(number: int, now: datetime) -> Body:
    body: Body = {
        "tenant": TENANT, "ticket": f"SMG-0000-0000-{number:03d}", "received_at": now.isoformat(),
        "reachable_by": ["email"], "anonymous": False, "confidential": False, "oversight": False,
        "opd": "DPU", "test": False, "rows": [],
    }  # fmt: skip
    facts = {"clock": "handle", "due_at": "2026-12-01T02:00:00.000000Z", "level": 1, "unit": "DPU"}
    notices = [
        Notice(
            str(uuid4()), cause, audience, now,  # type: ignore[arg-type]  # of the table above
            "DPU" if audience in ("office", "office_head") else None, facts,
        )
        for cause, audiences in CAUSES
        for audience in audiences
    ]  # fmt: skip
    return record(body, notices, now)


async def measure(cases: int) -> Notices:
    """Fill a ledger, then let the worker run until every letter is out."""
    asked = 0

    def intake(_: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        return httpx.Response(
            200, json={"channels": [{"kind": "email", "address": "warga@example.test"}]}
        )

    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        mails, clock = Path(folder) / "mails", SystemClock()
        async with mailsink(mails) as port:
            settings = Settings(
                store="sqlite:////unused", bus="sqlite:////unused", reference_dir=ROOT / "reference",
                public_url="http://127.0.0.1:8000", intake_url="http://intake.test",
                intake_token="aduan_notify_" + "x" * 40,  # type: ignore[arg-type]  # a SecretStr
                smtp_host="127.0.0.1", smtp_port=port,
            )  # fmt: skip
            what = spec(settings)
            store = SqliteStore(Path(folder) / "notify.db", what.all_collections, clock)
            bus = SqliteBus(Path(folder) / "log.db", clock)
            service = await build(
                settings, spec=what, store=store, bus=bus, clock=clock,
                registry=CollectorRegistry(), intake=httpx.MockTransport(intake),
            )  # fmt: skip

            async def fill(number: int) -> None:
                def decide(_: Document | None, now: datetime) -> Change:
                    return Change(TENANT, _case(number, now), {})

                await store.update(CASES, str(uuid4()), decide, fresh=True)

            await asyncio.gather(*(fill(number) for number in range(cases)))
            commits, cpu, began = store.commits, time.process_time(), time.perf_counter()
            async with service.running():
                while await store.count(CASES, "pending_n", equal=(TENANT,)):
                    if time.perf_counter() - began > WITHIN:
                        raise SystemExit("the letters do not go out")
                    await asyncio.sleep(0.05)
                taken, used = time.perf_counter() - began, time.process_time() - cpu
            letters = cases * A_CASE
            wrote = store.commits - commits
            store.close()
            bus.close()
        box = read(mails)
        if (box.distinct, box.surplus) != (letters, 0):
            raise SystemExit(f"{box.distinct} letters and {box.surplus} copies of {letters}")
    return Notices(
        letters, letters / taken, wrote / letters, asked / letters, used / letters * 1_000
    )


def main() -> None:
    """Measure, and print one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=150)
    parser.add_argument("--profile", action="store_true", help="where the time of the loop went")
    asked = parser.parse_args()
    profile = cProfile.Profile()
    if asked.profile:
        profile.enable()
    print(asyncio.run(measure(asked.cases)))
    if asked.profile:
        profile.disable()
        pstats.Stats(profile).sort_stats("cumulative").print_stats(70)


if __name__ == "__main__":
    main()
