"""The log was lost: an operator lets the documents tell it again, over HTTP."""

from datetime import UTC, datetime
from pathlib import Path

from aduan_harness import World, records_of
from aduan_intake_world import a_complaint, intake_in

from aduan.clock import ManualClock


async def test_documents_tell_again_page_by_page(tmp_path: Path) -> None:
    """Each event is published once more, wherever a page ends; who may not is refused."""
    world = World(tmp_path, ManualClock(datetime(2026, 12, 1, tzinfo=UTC)))
    async with intake_in(world) as intake:
        for number in range(3):
            assert (await intake.post(a_complaint(external_id=f"e-{number}"))).status_code == 201
        await world.settled()
        before = records_of(world.bus, "complaint.created")

        async def page(key: str, **body: object) -> tuple[int, dict[str, object]]:
            answer = await intake.http.post(
                "/intake/ops/re-emit", json=body, headers={"X-API-Key": key}
            )
            return answer.status_code, answer.json()

        first = await page(intake.admin_key, limit=2)
        rest = await page(intake.admin_key, cursor=first[1]["next"], limit=2)
        refused = await page(intake.portal_key)
        wrong = await page(intake.admin_key, cursor="nonsense")
        after = records_of(world.bus, "complaint.created")
    world.close()

    assert (200, 2, 2) == (first[0], first[1]["documents"], first[1]["events"])
    assert (200, {"documents": 1, "events": 1, "next": None}) == rest
    assert (403, 400) == (refused[0], wrong[0])
    assert sorted([*before, *before]) == sorted(after)
