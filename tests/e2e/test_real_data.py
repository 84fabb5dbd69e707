"""Real complaints through the whole pipeline, as an operator would feed them. Private data: read, never kept.

The file lies beside the checkout, where there is one; ADUAN_REAL_ROWS=all feeds the whole of it.
"""

import asyncio
import json
import sys
from pathlib import Path

from aduan_faults import Instance
from aduan_real_data import MAP, needs_real_data, the_first_rows


async def _command(instance: Instance, *arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "aduan_standalone.cli.main", *arguments, "--data",
        str(instance.data),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    out, _ = await process.communicate()
    # No output of the feed in a message: it may quote a row.
    assert process.returncode == 0, f"`aduan {arguments[0]}` ended with {process.returncode}"
    return out.decode()


async def _status(instance: Instance, expected: int) -> dict[str, object]:
    async with asyncio.timeout(300):
        while True:
            found: dict[str, object] = json.loads(await _command(instance, "status", "--json"))
            busy = any(found[key] for key in ("pending", "held", "in_flight", "lag"))
            if not busy and found["clock_sets"] == expected:
                return found
            await asyncio.sleep(0.5)


@needs_real_data
async def test_real_complaints_become_one_case_each_and_a_second_feed_adds_none(
    tmp_path: Path,
) -> None:
    """One case, one set of clocks, one mirror decision, and decisions about notices for each."""
    rows = tmp_path / "rows.jsonl"
    count = the_first_rows(rows)
    async with Instance(tmp_path, fast=False, simulators=False) as instance:
        await instance.start_until_ready()
        feed = ["feed", str(rows), "--set", "confidential=no", "--set", "anonymous=no"]
        for pair in MAP:
            feed += ["--map", pair]
        ledger = tmp_path / "ledger"
        await _command(instance, *feed, "--ledger", str(ledger))
        first = await _status(instance, count)
        await _command(instance, *feed)
        second = await _status(instance, count)
        await instance.stop()

    tickets = {json.loads(line)["ticket"] for line in ledger.read_text().splitlines()}
    assert len(tickets) == count
    assert (first["received"], first["cases"], first["clock_sets"]) == (count, count, count)
    for found in (first["mirror_decisions"], first["states"]):
        assert isinstance(found, dict)
        assert sum(found.values()) == count
    notices = first["notification_decisions"]
    assert isinstance(notices, dict)
    assert sum(notices.values()) >= count
    assert first["dead_letters"] == 0
    same = ("received", "cases", "clock_sets", "mirror_decisions", "notification_decisions")
    assert [second[key] for key in same] == [first[key] for key in same]
