"""The postman's turn with one case: one letter in doubt at most, few writes, one question, one line."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiosmtplib
import pytest
from aduan_harness import eventually
from aduan_notify_world import DPU, PERSON, REFERENCE, TENANT, Story, Town, a_town, decided, rows_of

from aduan.service import Service
from aduan_notify.adapters.directory import load_directory
from aduan_notify.domain.case import CASES
from aduan_notify.entrypoints.pace import Pace
from aduan_notify.entrypoints.postman import PER_TURN, Postman
from aduan_notify.entrypoints.recipients import Recipients
from aduan_notify.metrics import Metrics
from aduan_notify.ports import Answer, ContactsAway, Letter, Line, MailAway

ACCEPTED = Answer("accepted", 250)


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    """A folder, a mail sink, and intake's contacts."""
    async with a_town(tmp_path) as found:
        yield found


class Provider:
    """A mail provider in the test's hand.

    at_send, at_line: look on while a letter is with it, and while a line is made.
    answers: by turn, afterwards accepted; whatever is not accepted spoils the line.
    lines: how many may be opened before it is away.
    """

    def __init__(self, *answers: Answer, lines: int = 1_000) -> None:
        self.answers = list(answers)
        self.lines_left = lines
        self.opened = 0
        self.got: list[tuple[Letter, Sequence[str]]] = []
        self.at_send: Callable[[], Any] = lambda: None
        self.at_line: Callable[[], Any] = lambda: None

    @asynccontextmanager
    async def line(self) -> AsyncIterator[Line]:
        """See Mailer."""
        if not self.lines_left:
            raise MailAway("away")
        self.lines_left -= 1
        self.opened += 1
        seen = self.at_line()
        if seen is not None:
            await seen
        yield _ALine(self)


class _ALine:
    def __init__(self, provider: Provider) -> None:
        self.is_clean = True
        self._provider = provider

    async def send(self, letter: Letter, to: Sequence[str]) -> Answer:
        """See Line."""
        answer = self._provider.answers.pop(0) if self._provider.answers else ACCEPTED
        self._provider.got.append((letter, to))
        seen = self._provider.at_send()
        if seen is not None:
            await seen
        self.is_clean = answer.kind == "accepted"
        return answer


class Contacts:
    """Intake in the test's hand."""

    def __init__(self, *, away: bool = False) -> None:
        self.asked = 0
        self._away = away

    async def email_of(self, complaint_id: str) -> str | None:
        """See Contacts."""
        self.asked += 1
        if self._away:
            raise ContactsAway("away")
        return PERSON


async def owing(town: Town, service: Service, warnings: int = 1) -> Story:
    """A case that owes its receipt, its assignment (two letters) and so many warnings of the office."""
    story = town.story()
    raws = [
        story.write("complaint.created", story.created()),
        story.write("complaint.assigned", story.assigned()),
    ]
    raws += [story.write("sla.warned", story.warned("office")) for _ in range(warnings)]
    await service.runtime.cases.deliver(story.id, raws)
    return story


def postman(
    town: Town, service: Service, provider: Provider, contacts: Contacts | None = None
) -> Postman:
    """A postman of this service who goes to that provider; his rounds are the test's to call."""
    directories = {TENANT: load_directory(REFERENCE, TENANT)}
    store = service.runtime.store
    town.registry = type(town.registry)()
    quick = timedelta(seconds=0.02)
    return Postman(
        cases=service.runtime.cases,
        clock=town.world.clock,
        directories=directories,
        recipients=Recipients(contacts or Contacts(), store, directories),
        mailer=provider,
        echo=provider,
        metrics=Metrics(town.registry),
        pace=Pace(
            poll=quick,
            lease=timedelta(seconds=10),
            retry_first=timedelta(seconds=60),
            retry_longest=timedelta(seconds=60),
            give_up_after=timedelta(hours=1),
            concurrency=4,
        ),
        public_url="http://127.0.0.1:8000",
    )


async def decisions(service: Service, story: Story) -> list[str]:
    """Return the decisions of a case's rows, oldest cause first."""
    return [row["decision"] for row in await rows_of(service, story)]


async def test_a_case_has_one_letter_in_doubt_and_the_others_are_marked(town: Town) -> None:
    """While a letter is with the provider, those before are `delivered` in the file, none is ahead."""
    service = await town.service()
    story = await owing(town, service, warnings=3)
    provider = Provider()
    seen: list[list[str]] = []

    async def look() -> None:
        seen.append(sorted(await decisions(service, story)))

    provider.at_send = look

    await postman(town, service, provider).round()

    assert seen == [
        ["delivered"] * before + ["pending"] * (5 - before) + ["sending"] for before in range(6)
    ]
    assert await decisions(service, story) == ["delivered"] * 6


async def test_an_answer_and_the_next_claim_are_one_write(town: Town) -> None:
    """Six letters of a case take seven writes, one line, and one question about its reporter."""
    service = await town.service()
    story = await owing(town, service, warnings=3)
    provider, contacts = Provider(), Contacts()
    before = await service.runtime.store.get(CASES, story.id)

    await postman(town, service, provider, contacts).round()

    after = await service.runtime.store.get(CASES, story.id)
    assert before is not None
    assert after is not None
    assert (7, 1, 1) == (after.version - before.version, provider.opened, contacts.asked)
    assert 6 == len(provider.got)


async def test_letters_of_a_case_leave_in_the_order_of_their_causes(town: Town) -> None:
    """Whatever goes on beside it: the receipt is not overtaken by the assignment."""
    service = await town.service()
    stories = [await owing(town, service, warnings=2) for _ in range(6)]
    provider = Provider()

    async def others_go_on() -> None:
        await asyncio.sleep(0)

    provider.at_send = others_go_on

    await postman(town, service, provider).round()

    for story in stories:
        ids = [row["id"] for row in await rows_of(service, story)]
        left = [letter.message_id.partition("@")[0] for letter, _ in provider.got]
        assert ids == [id for id in left if id in ids]


async def test_a_spoilt_line_is_left_and_its_answer_is_written_first(town: Town) -> None:
    """A refusal costs the line: the next letter goes by another one; without one nothing is lost."""
    service = await town.service()
    story = await owing(town, service)
    provider = Provider(Answer("refused", 550), ACCEPTED, Answer("deferred", 451), lines=2)

    with pytest.raises(MailAway):
        await postman(town, service, provider).round()

    rows = await rows_of(service, story)
    assert [("failed", 1), ("delivered", 1), ("pending", 1), ("pending", 0)] == [
        (row["decision"], row["tries"]) for row in rows
    ]
    assert 2 == provider.opened


async def test_a_stop_in_the_middle_of_a_case_ends_with_the_letter_in_hand(town: Town) -> None:
    """The letter that is with the provider gets its mark, and none is begun after it."""
    service = await town.service()
    story = await owing(town, service, warnings=3)
    provider, go_on = Provider(), asyncio.Event()
    provider.at_send = go_on.wait
    running = asyncio.ensure_future(postman(town, service, provider).run())

    async def in_hand() -> bool:
        return len(provider.got) == 1

    await eventually(in_hand)
    running.cancel()
    await asyncio.sleep(0)
    go_on.set()
    with suppress(asyncio.CancelledError):
        await running

    assert ["delivered", *["pending"] * 5] == await decisions(service, story)
    assert 1 == len(provider.got)


async def test_a_stop_while_a_line_is_made_ends_without_a_letter(town: Town) -> None:
    """The provider takes its time to say hello, and nothing is begun afterwards."""
    service = await town.service()
    story = await owing(town, service, warnings=3)
    provider, go_on = Provider(), asyncio.Event()
    provider.at_line = go_on.wait
    running = asyncio.ensure_future(postman(town, service, provider).run())

    async def asked() -> bool:
        return provider.opened == 1

    await eventually(asked)
    running.cancel()
    await asyncio.sleep(0)
    go_on.set()
    with suppress(asyncio.CancelledError):
        await running

    assert ["pending"] * 6 == await decisions(service, story)
    assert [] == provider.got


async def test_intake_that_is_away_is_asked_once_for_all_letters_of_a_case(town: Town) -> None:
    """Those of the reporter wait together, those of the office go out."""
    service = await town.service()
    story = await owing(town, service)
    provider, contacts = Provider(), Contacts(away=True)

    await postman(town, service, provider, contacts).round()

    rows = await rows_of(service, story)
    waiting = {row["audience"] for row in rows if row["reason"] == "contacts_away"}
    assert ({"reporter"}, 1, 2) == (waiting, contacts.asked, len(provider.got))
    assert {(DPU,)} == {tuple(to) for _, to in provider.got}


async def test_a_case_with_many_letters_lets_the_others_have_their_turn(town: Town) -> None:
    """A turn has an end, and what is left comes with the next look."""
    service = await town.service()
    story = await owing(town, service, warnings=PER_TURN)
    provider = Provider()
    one = postman(town, service, provider)

    assert 1 == await one.round()
    assert PER_TURN == len(provider.got)
    assert 1 == await one.round()

    assert {"delivered"} == set(await decisions(service, story))
    assert 0 == await one.round()


async def test_letters_of_many_cases_share_few_connections(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many connections as letters are under way at once, however many letters there are."""
    connected = 0
    real = aiosmtplib.SMTP.connect

    async def counted(self: aiosmtplib.SMTP, *args: Any, **options: Any) -> Any:
        nonlocal connected
        connected += 1
        return await real(self, *args, **options)

    monkeypatch.setattr(aiosmtplib.SMTP, "connect", counted)
    service = await town.service(concurrency=3)
    stories = [await owing(town, service, warnings=2) for _ in range(9)]

    async def all_out() -> bool:
        return len(town.mailbox.mails) == 45

    async with town.world.running(service):
        await eventually(all_out)
        for story in stories:
            await decided(service, story, 5)

    assert connected <= 3
