"""The outbox page: readable by people, masked, closed to whoever has no key."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aduan_http import client_of
from aduan_notify_world import DPU, KEY, PERSON, RECORD, Town, a_key, a_town, decided

PAGE = "/notify/outbox"


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    """A folder, a mail sink, and intake's contacts."""
    async with a_town(tmp_path) as found:
        yield found


async def test_the_page_shows_letters_decisions_and_reasons_and_no_address(town: Town) -> None:
    """The newest complaint first, the letter's own words, recipients masked."""
    service = await town.service(outbox_open=True)
    first, second = town.story(), town.story()
    async with town.world.running(service), client_of(service.app) as client:
        await first.tell("complaint.created", first.created())
        await first.tell("complaint.assigned", first.assigned())
        await decided(service, first, 3)
        await second.tell(
            "complaint.created", second.created(reporter={"pseudonym": "P"}, anonymous=True)
        )
        await decided(service, second, 1)
        answer = await client.get(PAGE)

    html = answer.text
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert html.index(second.ticket) < html.index(first.ticket)
    assert "didisposisikan kepada Dinas Pekerjaan Umum" in html
    assert "pelapor anonim tanpa alamat surel" in html
    assert "w***@c***.test" in html
    assert PERSON not in html
    assert DPU not in html
    assert "<script" not in html


async def test_pages_hold_twenty_complaints_and_lead_to_the_older_ones(town: Town) -> None:
    """Every complaint stands on exactly one page; a filter stays on."""
    service = await town.service(outbox_open=True)
    stories = [town.story(email=None) for _ in range(23)]
    async with town.world.running(service), client_of(service.app) as client:
        for story in stories:
            await story.tell("complaint.created", story.created(reporter={"pseudonym": "P-1"}))
            await decided(service, story, 1)
        first = (await client.get(PAGE, params={"decision": "skipped"})).text
        older = re.search(r'href="([^"]+)" rel="next"', first)
        assert older is not None
        second = (await client.get(older.group(1).replace("&amp;", "&"))).text
        nothing = (await client.get(PAGE, params={"decision": "failed"})).text

    found = [re.findall(r"SMG-0000-0000-\d{3}", page) for page in (first, second)]
    assert 'rel="next"' not in second
    assert sorted({*found[0], *found[1]}) == sorted(story.ticket for story in stories)
    assert not {*found[0]} & {*found[1]}
    assert "Belum ada pemberitahuan dengan keputusan ini." in nothing


async def test_a_confidential_case_shows_its_number_only(town: Town) -> None:
    """Neither the step nor the office is on the page."""
    service = await town.service(outbox_open=True)
    story = town.story()
    async with town.world.running(service), client_of(service.app) as client:
        await story.tell("complaint.created", story.created(confidential=True))
        await story.tell("complaint.assigned", story.assigned(confidential=True))
        await decided(service, story, 3)
        html = (await client.get(PAGE)).text

    assert story.ticket in html
    assert "Laporan rahasia" in html
    assert "Didisposisikan" not in html
    assert "Pekerjaan Umum" not in html


async def test_without_a_key_the_page_asks_for_one_and_keeps_it_in_a_safe_cookie(
    town: Town,
) -> None:
    """401 with a form; a wrong key again 401; the right one signs in; a unit's key does not."""
    unit, unit_record = a_key("deliveries:read", opd="DPU")
    service = await town.service(static_keys=(RECORD, unit_record))
    story = town.story()
    async with town.world.running(service), client_of(service.app) as client:
        await story.tell("complaint.created", story.created())
        await decided(service, story, 1)
        closed = await client.get(PAGE)
        wrong = await client.post("/notify/sign-in", data={"key": "bukan kunci"})
        not_yours = await client.post("/notify/sign-in", data={"key": unit})
        signed = await client.post("/notify/sign-in", data={"key": f" {KEY} "})
        cookie = signed.headers["set-cookie"]
        opened = await client.get(PAGE, headers={"cookie": cookie.split(";")[0]})

    assert 401 == closed.status_code == wrong.status_code == not_yours.status_code
    assert story.ticket not in closed.text
    assert "Kunci akses" in closed.text
    assert "Kunci tidak berlaku" in wrong.text
    assert (303, PAGE) == (signed.status_code, signed.headers["location"])
    assert {"HttpOnly", "Secure", "SameSite=strict", "Path=/notify"} <= set(cookie.split("; "))
    assert opened.status_code == 200
    assert story.ticket in opened.text
