"""Every expression of every dashboard answers with data, in a real Prometheus, on a running city."""

import asyncio
import math
import os
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import httpx
import pytest
from aduan_prometheus import program, rules, scraping
from aduan_servers.ports import reserve
from tools.dashboards.picture import Painter
from tools.dashboards.prometheus import Prometheus
from tools.dashboards.reading import CHOSEN, documents, expressions, filled, panels

from aduan_simulators.orphans import die_with_parent
from aduan_simulators.people import script
from aduan_simulators.people.cast import Cast
from aduan_simulators.people.city import City
from aduan_standalone.cli import instance
from aduan_standalone.cli.show.keys import KeyRing

WITHIN_SECONDS: Final = 150.0
SAMPLES: Final = Path(__file__).parents[2] / "reference" / "samples" / "complaints.jsonl"
FED: Final = 60
# Three hours of the city a second: deadlines pass while we look, and a week lasts a minute.
CLOCK: Final = ("--clock-start", "2026-12-01T01:00:00Z", "--clock-speed", "10800")
EVERY: Final = frozenset(
    (slug, title, expr) for slug, board in documents().items() for title, expr in expressions(board)
)
# Panels of what is above zero, and why nothing may be in this feed: (slug, title) -> reason. Without
# the comparison they answer too, with zeros.
SELDOM: Final[Mapping[tuple[str, str], str]] = {
    ("sla-opd", "Selesai bersyarat"): "no office promises anything, or its day is not over",
}


async def aduan(folder: Path, *arguments: object, until: str = "") -> asyncio.subprocess.Process:
    """Start `aduan ...`; wait for a line that begins so, or for its end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "aduan_standalone.cli.main", *map(str, arguments),
        stdout=asyncio.subprocess.PIPE, preexec_fn=die_with_parent,
        env={**os.environ, "XDG_RUNTIME_DIR": str(folder)},
    )  # fmt: skip
    assert process.stdout is not None
    if until:
        line = await process.stdout.readline()
        assert line.startswith(until.encode()), line
    else:
        said, _ = await process.communicate()
        assert 0 == process.returncode, said
    return process


@asynccontextmanager
async def city(folder: Path) -> AsyncIterator[Prometheus]:
    """Run all five services with partners and canary, scrape them, feed them, let offices work."""
    data = folder / "data"
    samples = folder / "samples.jsonl"
    lines = SAMPLES.read_text("utf-8").splitlines(keepends=True)[:FED]
    samples.write_text("".join(lines), "utf-8")
    (port,) = reserve(1)
    up = ("up", "--data", data, "--port", port, "--simulators", "--canary", *CLOCK)
    # Prometheus first: what happens before it looks is no increase.
    with scraping(folder, {"aduan": f"127.0.0.1:{port}"}) as source:
        process = await aduan(folder, *up, until="ready ")
        working: asyncio.Task[None] | None = None
        try:
            target = instance.find(data, None)
            urls = {name: target.url_of(name) for name in instance.SERVICES}
            async with httpx.AsyncClient(timeout=30) as client:
                town = City(client, urls, KeyRing(client, target))
                cast = Cast(town, script.load(), seed=1, tokens={})
                working = asyncio.create_task(cast.run(), name="cast")
                await aduan(folder, "feed", samples, "--data", data)
                yield source
        finally:
            if working is not None:
                working.cancel()
                await asyncio.gather(working, return_exceptions=True)
            process.terminate()
            await process.wait()


async def values(source: Prometheus, expr: str) -> list[float]:
    """Return the numbers that an expression gives now; what is no number is none."""
    found = await asyncio.to_thread(source.now, filled(expr, CHOSEN))
    return [value for _, value in found if math.isfinite(value)]


@pytest.mark.slow
async def test_every_panel_answers_with_data(tmp_path: Path) -> None:
    """Each is asked until it has answered once. Then all boards are drawn, and no rule has failed."""
    program("prometheus")
    seldom = {one for one in EVERY if one[:2] in SELDOM}
    waiting = set(EVERY)
    async with city(tmp_path) as source:
        deadline = time.monotonic() + WITHIN_SECONDS
        while waiting - seldom and time.monotonic() < deadline:
            waiting = {one for one in waiting if not await values(source, one[2])}
            await asyncio.sleep(0.5)
        unfiltered = [await values(source, one[2].replace(" > 0", "")) for one in waiting & seldom]
        painter = Painter(source, start=time.time() - 60, end=time.time(), chosen=CHOSEN)
        pages = {
            slug: await asyncio.to_thread(painter.page, board)
            for slug, board in documents().items()
        }
        groups = (await asyncio.to_thread(source.get, "rules"))["groups"]

    evaluated = {rule["name"]: rule["health"] for group in groups for rule in group["rules"]}
    paging = [
        rule["name"]
        for group in groups
        for rule in group["rules"]
        if rule["labels"]["severity"] == "page" and rule["state"] == "firing"
    ]
    assert dict.fromkeys(rules(), "ok") == evaluated
    assert [] == paging, "a healthy city wakes nobody"
    assert [] == sorted(waiting - seldom)
    assert all(found and not any(found) for found in unfiltered), "silent for another reason"
    for slug, board in documents().items():
        assert pages[slug].count("<section") == len(list(panels(board)))


def test_what_is_seldom_there_is_a_panel_that_compares_with_zero() -> None:
    """The list of exceptions holds nothing else, and nothing that is gone."""
    named = {one[:2]: one[2] for one in EVERY if one[:2] in SELDOM}

    assert set(SELDOM) == set(named)
    assert all(expr.endswith(" > 0") for expr in named.values())
