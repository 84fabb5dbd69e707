"""The officers' pages, spoken to as a browser does: sign-in, desk, case, forms."""

import asyncio
import base64
import io
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx
import pytest
from aduan_harness import World
from PIL import Image
from prometheus_client import CollectorRegistry
from pydantic import BaseModel, SecretStr
from starlette.types import ASGIApp

from aduan.clock import ManualClock
from aduan.contracts.envelope import Cause, Emit, encode, new_traceparent
from aduan.contracts.events import ComplaintCreated, ComplaintReplied, SlaScheduled
from aduan.contracts.topics import BY_NAME
from aduan.service import Service
from aduan.ticket import new_ticket
from aduan.web.keys import Scope, make_key
from aduan_routing.bootstrap import build, spec
from aduan_routing.domain.lifecycle import LIFECYCLE
from aduan_routing.entrypoints.desk_forms import FORMS
from aduan_routing.entrypoints.desk_session import STAYS
from aduan_routing.entrypoints.shapes import BODIES
from aduan_routing.settings import Settings

REFERENCE: Final = Path(__file__).resolve().parents[2] / "reference"
TENANT: Final = "33.74"
START: Final = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
LAMP: Final = "Lampu jalan umum di depan balai RW padam, tiang PJU mati sejak tiga malam."
DISPERKIM: Final = "DISPERKIM"
_ACT: Final[tuple[Scope, ...]] = ("cases:read", "cases:act", "content:read")
_COORDINATE: Final[tuple[Scope, ...]] = ("cases:read", "cases:coordinate", "content:read")

KEYS: Final = {
    "office": make_key(tenant=TENANT, scopes=_ACT, opd=DISPERKIM),
    "other": make_key(tenant=TENANT, scopes=_ACT, opd="DPU"),
    "coordinator": make_key(tenant=TENANT, scopes=_COORDINATE),
    "blind": make_key(tenant=TENANT, scopes=("cases:read", "cases:coordinate")),
    "portal": make_key(tenant=TENANT, scopes=("complaints:write", "cases:read"), portal="web"),
    "operator": make_key(tenant=TENANT, scopes=("ops:read", "offices:manage")),
}


@dataclass
class Told:
    """One complaint whose events this test tells."""

    id: str
    ticket: str
    seq: dict[str, int]


class Town:
    """Routing alone, its clock, and browsers."""

    def __init__(self, world: World, service: Service, clock: ManualClock) -> None:
        self.world = world
        self.service = service
        self.clock = clock

    async def complaint(self, text: str | None = LAMP, **changes: Any) -> Told:
        """Let intake tell a complaint."""
        told = Told(str(uuid4()), new_ticket("SMG"), {})
        known: dict[str, Any] = {
            "ticket": told.ticket,
            "portal": "web",
            "inlet": "lapor-semar-web",
            "received_at": self.clock.now(),
            "text": text,
            "anonymous": False,
            "confidential": False,
            "flags_complete": True,
            "reporter": {"pseudonym": "P-1", "reachable_by": ()},
        }
        await self.tell(told, "complaint.created", ComplaintCreated(**{**known, **changes}))
        return told

    async def tell(self, told: Told, topic: str, data: BaseModel) -> None:
        """Deliver the next event of a stream."""
        known = BY_NAME[topic]
        seq = told.seq[known.stream] = told.seq.get(known.stream, 0) + 1
        raw = encode(
            Emit(topic, data),
            service=known.producer,
            tenant=TENANT,
            case_id=told.id,
            seq=seq,
            now=self.clock.now(),
            cause=Cause(str(uuid4()), str(uuid4()), new_traceparent()),
        )
        await self.service.runtime.cases.deliver(told.id, [raw])

    async def due(self, told: Told, hours: float) -> None:
        """Let sla say when the case's nearest deadline is."""
        moment = self.clock.now() + timedelta(hours=hours)
        nearest = {"name": "handle", "due_at": moment}
        clock = {
            "name": "handle", "instance": 1, "policy": "p", "policy_version": "1",
            "scope": TENANT, "unit": "hours", "state": "running",
            "started_at": self.clock.now(), "due_at": moment,
        }  # fmt: skip
        data = SlaScheduled.model_validate(
            {"clocks": [clock], "nearest": nearest, "cause": str(uuid4())}
        )
        await self.tell(told, "sla.scheduled", data)

    async def state(self, told: Told) -> str:
        """Return the state of a case."""
        body = await self.service.runtime.cases.get(told.id)
        assert body is not None
        return str(body["state"])

    @asynccontextmanager
    async def browser(self, role: str | None = None) -> AsyncIterator["Browser"]:
        """Open a browser, signed in with the key of a role."""
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app, raise_app_exceptions=False),
            base_url="http://meja.test",
        ) as http:
            browser = Browser(http)
            if role is not None:
                entered = await browser.enter(KEYS[role][0])
                assert entered.status_code == 303
            yield browser

    @property
    def app(self) -> ASGIApp:
        """The HTTP side."""
        return self.service.app


class Browser:
    """Follows no redirect by itself and reads forms out of pages."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def enter(self, key: str) -> httpx.Response:
        """Sign in."""
        return await self.http.post("/meja/masuk", data={"kunci": key})

    async def page(self, path: str = "") -> httpx.Response:
        """Open a page under /meja."""
        return await self.http.get(f"/meja{path}")

    async def case(self, told: Told) -> str:
        """Return the page of a case."""
        answer = await self.page(f"/kasus/{told.ticket}")
        assert answer.status_code == 200
        return answer.text

    async def act(self, told: Told, action: str, **sent: str) -> httpx.Response:
        """Fill in a form of the case's page and send it."""
        page = await self.case(told)
        hidden = {"csrf": _hidden(page, "csrf")}
        if 'name="kunci_sekali"' in page:
            hidden["kunci_sekali"] = _hidden(page, "kunci_sekali")
        path = f"/meja/kasus/{told.ticket}/tindakan/{action}"
        return await self.http.post(path, data={**hidden, **sent})

    async def answer(
        self, told: Told, text: str, *photos: bytes, page: str | None = None
    ) -> httpx.Response:
        """Send the answer form with photos. page: one that was opened before."""
        page = page or await self.case(told)
        data = {
            "csrf": _hidden(page, "csrf"),
            "kunci_sekali": _hidden(page, "kunci_sekali"),
            "text": text,
        }
        files = [("evidence", ("foto.png", photo, "image/png")) for photo in photos]
        files = files or [("evidence", ("", b"", "application/octet-stream"))]
        return await self.http.post(f"/meja/kasus/{told.ticket}/jawab", data=data, files=files)


def _hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]+)"', page)
    assert found is not None
    return found.group(1)


def actions_of(page: str) -> set[str]:
    """Return the actions that a page has a form for."""
    named = set(re.findall(r'action="/meja/kasus/[^"/]+/tindakan/([^"]+)"', page))
    return named | ({"answer"} if '/jawab"' in page else set())


def a_photo(colour: str = "gray") -> bytes:
    """Return a small picture."""
    out = io.BytesIO()
    Image.new("RGB", (32, 24), colour).save(out, "PNG")
    return out.getvalue()


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    """Routing on the embedded engine."""
    clock = ManualClock(START)
    world = World(tmp_path, clock)
    settings = Settings(
        store="sqlite:////unused",
        bus="sqlite:////unused",
        reference_dir=REFERENCE,
        seal_key=SecretStr(base64.b64encode(b"s" * 32).decode()),
        secure_cookies=False,
        waiting_shown_seconds=0.0,
        static_keys=tuple(record for _, record in KEYS.values()),
    )
    what = spec(settings)
    service = await build(
        settings,
        spec=what,
        store=world.store(what),
        bus=world.bus,
        clock=clock,
        registry=CollectorRegistry(),
    )
    try:
        yield Town(world, service, clock)
    finally:
        world.close()


# Signing in


async def test_nobody_sees_a_desk_without_a_key(town: Town) -> None:
    """A stranger gets the sign-in, and no word of any case."""
    told = await town.complaint()
    async with town.browser() as browser:
        pages = [await browser.page(), await browser.page(f"/kasus/{told.ticket}")]

    assert [200, 401] == [page.status_code for page in pages]
    assert all("Kunci unit" in page.text and "Lampu" not in page.text for page in pages)


@pytest.mark.parametrize("role", ["portal", "operator"])
async def test_a_key_of_another_kind_opens_no_desk(town: Town, role: str) -> None:
    """Only offices and coordinators have one."""
    async with town.browser() as browser:
        answer = await browser.enter(KEYS[role][0])

    assert 401 == answer.status_code
    assert "set-cookie" not in answer.headers
    assert "bukan kunci untuk meja petugas" in answer.text


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(town: Town) -> None:
    """HttpOnly, SameSite=Lax, only for the desk, and without the secret of the key."""
    key, _ = KEYS["office"]
    async with town.browser() as browser:
        cookie = (await browser.enter(key)).headers["set-cookie"]
    value = cookie.split("=", 1)[1].split(".", 1)[0]
    readable = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)).decode()

    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()
    assert "Path=/meja" in cookie
    assert key.split("_", 2)[2] not in cookie + readable


async def test_a_forged_cookie_is_nobody(town: Town) -> None:
    """A changed value no longer fits its signature."""
    async with town.browser("office") as browser:
        name, value = next(iter(browser.http.cookies.items()))
        browser.http.cookies.clear()
        browser.http.cookies.set(name, f"A{value[1:]}" if value[0] != "A" else f"B{value[1:]}")
        page = await browser.page()

    assert "Kunci unit" in page.text


async def test_a_session_ends_after_eight_hours(town: Town) -> None:
    """The signature carries its expiry, whatever the browser keeps."""
    async with town.browser("office") as browser:
        before = await browser.page()
        town.clock.advance(STAYS + timedelta(seconds=1))
        after = await browser.page()

    assert "Laporan di meja" in before.text
    assert "Kunci unit" in after.text


async def test_a_revoked_key_ends_its_sessions(town: Town) -> None:
    """The key is looked up at each request."""
    _, admin = KEYS["operator"]
    assert "offices:manage" in admin.scopes
    headers = {"Authorization": f"Bearer {KEYS['operator'][0]}"}
    async with town.browser() as browser:
        made = await browser.http.post("/v1/offices/DPU/keys", json={}, headers=headers)
        key = made.json()
        await browser.enter(key["key"])
        before = await browser.page()
        await browser.http.delete(f"/v1/offices/DPU/keys/{key['key_id']}", headers=headers)
        after = await browser.page()

    assert "Dinas Pekerjaan Umum" in before.text
    assert "Kunci unit" in after.text


async def test_signing_out_needs_the_own_form(town: Town) -> None:
    """A link on another site cannot sign an officer out; his own button does."""
    async with town.browser("office") as browser:
        await browser.http.post("/meja/keluar", data={"csrf": "x"})
        still = (await browser.page()).text
        await browser.http.post("/meja/keluar", data={"csrf": _hidden(still, "csrf")})
        after = (await browser.page()).text

    assert "Laporan di meja" in still
    assert "Kunci unit" in after


# The desk


async def test_a_desk_is_ordered_by_the_nearest_deadline(town: Town) -> None:
    """What is due first stands first; what has no date stands last; what is late says so."""
    later, sooner, never, late = [
        await town.complaint(f"{LAMP} Nomor {n}.", title=f"Lampu padam {n}") for n in range(4)
    ]
    await town.due(later, 50)
    await town.due(sooner, 5)
    await town.due(late, 1)
    town.clock.advance(timedelta(hours=2))
    async with town.browser("office") as browser:
        page = (await browser.page()).text

    tickets = re.findall(r'href="/meja/kasus/([^"]+)"', page)
    assert [told.ticket for told in (late, sooner, later, never)] == tickets
    assert "Terlambat 1 jam" in page
    assert "Sisa 3 jam" in page
    assert "Tanpa tenggat" in page


async def test_an_office_sees_its_own_cases_only(town: Town) -> None:
    """Another unit's case is neither on its desk nor behind an address that was guessed."""
    told = await town.complaint()
    async with town.browser("other") as browser:
        desk = await browser.page()
        guessed = await browser.page(f"/kasus/{told.ticket}")
        by_id = await browser.page(f"/kasus/{told.id}")

    assert told.ticket not in desk.text
    assert [404, 404] == [guessed.status_code, by_id.status_code]
    assert "Lampu" not in guessed.text + by_id.text


async def test_another_office_cannot_act_on_a_case(town: Town) -> None:
    """Its session and token are good; the case is not there for it, and nothing changes."""
    told = await town.complaint()
    mine = await town.complaint("Jalan berlubang dalam di tengah jalan, aspal rusak parah.")
    async with town.browser("other") as browser:
        csrf = _hidden(await browser.case(mine), "csrf")
        answer = await browser.http.post(
            f"/meja/kasus/{told.ticket}/tindakan/accept", data={"csrf": csrf}
        )

    assert 404 == answer.status_code
    assert "assigned" == await town.state(told)


async def test_a_desk_is_paged_and_filtered(town: Town) -> None:
    """Each case stands on exactly one page; a tab shows one state."""
    told = [await town.complaint(f"{LAMP} Tiang {n}.") for n in range(27)]
    async with town.browser("office") as browser:
        await browser.act(told[0], "accept")
        first = (await browser.page()).text
        link = re.search(r'href="/meja(\?cursor=[^"]+)" rel="next"', first)
        assert link is not None
        second = (await browser.page(link.group(1))).text
        accepted = (await browser.page("?state=accepted")).text

    seen = re.findall(r'href="/meja/kasus/([^"]+)"', first + second)
    assert {one.ticket for one in told} == set(seen)
    assert len(seen) == 27
    assert [told[0].ticket] == re.findall(r'href="/meja/kasus/([^"]+)"', accepted)


async def test_the_coordinator_sees_what_waits_for_its_first_event(town: Town) -> None:
    """By id and age; an office does not see it."""
    told = Told(str(uuid4()), "", {"intake": 1})
    reply = ComplaintReplied(
        reply_id=str(uuid4()), kind="reply", text="Sudah?", replied_at=START, by="reporter"
    )
    await town.tell(told, "complaint.replied", reply)
    async with town.browser("coordinator") as coordinator, town.browser("office") as office:
        shown, hidden = await coordinator.page(), await office.page()

    assert told.id in shown.text
    assert told.id not in hidden.text


# A case and its actions


def test_every_action_of_the_table_has_a_form() -> None:
    """A new row for a person cannot be forgotten here, and no form asks for what is unknown."""
    commands = {step.action for step in LIFECYCLE if step.by in ("office", "coordinator")}
    asked = {name: {entry.name for entry in form.entries} for name, form in FORMS.items()}
    known = {
        name: {field.alias or key for key, field in body.model_fields.items()}
        for name, body in BODIES.items()
    }

    assert commands == set(FORMS)
    assert all(asked[name] <= known[name] for name in FORMS)
    for name, body in BODIES.items():
        needed = {
            field.alias or key for key, field in body.model_fields.items() if field.is_required()
        }
        assert needed == {entry.name for entry in FORMS[name].entries if entry.needed}


@pytest.mark.parametrize("role", ["office", "coordinator"])
async def test_a_case_page_has_exactly_the_actions_that_the_api_allows(
    town: Town, role: str
) -> None:
    """In each state that a case passes, for both kinds of officer."""
    told = await town.complaint()
    headers = {"Authorization": f"Bearer {KEYS[role][0]}"}
    async with town.browser("office") as office, town.browser(role) as browser:
        for action in ("", "accept", "start", "answer"):
            if action == "answer":
                await office.answer(told, "Sudah kami perbaiki.", a_photo())
            elif action:
                await office.act(told, action)
            page = await browser.case(told)
            api = (await browser.http.get(f"/v1/cases/{told.id}", headers=headers)).json()

            assert set(api["allowed"]) == actions_of(page)


async def test_an_office_takes_a_case_from_accepting_to_the_answer(town: Town) -> None:
    """Each form leads back to the case with a good word; the photo is shown as evidence."""
    told = await town.complaint()
    async with town.browser("office") as browser:
        answers = [await browser.act(told, "accept"), await browser.act(told, "start")]
        answers.append(await browser.answer(told, "Lampu sudah menyala kembali.", a_photo()))
        done = await browser.http.get(answers[-1].headers["location"])
        proof = re.search(r'src="/meja/bukti/([^"]+)"', done.text)
        assert proof is not None
        picture = await browser.page(f"/bukti/{proof.group(1)}")

    assert [303, 303, 303] == [answer.status_code for answer in answers]
    assert "Jawaban sudah dikirim." in done.text
    assert "Lampu sudah menyala kembali." in done.text
    assert "answered" == await town.state(told)
    assert "image/jpeg" == picture.headers["content-type"]


async def test_evidence_is_not_shown_to_another_office(town: Town) -> None:
    """The picture's address alone opens nothing."""
    told = await town.complaint()
    async with town.browser("office") as browser, town.browser("other") as other:
        await browser.answer(told, "Lampu sudah menyala.", a_photo())
        found = re.search(r'src="(/meja/bukti/[^"]+)"', await browser.case(told))
        assert found is not None
        stolen = await other.http.get(found.group(1))

    assert 404 == stolen.status_code


async def test_physical_work_needs_a_photo_and_nothing_must_be_typed_twice(town: Town) -> None:
    """The form comes back with the sentence at its field and with the text that was typed."""
    told = await town.complaint()
    async with town.browser("office") as browser:
        answer = await browser.answer(told, "Sudah kami perbaiki, terima kasih.")

    assert 422 == answer.status_code
    assert "Kategori ini memerlukan foto bukti pekerjaan." in answer.text
    assert 'href="#f-answer-evidence"' in answer.text
    assert 'id="f-answer-evidence"' in answer.text
    assert "Sudah kami perbaiki, terima kasih." in answer.text
    assert "assigned" == await town.state(told)


async def test_a_file_that_is_no_picture_is_refused(town: Town) -> None:
    """In words, at status 415, and the case stays as it is."""
    told = await town.complaint()
    async with town.browser("office") as browser:
        answer = await browser.answer(told, "Sudah.", b"%PDF-1.7 not a picture")

    assert 415 == answer.status_code
    assert "JPEG, PNG atau WebP" in answer.text
    assert "assigned" == await town.state(told)


async def test_a_double_click_answers_once(town: Town) -> None:
    """The same form sent twice at the same time: one answer, one piece of evidence."""
    told = await town.complaint()
    async with town.browser("office") as browser:
        page = await browser.case(told)
        both = await asyncio.gather(
            browser.answer(told, "Sudah menyala.", a_photo(), page=page),
            browser.answer(told, "Sudah menyala.", a_photo(), page=page),
        )
        after = await browser.case(told)
    body = await town.service.runtime.cases.get(told.id)
    assert body is not None

    assert [303, 303] == [answer.status_code for answer in both]
    assert 1 == [entry["action"] for entry in body["entries"]].count("answer")
    assert 1 == len(set(re.findall(r'src="/meja/bukti/([^"]+)"', after)))


async def test_a_stale_page_says_what_became_of_the_case(town: Town) -> None:
    """A colleague was faster: 409, in plain words, with the actions of the new state."""
    told = await town.complaint()
    async with town.browser("office") as browser:
        old = await browser.case(told)
        await browser.answer(told, "Sudah menyala.", a_photo())
        late = await browser.http.post(
            f"/meja/kasus/{told.ticket}/tindakan/accept", data={"csrf": _hidden(old, "csrf")}
        )

    assert 409 == late.status_code
    assert "status laporan sudah berubah" in late.text
    assert "answered" == await town.state(told)


async def test_a_form_of_another_site_does_nothing(town: Town) -> None:
    """Without the session's token, or with somebody else's, nothing is done."""
    told = await town.complaint()
    async with town.browser("office") as browser, town.browser("coordinator") as other:
        foreign = _hidden((await other.page()).text, "csrf")
        path = f"/meja/kasus/{told.ticket}/tindakan/accept"
        answers = [
            await browser.http.post(path),
            await browser.http.post(path, data={"csrf": "x"}),
            await browser.http.post(path, data={"csrf": foreign}),
        ]

    assert [403, 403, 403] == [answer.status_code for answer in answers]
    assert "assigned" == await town.state(told)


async def test_the_coordinator_sends_an_unsure_case_where_the_rules_suggest(town: Town) -> None:
    """Three suggestions at most, each one click; the office has it afterwards."""
    told = await town.complaint("Lampu PJU mati.")
    assert "triage" == await town.state(told)
    async with town.browser("coordinator") as browser:
        page = await browser.case(told)
        suggested = re.findall(r'name="opd" value="([^"]+)"', page)
        answer = await browser.act(told, "assign", opd=suggested[0])
        after = await browser.http.get(answer.headers["location"])
    body = await town.service.runtime.cases.get(told.id)
    assert body is not None

    assert 1 <= len(suggested) <= 3
    assert "Laporan sudah diteruskan." in after.text
    assert ("assigned", suggested[0]) == (body["state"], body["opd"])


async def test_an_unknown_office_is_named_at_its_field(town: Town) -> None:
    """A wrong choice comes back with a sentence, not with a code."""
    told = await town.complaint("Mohon bantuannya.")
    async with town.browser("coordinator") as browser:
        answer = await browser.act(told, "assign", opd="TIDAK-ADA")

    assert 422 == answer.status_code
    assert "Mohon pilih perangkat daerah tujuan yang tepat." in answer.text
    assert "triage" == await town.state(told)


async def test_a_conditional_closing_needs_its_date_and_year(town: Town) -> None:
    """An empty form is refused with both fields named; a filled one is a promise."""
    told = await town.complaint()
    async with town.browser("office") as browser:
        await browser.act(told, "accept")
        await browser.act(told, "start")
        empty = await browser.act(told, "close-conditionally", reason="Perlu anggaran.", unit="PJU")
        wrong = await browser.act(
            told, "close-conditionally", reason="x", unit="PJU", on="besok", fiscal_year="dua"
        )
        full = await browser.act(
            told,
            "close-conditionally",
            reason="Perlu anggaran.",
            unit="Bidang PJU",
            on="2027-03-01",
            fiscal_year="2027",
        )

    assert [422, 422, 303] == [one.status_code for one in (empty, wrong, full)]
    for refused in (empty, wrong):
        assert 'id="e-close-conditionally-on"' in refused.text
        assert 'id="e-close-conditionally-fiscal_year"' in refused.text
    assert "conditionally_closed" == await town.state(told)


async def test_another_body_can_be_proposed_by_name(town: Town) -> None:
    """Not everything is an office of the city."""
    told = await town.complaint()
    async with town.browser("office") as browser:
        sent = {"proposed": "lainnya", "proposed-lainnya": "Kantor Pertanahan"}
        answer = await browser.act(told, "return", reason="Bukan aset kota.", **sent)
    async with town.browser("coordinator") as browser:
        page = await browser.case(told)

    assert 303 == answer.status_code
    assert "Kantor Pertanahan" in page


# What stays closed


async def test_a_confidential_case_shows_its_content_only_with_the_right(town: Town) -> None:
    """The desk names no word of it; without content:read the page neither."""
    told = await town.complaint(None, confidential=True, content_ref="/internal/v1/x")
    async with town.browser("coordinator") as browser:
        desk, page = (await browser.page()).text, await browser.case(told)
    async with town.browser("blind") as browser:
        blind = await browser.case(told)

    assert "Laporan rahasia" in desk
    assert "Setiap pembukaan isi laporan ini dicatat." in page
    assert "belum dapat ditampilkan" in page
    assert "belum dapat ditampilkan" in blind


async def test_words_that_became_confidential_are_read_on_the_page_with_the_right_alone(
    town: Town,
) -> None:
    """The coordinator sets the flag; from then on the text needs content:read."""
    told = await town.complaint("Mohon bantuannya, tembok gudang tetangga retak.")
    async with town.browser("coordinator") as browser:
        await browser.act(told, "reclassify", confidential="ya")
        mine, desk = await browser.case(told), (await browser.page()).text
    async with town.browser("blind") as browser:
        blind = await browser.case(told)

    assert "tembok gudang" in mine
    assert "tembok gudang" not in desk
    assert "tembok gudang" not in blind


async def test_what_people_write_is_shown_as_text(town: Town) -> None:
    """Markup of a report or a reply is never markup of the page."""
    told = await town.complaint("<script>alert(1)</script> lampu PJU padam", title="<b>Lampu</b>")
    async with town.browser("coordinator") as browser:
        pages = (await browser.page()).text + await browser.case(told)

    assert "<script" not in pages
    assert "<b>Lampu</b>" not in pages
    assert "&lt;b&gt;Lampu&lt;/b&gt;" in pages


async def test_pages_need_no_script_and_are_for_everybody(town: Town) -> None:
    """No script, one language, a title, labels for every field, a way past the header."""
    told = await town.complaint()
    async with town.browser() as stranger, town.browser("office") as browser:
        pages = [(await stranger.page()).text, (await browser.page()).text]
        pages.append(await browser.case(told))

    for page in pages:
        assert "<script" not in page
        assert '<html lang="id">' in page
        assert '<a class="skip" href="#isi">' in page
        fields = set(re.findall(r'<(?:input|select|textarea)[^>]* id="([^"]+)"', page))
        fields |= set(re.findall(r'<(?:input|select|textarea) id="([^"]+)"', page))
        labelled = set(re.findall(r'<label for="([^"]+)"', page))
        assert fields <= labelled
        ids = re.findall(r' id="([^"]+)"', page)
        assert len(ids) == len(set(ids))
