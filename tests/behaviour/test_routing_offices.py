"""Keys of offices, evidence, and confidential content that is fetched by a worker."""

import io
from pathlib import Path

import httpx
import pytest
from aduan_routing_world import CaseEvents, Routing, photo, routing_in
from PIL import Image

from aduan.messaging.partition import every_partition
from aduan.service import Worker
from aduan_routing.entrypoints.fetching import Fetcher

pytestmark = pytest.mark.asyncio


async def _mint(routing: Routing, code: str, role: str) -> str:
    answer = await routing.call("POST", f"/v1/offices/{code}/keys", "admin", json={"role": role})
    assert answer.status_code == 201, answer.text
    routing.keys[f"{role}:{code}"] = answer.json()["key"]
    return str(answer.json()["key_id"])


async def test_an_offices_key_works_until_it_is_revoked(tmp_path: Path) -> None:
    """Shown once, stored as a hash, bound to its unit, refused at once after revoking."""
    async with routing_in(tmp_path) as routing:
        case = CaseEvents("minted")
        await routing.hears(case.created())
        key_id = await _mint(routing, "DPU", "office")
        await routing.done(case, "accept", "office:DPU")
        listed = (await routing.call("GET", "/v1/offices/DPU/keys", "admin")).text
        gone = await routing.call("DELETE", f"/v1/offices/DPU/keys/{key_id}", "admin")

        assert key_id in listed
        assert "hash" not in listed
        assert gone.status_code == 204
        assert (await routing.call("GET", "/v1/cases", "office:DPU")).status_code == 401


async def test_a_coordinators_key_belongs_to_the_coordinating_office(tmp_path: Path) -> None:
    """Elsewhere it is refused, at an unknown office there is nothing."""
    async with routing_in(tmp_path) as routing:
        await _mint(routing, "DISKOMINFO", "coordinator")
        body = {"role": "coordinator"}
        wrong = await routing.call("POST", "/v1/offices/DPU/keys", "admin", json=body)
        nowhere = await routing.call("POST", "/v1/offices/NIHIL/keys", "admin", json={})
        listed = await routing.call("GET", "/v1/offices", "coordinator:DISKOMINFO")

        assert (wrong.status_code, nowhere.status_code) == (422, 404)
        assert {"DPU", "DISHUB"} <= {one["code"] for one in listed.json()["items"]}


async def test_evidence_loses_its_metadata_and_is_stored_once(tmp_path: Path) -> None:
    """A camera's place is gone; the same picture twice is one; the same key with another is 422."""
    async with routing_in(tmp_path) as routing:
        case = CaseEvents("exif")
        await routing.hears(case.created())
        picture = Image.new("RGB", (60, 40), "navy")
        exif = Image.Exif()
        exif[0x010E] = "rahasia-kamera"
        file = io.BytesIO()
        picture.save(file, "JPEG", exif=exif)

        async def put(content: bytes, **headers: str) -> httpx.Response:
            return await routing.call(
                "POST",
                "/v1/evidence",
                "DPU",
                data={"case": case.ticket},
                files={"file": ("a.jpg", content, "image/jpeg")},
                headers=headers,
            )

        first, second = await put(file.getvalue()), await put(file.getvalue())
        keyed = await put(photo("red"), **{"Idempotency-Key": "e1"})
        reused = await put(photo("blue"), **{"Idempotency-Key": "e1"})
        stored = await routing.call("GET", f"/v1/evidence/{first.json()['id']}", "DPU")

        assert first.json()["id"] == second.json()["id"]
        assert second.headers["Idempotent-Replayed"] == "true"
        assert b"rahasia-kamera" in file.getvalue()
        assert b"rahasia-kamera" not in stored.content
        assert (keyed.status_code, reused.json()["code"]) == (201, "idempotency_key_reused")


@pytest.mark.parametrize(
    ("content", "status"), [(b"%PDF-1.4 nothing", 415), (photo()[:60], 422), (b"", 415)]
)
async def test_what_is_no_picture_is_refused(tmp_path: Path, content: bytes, status: int) -> None:
    """The type is read from the content, whatever the name says."""
    async with routing_in(tmp_path) as routing:
        case = CaseEvents("pdf")
        await routing.hears(case.created())
        answer = await routing.call(
            "POST",
            "/v1/evidence",
            "DPU",
            data={"case": case.id},
            files={"file": ("a.png", content, "image/png")},
        )

        assert answer.status_code == status


class _Door:
    """Intake's inner door, away as often as told."""

    def __init__(self, away: int) -> None:
        self.away = away
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.path)
        if len(self.asked) <= self.away:
            return httpx.Response(503)
        return httpx.Response(200, json={"text": "Pohon tumbang menimpa pagar.", "title": "Pohon"})


async def test_confidential_content_is_fetched_sealed_and_shown_with_its_scope(
    tmp_path: Path,
) -> None:
    """Tried again after a failure; kept sealed; read only with content:read."""
    door = _Door(away=1)
    async with routing_in(tmp_path, intake=httpx.MockTransport(door)) as routing:
        case = CaseEvents("fetched")
        await routing.hears(case.secret())
        path = f"/v1/cases/{case.id}/content"
        early = await routing.call("GET", path, "coordinator")
        worker = _fetcher(routing.service.workers["content"])
        assert await worker.round() == 1
        assert await worker.round() == 0, "a failed job waits for its time"
        routing.later(seconds=2)
        assert await worker.round() == 1
        shown = await routing.call("GET", path, "coordinator")
        refused = await routing.call("GET", path, "reader")

        assert (early.status_code, refused.status_code) == (503, 403)
        assert shown.json()["text"] == "Pohon tumbang menimpa pagar."
        assert "tumbang" not in str(await routing.body(case))
        assert door.asked == 2 * [f"/internal/v1/complaints/{case.id}/content"]


def _fetcher(worker: Worker) -> Fetcher:
    found = getattr(worker, "__self__", None)
    assert isinstance(found, Fetcher)
    # no consumer runs here that would have partitions
    found._partitions = every_partition
    return found


async def test_opening_a_case_moves_its_words_and_closing_it_hides_them(tmp_path: Path) -> None:
    """The coordinator's flag decides where all texts lie; nothing stays behind in clear."""
    async with routing_in(tmp_path) as routing:
        case = CaseEvents("flag")
        await routing.hears(case.created())
        hidden = await routing.done(case, "reclassify", "coordinator", {"confidential": True})
        assert "berlubang" not in str(await routing.body(case))
        shown = await routing.done(case, "reclassify", "coordinator", {"confidential": False})

        assert hidden["text"] is None
        assert "berlubang" in shown["text"]
