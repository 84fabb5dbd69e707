"""The citizens' pages when something is amiss: the store, the body, the browser's way back."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aduan_harness import World
from aduan_intake_world import Intake, a_complaint, intake_in
from aduan_pages import Page

from aduan.clock import ManualClock
from aduan.errors import Busy

START = datetime(2026, 12, 1, 2, tzinfo=UTC)
WORDS = "Lampu jalan di depan balai RW padam sejak tiga malam."


@pytest.fixture
async def intake(tmp_path: Path) -> AsyncIterator[Intake]:
    """A running intake."""
    world = World(tmp_path, ManualClock(START))
    async with intake_in(world) as running:
        yield running
    world.close()


async def opened(intake: Intake, path: str) -> dict[str, str]:
    """Open a page with a form; return what it would send."""
    return Page((await intake.http.get(path)).text).fields


async def test_when_the_store_is_away_the_form_keeps_what_was_typed(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503 with Retry-After and the same one-time key; sent again later, it is one complaint."""
    form = {**await opened(intake, "/lapor"), "uraian": WORDS, "nama": "Siti Contoh"}

    async def away(*_: Any, **__: Any) -> None:
        raise Busy("away")

    with monkeypatch.context() as broken:
        broken.setattr(intake.service.runtime.cases, "command", away)
        answer = await intake.http.post("/lapor", data=form)
    again = await intake.http.post("/lapor", data=Page(answer.text).fields)

    assert (503, "5") == (answer.status_code, answer.headers["Retry-After"])
    assert form == Page(answer.text).fields
    assert (201, 1) == (again.status_code, await intake.documents())


async def test_when_the_store_is_away_the_reply_box_keeps_what_was_typed(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same for a reply."""
    made = (await intake.post(a_complaint())).json()
    where = f"/lacak/{made['ticket']}"
    form = {**await opened(intake, where), "isi": "Dua lampu.", "token": made["reporter_token"]}

    async def away(*_: Any, **__: Any) -> None:
        raise Busy("away")

    with monkeypatch.context() as broken:
        broken.setattr(intake.service.runtime.cases, "command", away)
        answer = await intake.http.post(f"{where}/balasan", data=form)
    again = await intake.http.post(f"{where}/balasan", data=Page(answer.text).fields)

    assert (503, 303) == (answer.status_code, again.status_code)
    assert "Dua lampu." == Page(answer.text).fields["isi"]


async def test_a_page_names_no_reporter(intake: Intake) -> None:
    """Neither who complained nor what was written is on a page that everybody may open."""
    made = await intake.post(
        a_complaint(text="Rumah Budi bocor.", reporter={"name": "Budi", "email": "b@ex.test"})
    )
    page = await intake.http.get(f"/lacak/{made.json()['ticket']}")

    assert not {"Budi", "b@ex.test", "bocor"} & set(Page(page.text).said.split())


@pytest.mark.parametrize("path", ["buka", "balasan"])
async def test_reloading_after_an_answer_leads_back_to_the_complaint(
    intake: Intake, path: str
) -> None:
    """Nobody ends on an address that only takes forms."""
    ticket = (await intake.post(a_complaint())).json()["ticket"]
    answer = await intake.http.get(f"/lacak/{ticket}/{path}")

    assert (303, f"/lacak/{ticket}") == (answer.status_code, answer.headers["location"])


@pytest.mark.parametrize("content", [b"\xff\xfe", b"--x\r\nbroken", b"a" * 2_000_000])
async def test_a_body_that_is_no_form_is_a_4xx(intake: Intake, content: bytes) -> None:
    """Whatever it is, nothing is taken."""
    headers = {"content-type": "multipart/form-data; boundary=x"}
    answer = await intake.http.post("/lapor", content=content, headers=headers)

    assert 400 <= answer.status_code < 500
    assert 0 == await intake.documents()
