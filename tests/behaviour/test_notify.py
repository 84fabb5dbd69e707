"""notify from events to mails in a real SMTP sink: each cause told once, to nobody who must not know."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from aduan_harness import eventually
from aduan_notify_world import (
    COORDINATOR,
    DPU,
    PERSON,
    TENANT,
    Story,
    Town,
    a_town,
    decided,
    rows_of,
    told,
)

from aduan.contracts.values import CANARY_TENANT
from aduan.ids import uuid7
from aduan.messaging.consumer import ConsumerLoop
from aduan.messaging.partition import every_partition
from aduan.observability.metrics import exported

HEAD = "kepala.dpu@opd.semarang.test"
LEADERSHIP = "sekretaris-daerah@semarang.test"


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    """A folder, a mail sink, and intake's contacts."""
    async with a_town(tmp_path) as found:
        yield found


async def test_a_complaint_is_receipted_and_its_office_is_told(town: Town) -> None:
    """The reporter gets receipt and assignment, the office its disposition; each exactly once."""
    story = town.story()
    service = await town.service()
    async with town.world.running(service):
        await story.tell("complaint.created", story.created())
        await story.tell("complaint.assigned", story.assigned())
        await decided(service, story, 3)

    box = town.mailbox
    assert {
        ("received", "reporter", "delivered", "accepted"),
        ("assigned", "reporter", "delivered", "accepted"),
        ("assigned", "office", "delivered", "accepted"),
    } == told(await rows_of(service, story))
    assert (3, 0) == (box.distinct, box.surplus)
    assert [f"Laporan {story.ticket} didisposisikan kepada Dinas Pekerjaan Umum"] == [
        mail.subject for mail in box.sent_to(DPU)
    ]
    assert 2 == len(box.sent_to(PERSON))


async def test_a_redelivered_event_sends_once(town: Town) -> None:
    """The whole log again, and a clock event told again under its own id, add no row and no mail."""
    story = town.story()
    service = await town.service()
    breach = story.breached(0, "office")
    async with town.world.running(service):
        await story.tell("complaint.created", story.created())
        await story.tell("sla.breached", breach, event_id="0d3b5a1e-0000-5000-8000-000000000001")
        await decided(service, story, 2)
        await town.publish(*story.raws)
        await story.tell("sla.breached", breach, event_id="0d3b5a1e-0000-5000-8000-000000000001")
        await story.tell("complaint.assigned", story.assigned())
        await decided(service, story, 4)

    assert (4, 0) == (town.mailbox.distinct, town.mailbox.surplus)
    assert 2 == len(town.mailbox.sent_to(DPU))


async def test_the_message_id_names_cause_audience_and_channel(town: Town) -> None:
    """The same decision has the same Message-ID wherever and whenever it is computed."""
    story = town.story()
    service = await town.service()
    async with town.world.running(service):
        await story.tell("complaint.created", story.created())
        await decided(service, story, 1)

    (row,) = await rows_of(service, story)
    assert [f"<{row['id']}@semarang.test>"] == [mail.message_id for mail in town.mailbox.mails]


@pytest.mark.parametrize(
    ("created", "reason"),
    [
        ({"reporter": {"pseudonym": "P-1", "reachable_by": ("phone",)}}, "unreachable"),
        ({"reporter": {"pseudonym": "P-1"}, "anonymous": True}, "anonymous_no_contact"),
        ({"test": True}, "test"),
    ],
)
async def test_who_cannot_or_must_not_be_told_is_decided_with_a_reason(
    town: Town, created: dict[str, Any], reason: str
) -> None:
    """A row stands there, skipped; intake is not even asked."""
    story = town.story()
    service = await town.service()
    async with town.world.running(service):
        await story.tell("complaint.created", story.created(**created))
        await decided(service, story, 1)

    assert {("received", "reporter", "skipped", reason)} == told(await rows_of(service, story))
    assert town.mailbox.mails == []
    assert not town.intake.asked


async def test_a_contact_that_is_gone_when_the_letter_is_sent_is_skipped(town: Town) -> None:
    """Intake answers 404: the decision is skipped, unreachable; it is asked with a purpose."""
    story = town.story(email=None)
    service = await town.service()
    async with town.world.running(service):
        await story.tell("complaint.created", story.created())
        await decided(service, story, 1)

    assert {("received", "reporter", "skipped", "unreachable")} == told(
        await rows_of(service, story)
    )
    (request,) = town.intake.seen
    assert "notification" == request.url.params["purpose"]
    assert request.headers["authorization"].startswith("Bearer aduan_")


async def test_intake_that_is_away_delays_the_reporter_and_nobody_else(town: Town) -> None:
    """The office hears at once; the reporter when intake answers again."""
    story = town.story()
    service = await town.service()
    town.intake.status = 503
    async with town.world.running(service):
        await story.tell("complaint.created", story.created())
        await story.tell("complaint.assigned", story.assigned())

        async def office_knows() -> bool:
            return len(town.mailbox.sent_to(DPU)) == 1

        async def reporter_waits() -> bool:
            rows = await rows_of(service, story)
            return {"contacts_away"} == {
                row["reason"] for row in rows if row["audience"] == "reporter"
            }

        await eventually(office_knows)
        await eventually(reporter_waits)
        waiting = [row for row in await rows_of(service, story) if row["audience"] == "reporter"]
        assert {"contacts_away"} == {row["reason"] for row in waiting}
        assert {0} == {row["tries"] for row in waiting}
        town.intake.status = 200
        await decided(service, story, 3)

    assert 2 == len(town.mailbox.sent_to(PERSON))
    assert 0 == town.mailbox.surplus


async def test_addresses_stand_in_to_and_names_nowhere(town: Town) -> None:
    """What the citizen wrote, and any name, number or address in it, is in no letter."""
    story = town.story()
    service = await town.service()
    text = "Kata Bu Sulastri, hubungi 081234567890 atau sulastri@contoh.test."
    async with town.world.running(service):
        await story.tell("complaint.created", story.created(text=text, title="Rumah Bu Sulastri"))
        await story.tell("complaint.assigned", story.assigned(note="Bu Sulastri"))
        await story.tell(
            "complaint.progressed",
            story.progressed("in_progress", "answered", answer={"kind": "final", "text": text}),
        )
        await decided(service, story, 4)

    for mail in town.mailbox.mails:
        headers, _, _ = mail.raw.partition(b"\r\n\r\n")
        others = [line for line in headers.split(b"\r\n") if not line.startswith(b"To:")]
        shown = b"\n".join(others).decode() + mail.subject + mail.body
        assert not re.search(r"sulastri|0812|contoh\.test", shown, re.IGNORECASE), shown
    stored = b"".join(
        path.read_bytes() for path in town.world.folder.glob("notify.db*") if path.is_file()
    )
    assert stored
    assert PERSON.encode() not in stored


async def test_a_confidential_complaint_is_told_by_its_number_alone(town: Town) -> None:
    """Subject and text are the same whatever happened, and say nothing of it."""
    story = town.story()
    service = await town.service()
    async with town.world.running(service):
        await story.tell(
            "complaint.created", story.created(confidential=True, text=None, title=None)
        )
        await story.tell(
            "complaint.progressed",
            story.progressed(None, "triage", by="system", case={"confidential": True}),
        )
        await story.tell("complaint.assigned", story.assigned(confidential=True))
        await decided(service, story, 4)

    box = town.mailbox
    assert 4 == len(box.mails)
    assert {f"Laporan {story.ticket}"} == {mail.subject for mail in box.sent_to(PERSON)}
    officials = [*box.sent_to(DPU), *box.sent_to(COORDINATOR)]
    assert {f"Laporan rahasia {story.ticket}"} == {mail.subject for mail in officials}
    assert not any("Dinas Pekerjaan Umum" in mail.body for mail in box.mails)


async def test_a_flag_set_before_the_letter_leaves_decides_how_it_reads(town: Town) -> None:
    """The letter is written as the case is when it goes out, not as it was when it was owed."""
    story = town.story()
    await story.tell("complaint.created", story.created())
    await story.tell(
        "complaint.progressed",
        story.progressed("triage", "triage", by="coordinator", case={"confidential": True}),
    )
    service = await town.service()
    town.intake.status = 503
    async with town.world.running(service):
        await town.world.settled()
        town.intake.status = 200
        await decided(service, story, 1)

    assert [f"Laporan {story.ticket}"] == [mail.subject for mail in town.mailbox.mails]


async def test_no_unit_but_the_overseer_hears_of_an_oversight_case(town: Town) -> None:
    """The accused unit, and its head, get nothing; the decision says why."""
    story = town.story()
    service = await town.service()
    accused: dict[str, Any] = {
        "oversight": True,
        "confidential": True,
        "class": "pengaduan_berkadar_pengawasan",
    }
    async with town.world.running(service):
        await story.tell("complaint.created", story.created())
        await story.tell("complaint.assigned", story.assigned("DPU", **accused))
        await story.tell(
            "sla.breached",
            story.breached(
                1, "office", "office_head", **{"class": "pengaduan_berkadar_pengawasan"}
            ),
        )
        await story.tell("complaint.assigned", story.assigned("INSPEKTORAT", **accused))
        await decided(service, story, 7)

    rows = await rows_of(service, story)
    to_dpu = [row for row in rows if row["unit"] == "DPU"]
    assert {("skipped", "oversight_accused")} == {(r["decision"], r["reason"]) for r in to_dpu}
    assert 3 == len(to_dpu)
    assert not [*town.mailbox.sent_to(DPU), *town.mailbox.sent_to(HEAD)]
    assert 1 == len(town.mailbox.sent_to("inspektorat@opd.semarang.test"))


async def test_a_letter_already_owed_to_a_unit_that_turns_out_accused_is_not_sent(
    town: Town,
) -> None:
    """A clock event without the class is owed; the case says oversight before it leaves."""
    story = town.story(email=None)
    await story.tell("complaint.created", story.created())
    await story.tell("sla.warned", story.warned("office"))
    await story.tell(
        "complaint.progressed",
        story.progressed(
            "triage", "triage", by="coordinator", case={"oversight": True, "opd": "DPU"}
        ),
    )
    service = await town.service(poll_seconds=1.0)
    async with town.world.running(service):
        await decided(service, story, 2)

    assert ("sla_warned", "office", "skipped", "oversight_accused") in told(
        await rows_of(service, story)
    )
    assert town.mailbox.mails == []


async def test_a_clock_event_that_says_oversight_is_believed_before_routing_speaks(
    town: Town,
) -> None:
    """The case is not flagged here yet; the event's own class is enough to stay silent."""
    story = town.story(email=None)
    service = await town.service()
    async with town.world.running(service):
        await story.tell("complaint.created", story.created())
        await story.tell(
            "sla.breached",
            story.breached(
                1, "office", "office_head", **{"class": "pengaduan_berkadar_pengawasan"}
            ),
        )
        await decided(service, story, 3)

    assert {
        ("received", "reporter", "skipped", "unreachable"),
        ("sla_breached", "office", "skipped", "oversight_accused"),
        ("sla_breached", "office_head", "skipped", "oversight_accused"),
    } == told(await rows_of(service, story))
    assert town.mailbox.mails == []


async def test_each_level_of_a_breach_is_told_to_its_own_audience(town: Town) -> None:
    """Level 0 the office, 1 its head as well, 2 coordinator and leadership too."""
    story = town.story()
    service = await town.service()
    async with town.world.running(service):
        await story.tell("complaint.created", story.created())
        await story.tell("sla.warned", story.warned("office"))
        await story.tell("sla.breached", story.breached(0, "office"))
        await story.tell("sla.breached", story.breached(1, "office", "office_head"))
        await story.tell(
            "sla.breached", story.breached(2, "office_head", "coordinator", "leadership")
        )
        await decided(service, story, 8)

    box = town.mailbox
    assert (3, 2, 1, 1) == tuple(
        len(box.sent_to(address)) for address in (DPU, HEAD, COORDINATOR, LEADERSHIP)
    )
    assert any(mail.subject.startswith("Peringatan ke-2") for mail in box.sent_to(DPU))
    assert all("pukul 09.00 WIB" in mail.body for mail in box.sent_to(LEADERSHIP))


STEPS = [
    ("triage", None, "triage", "system", {}, {("triage", "coordinator")}),
    ("question", "in_progress", "awaiting_reporter", "office", {}, {("question", "reporter")}),
    ("reply", "awaiting_reporter", "in_progress", "reporter", {}, {("replied", "office")}),
    ("silence", "awaiting_reporter", "in_progress", "system", {}, {("reply_timeout", "office")}),
    ("answer", "in_progress", "answered", "office", {}, {("answered", "reporter")}),
    ("close", "answered", "closed", "system", {}, {("closed", "reporter")}),
    ("objection", "closed", "in_progress", "reporter", {}, {("reopened", "office")}),
    (
        "promise",
        "in_progress",
        "conditionally_closed",
        "office",
        {"follow_up": {"on": "2027-03-01", "fiscal_year": 2027, "unit": "DPU"}},
        {("conditionally_closed", "reporter"), ("conditionally_closed", "coordinator")},
    ),
    ("debt", "conditionally_closed", "in_progress", "system", {}, set()),
    ("return", "assigned", "returned", "office", {}, {("returned", "coordinator")}),
    (
        "forward",
        "triage",
        "forwarded",
        "coordinator",
        {"partner": "sp4n", "case": {"opd": None}},
        {("forwarded", "reporter")},
    ),
    ("reject", "triage", "rejected", "coordinator", {"case": {"opd": None}}, {("rejected", "reporter")}),
    ("archive", "in_progress", "archived", "coordinator", {}, {("archived", "reporter"), ("archived", "office")}),
    ("same", "in_progress", "in_progress", "office", {}, set()),
    ("partner again", "closed", "forwarded", "partner", {"origin": "sp4n"}, set()),
    (
        "conflict",
        "answered",
        "answered",
        "system",
        {"reason_code": "mirror_conflict", "origin": "laporgub"},
        {("mirror_conflict", "coordinator")},
    ),
]  # fmt: skip


@pytest.mark.parametrize("step", STEPS, ids=[step[0] for step in STEPS])
async def test_every_step_of_a_case_is_told_to_whom_the_table_says(town: Town, step: Any) -> None:
    """One transition, its audiences, and a letter for each that could be delivered."""
    _, before, after, by, changes, expected = step
    story = town.story()
    service = await town.service()
    async with town.world.running(service):
        await story.tell("complaint.created", story.created())
        story.case("assigned", opd="DPU")
        await story.tell("complaint.progressed", story.progressed(before, after, by=by, **changes))
        await town.world.settled()
        await decided(service, story, 1 + len(expected))

    rows = await rows_of(service, story)
    found = {(row["cause"], row["audience"]) for row in rows} - {("received", "reporter")}
    assert expected == found
    assert {"delivered"} == {row["decision"] for row in rows}
    assert 1 + len(expected) == len(town.mailbox.mails)


async def test_who_did_it_himself_is_not_told(town: Town) -> None:
    """A reporter who withdraws gets no letter about it; the office does."""
    story = town.story()
    service = await town.service()
    async with town.world.running(service):
        await story.tell("complaint.created", story.created())
        story.case("assigned", opd="DPU")
        await story.tell(
            "complaint.progressed", story.progressed("assigned", "archived", by="reporter")
        )
        await decided(service, story, 3)

    assert {
        ("received", "reporter", "delivered", "accepted"),
        ("archived", "reporter", "skipped", "own_action"),
        ("archived", "office", "delivered", "accepted"),
    } == told(await rows_of(service, story))


async def test_a_promise_that_falls_due_and_a_partner_in_trouble_are_told(town: Town) -> None:
    """sla.elapsed and mirror.changed: only what a person must look at; other timers are silent."""
    story = town.story(email=None)
    service = await town.service()
    async with town.world.running(service):
        await story.tell("complaint.created", story.created())
        await story.tell("complaint.assigned", story.assigned())
        for timer in ("auto_close", "reply_timeout", "debt_due"):
            await story.tell("sla.elapsed", story.elapsed(timer))
        for kind in ("linked", "failed", "reroute_requested", "status"):
            await story.tell("mirror.changed", story.mirror(kind))
        await decided(service, story, 7)

    later = told(await rows_of(service, story)) - {
        ("received", "reporter", "skipped", "unreachable"),
        ("assigned", "reporter", "skipped", "unreachable"),
        ("assigned", "office", "delivered", "accepted"),
    }
    assert {
        ("debt_due", "office", "delivered", "accepted"),
        ("debt_due", "coordinator", "delivered", "accepted"),
        ("mirror_failed", "coordinator", "delivered", "accepted"),
        ("mirror_reroute", "coordinator", "delivered", "accepted"),
    } == later
    assert any("LaporGub Jawa Tengah" in mail.subject for mail in town.mailbox.mails)


async def test_what_happened_before_the_horizon_is_history(town: Town) -> None:
    """A rebuilt group records a decision for each old cause and sends nothing."""
    story = town.story()
    service = await town.service(history_before="2026-11-03T00:00:00Z")
    async with town.world.running(service):
        await story.tell("complaint.created", story.created())
        await story.tell("complaint.assigned", story.assigned())
        await decided(service, story, 3)

    rows = await rows_of(service, story)
    assert {("skipped", "history")} == {(row["decision"], row["reason"]) for row in rows}
    assert town.mailbox.mails == []


async def test_a_refused_recipient_is_a_failed_decision(tmp_path: Path) -> None:
    """550 is final: one try, failed with the code; nothing is tried for ever."""
    async with a_town(tmp_path, "--refuse", PERSON) as town:
        story = town.story()
        service = await town.service()
        async with town.world.running(service):
            await story.tell("complaint.created", story.created())
            await decided(service, story, 1)

        (row,) = await rows_of(service, story)
        assert ("failed", "refused", 550, 1) == (
            row["decision"], row["reason"], row["code"], row["tries"],
        )  # fmt: skip


async def test_a_passing_refusal_is_tried_again_and_is_no_repeat(tmp_path: Path) -> None:
    """451 says that there is no copy: later tries are counted, none as a possible repeat."""
    async with a_town(tmp_path, "--defer", PERSON) as town:
        story = town.story()
        service = await town.service(give_up_after_hours=0.0003)
        async with town.world.running(service):
            await story.tell("complaint.created", story.created())
            await decided(service, story, 1)

        (row,) = await rows_of(service, story)
        assert ("failed", "gave_up", 451, 0) == (
            row["decision"], row["reason"], row["code"], row["repeats"],
        )  # fmt: skip
        assert row["tries"] > 1


async def test_a_lost_answer_is_tried_again_as_a_possible_repeat(tmp_path: Path) -> None:
    """The provider had it, nobody knows: the same Message-ID goes out again, written down before."""
    async with a_town(tmp_path, "--lose-answers", "1") as town:
        story = town.story()
        service = await town.service()
        async with town.world.running(service):
            await story.tell("complaint.created", story.created())
            await decided(service, story, 1)

        (row,) = await rows_of(service, story)
        assert ("delivered", 2, 1) == (row["decision"], row["tries"], row["repeats"])
        assert (1, 1) == (town.mailbox.distinct, town.mailbox.surplus)


async def test_a_provider_that_is_away_costs_no_try(town: Town) -> None:
    """Without a line nothing is written; when the provider comes back, one try is enough."""
    story = town.story()
    real, town.port = town.port, 1
    service = await town.service()
    async with town.world.running(service):
        await story.tell("complaint.created", story.created())
        await town.world.settled()
        (row,) = await rows_of(service, story)
        assert ("pending", 0) == (row["decision"], row["tries"])
    town.port = real
    town.registry = type(town.registry)()
    again = await town.service()
    town.world.services.clear()
    async with town.world.running(again):
        await decided(again, story, 1)

    (row,) = await rows_of(again, story)
    assert ("delivered", 1, 0) == (row["decision"], row["tries"], row["repeats"])


async def test_two_postmen_send_each_letter_once(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two replicas on one store that both believe to have every case: the claim decides who sends."""
    monkeypatch.setattr(ConsumerLoop, "partitions", lambda _: every_partition())
    stories = [town.story() for _ in range(12)]
    first = await town.service()
    for story in stories:
        await story.tell("complaint.created", story.created())
    async with town.world.running(first):
        town.registry = type(town.registry)()
        second = await town.service()
        postman = asyncio.ensure_future(second.workers["postman"]())
        try:
            for story in stories:
                await decided(first, story, 1)
        finally:
            postman.cancel()
            with suppress(asyncio.CancelledError):
                await postman
            assert second.close is not None
            await second.close()

    assert (12, 0) == (town.mailbox.distinct, town.mailbox.surplus)


async def test_a_clean_stop_lets_the_letter_in_hand_go_out(town: Town) -> None:
    """Only a crash may leave a doubt: after a stop in the middle no row is between two states."""
    stories = [town.story() for _ in range(60)]
    for story in stories:
        await story.tell("complaint.created", story.created())
    service = await town.service()
    async with town.world.running(service):

        async def some_are_out() -> bool:
            return len(town.mailbox.mails) >= 3

        await eventually(some_are_out)

    rows = [row for story in stories for row in await rows_of(service, story)]
    delivered = [row for row in rows if row["decision"] == "delivered"]
    assert not [row for row in rows if row["decision"] == "sending"]
    assert len(delivered) < 60  # else it was not in the middle
    assert len(delivered) == len(town.mailbox.mails)


async def test_any_order_of_producers_gives_one_ledger(tmp_path: Path) -> None:
    """Clock and mirror events before or after routing's: the same rows in the same order."""
    found = []
    for number, order in enumerate(((0, 1, 2, 3), (0, 3, 2, 1), (3, 2, 1, 0), (2, 0, 3, 1))):
        (tmp_path / str(number)).mkdir()
        async with a_town(tmp_path / str(number)) as town:
            story = Story(town, "019ad3f0-0000-7000-8000-00000000000a", "SMG-0000-0000-001")
            town.intake.contacts[story.id] = PERSON
            story.write("complaint.created", story.created())
            story.write("complaint.assigned", story.assigned())
            story.write("sla.breached", story.breached(0, "office"))
            story.write("mirror.changed", story.mirror("failed"))
            service = await town.service()
            async with town.world.running(service):
                for place in order:
                    await town.publish(story.raws[place])
                    await town.world.settled()
                await decided(service, story, 5)
            rows = await rows_of(service, story)
            found.append([(row["id"], row["decision"], row["unit"], row["facts"]) for row in rows])

    assert all(found[0] == other for other in found)


async def test_metrics_count_decisions_by_reason_and_name_nobody(town: Town) -> None:
    """The closed list, and one delivered letter in it."""
    story = town.story()
    service = await town.service()
    async with town.world.running(service):
        await story.tell("complaint.created", story.created())
        await decided(service, story, 1)

        async def counted() -> bool:
            value = town.registry.get_sample_value(
                "aduan_notify_deliveries_total", {"reason": "accepted"}
            )
            return value == 1.0

        await eventually(counted)

    own = {name for name in exported(town.registry) if name.startswith("aduan_notify")}
    assert own == {
        "aduan_notify_deliveries",
        "aduan_notify_pending",
        "aduan_notify_possible_repeats",
        "aduan_notify_away",
        "aduan_notify_due",
        "aduan_notify_provider_seconds",
    }


async def test_a_canary_whose_letter_is_due_is_no_case_that_waits(town: Town) -> None:
    """Its letters go nowhere; a provider that is too slow for the city is what the gauge tells."""
    service = await town.service(tenants=(TENANT, CANARY_TENANT))
    for tenant in (TENANT, CANARY_TENANT):
        story = town.story()
        story.id, story.tenant = uuid7(town.world.clock.now()), tenant
        town.intake.contacts[story.id] = PERSON
        raw = story.write("complaint.created", story.created())
        await service.runtime.cases.deliver(story.id, [raw])
    postman: Any = service.workers["postman"]
    postman.__self__._partitions = every_partition

    assert 2 == await postman.__self__.round()
    assert 1 == town.registry.get_sample_value("aduan_notify_due")
