"""Nobody learns who complained: planted identities are searched in every byte that we leave behind."""

import asyncio
import re
from pathlib import Path
from typing import Any

from aduan_faults import Checker, Instance, Ledger
from aduan_metrics import Scrape
from aduan_planted_people import COUNT, TEXTS, a_person, found_in

from aduan_simulators.mailsink.reading import read
from aduan_standalone.series import DATA, series_of

CASE = re.compile(r"SMG|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}", re.IGNORECASE)


def test_every_planted_thing_would_be_found() -> None:
    """A search that found nothing would be of no use; chance finds of digits are none."""
    for number in (0, 7, COUNT - 1):
        for what, value in a_person(number).items():
            assert found_in(f'{{"x": "{value}"}}'.encode(), what), what
    assert found_in(b"0190c7a8-811a-7b3c-8119-811934567897", "a uuid") == []


async def test_a_thousand_identities_leave_no_trace(tmp_path: Path) -> None:
    """Data folder, logs, metrics, HTTP errors, pages, subjects and bodies of letters."""
    ledger = Ledger(tmp_path / "ledger.jsonl")
    async with Instance(tmp_path, fast=False) as instance:
        await instance.start_until_ready()
        people = [a_person(number) for number in range(COUNT)]
        answers: list[bytes] = []
        labels: dict[str, set[str]] = {}
        async with instance.client() as client:
            made = await client.post(
                "/v1/portals",
                json={"code": "leak", "name": "leak", "anonymous": False, "confidential": False},
            )
            key = {"Authorization": f"Bearer {made.json()['key']}"}
            slots = asyncio.Semaphore(16)

            async def one(number: int) -> None:
                async with slots:
                    answers.append(
                        (
                            await client.post("/v1/complaints", json=body(number), headers=key)
                        ).content
                    )

            def body(number: int) -> dict[str, Any]:
                person = people[number]
                return {
                    "external_id": f"leak-{number}",
                    "title": f"Laporan {person['first']}",
                    "text": TEXTS[number % len(TEXTS)].format(**person),
                    "place": {"area_code": "33.74.01.1001", "text": f"rumah {person['name']}"},
                    "reporter": {name: person[name] for name in ("name", "email", "phone")},
                    "confidential": number % 10 == 0,
                }

            await asyncio.gather(*(one(number) for number in range(COUNT)))
            # Errors: whatever is wrong with it, the answer must not repeat it.
            for change in ({"inlet": "x" * 99}, {"nik": people[0]["nik"]}, {"place": {"lat": 999}}):
                wrong = {**body(0), **change, "external_id": "other"}
                answers.append(
                    (await client.post("/v1/complaints", json=wrong, headers=key)).content
                )
            answers.append((await client.get(f"/v1/complaints/{people[0]['phone']}")).content)
            for ledgered in answers[:50]:
                assert b"ticket" in ledgered or b"problem" in ledgered
            await Checker(instance, ledger).settled()
            pages = [
                "/metrics",
                "/",
                "/notify/outbox",
                "/v1/cases?limit=200",
                "/v1/deliveries?limit=200",
            ]
            pages += [f"/{name}/ops/dlq" for name in ("intake", "routing", "sla", "notify")]
            for page in pages:
                answer = await client.get(page)
                assert answer.status_code == 200, (page, answer.status_code)
                answers.append(answer.content)
                if page == "/metrics":
                    labels = Scrape(answer.text).labels()
        await instance.stop()

    leaks = [leak for n, answer in enumerate(answers) for leak in found_in(answer, f"answer {n}")]
    for path in instance.data.rglob("*"):
        if path.is_file():
            leaks += found_in(path.read_bytes(), str(path.relative_to(tmp_path)))
    leaks += found_in(instance.log.read_bytes(), "log")
    letters = read(instance.outside / "mail").mails
    for letter in letters:
        leaks += found_in(f"{letter.subject}\n{letter.body}".encode(), "a letter")
    assert leaks == []
    values = {value for name, found in labels.items() if name != "le" for value in found}
    assert len(values) > 100
    # No ticket, no id, no case of any kind: every value is known before anything was reported.
    assert [value for value in values if CASE.search(value)] == []
    known = {
        value
        for one in series_of("standalone")
        for listed in one.labels.values()
        for value in listed
    }
    closed = {value for name in labels.keys() - DATA.keys() - {"le"} for value in labels[name]}
    assert closed <= known
    assert len([letter for letter in letters if letter.to[0].startswith("zq")]) >= COUNT
