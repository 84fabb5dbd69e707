"""The simulators beside an instance: started together, and none left when one cannot start."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from aduan.clock import SystemClock
from aduan_simulators.mailsink import process as mailsink
from aduan_standalone import partners


async def _answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def test_all_three_answer_at_addresses_of_their_own(tmp_path: Path) -> None:
    """And none of them when the block is left."""
    async with partners.running(tmp_path, SystemClock()) as found:
        urls = (found.laporgub_url, found.sp4n_url)
        ports = [*(int(url.rpartition(":")[2]) for url in urls), found.smtp_port]
        assert 3 == len(set(ports))
        assert [True] * 3 == [await _answers(port) for port in ports]

    assert [False] * 3 == [await _answers(port) for port in ports]


async def test_they_load_side_by_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is begun before any is ready, so that the wait is that of the slowest."""
    begun, all_begun = 0, asyncio.Event()

    @asynccontextmanager
    async def one(*_: Any) -> AsyncIterator[int]:
        nonlocal begun
        begun += 1
        if begun == 3:
            all_begun.set()
        await all_begun.wait()
        yield 1

    monkeypatch.setattr(partners, "_simulator", one)
    monkeypatch.setattr(mailsink, "running", one)

    async with asyncio.timeout(5), partners.running(tmp_path, SystemClock()):
        assert 3 == begun


async def test_one_that_cannot_start_ends_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one that gets ready only after the first has failed; and what failed comes out."""
    ended: list[str] = []
    failed = asyncio.Event()

    async def later() -> None:
        for _ in range(10):
            await asyncio.sleep(0)

    @asynccontextmanager
    async def slow(name: str, *_: Any) -> AsyncIterator[int]:
        await failed.wait()
        await later()
        try:
            yield 1
        finally:
            ended.append(name)

    @asynccontextmanager
    async def broken(*_: Any) -> AsyncIterator[int]:
        failed.set()
        raise mailsink.SinkDidNotStart("no")
        yield 1

    monkeypatch.setattr(partners, "_simulator", slow)
    monkeypatch.setattr(mailsink, "running", broken)

    with pytest.raises(mailsink.SinkDidNotStart):
        async with partners.running(tmp_path, SystemClock()):
            raise AssertionError("it runs without its mail sink")

    assert ["laporgub", "sp4n"] == sorted(ended)
