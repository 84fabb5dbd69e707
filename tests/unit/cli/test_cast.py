"""The cast plays its script: required scenes first, each to its end, and it knows when it is done."""

import asyncio
import io
from collections import defaultdict
from typing import Any

import pytest
from PIL import Image
from pydantic import ValidationError

from aduan_simulators.people.cast import Cast
from aduan_simulators.people.evidence import SIZE, photograph
from aduan_simulators.people.script import Scene, Script, Step, load
from aduan_simulators.people.town import NotNow, SeenCase

AFTER = {
    "accept": "accepted", "start": "in_progress", "answer": "answered", "ask": "awaiting_reporter",
    "return": "returned", "conditionally_close": "conditionally_closed", "forward": "forwarded",
    "assign_suggested": "assigned", "assign_proposed": "assigned", "archive": "archived",
    "rating": "closed", "objection": "in_progress", "reply": "in_progress",
}  # fmt: skip


class PaperTown:
    """A town whose every act works at once, and where debts fall due as soon as they exist."""

    def __init__(self, cases: list[SeenCase]) -> None:
        self.cases = {case.id: case for case in cases}
        self.states: dict[str, list[str]] = {case.id: [case.state] for case in cases}
        self.acts: dict[str, list[str]] = defaultdict(list)
        self.refuse: set[str] = set()

    async def undecided(self) -> list[SeenCase]:
        return [
            case
            for case in self.cases.values()
            if self.states[case.id][-1] in {"triage", "assigned"}
        ]

    async def act(self, case: SeenCase, step: Step) -> None:
        if case.id in self.refuse:
            raise NotNow("HTTP 409")
        self.acts[case.id].append(step.do)
        self.states[case.id].append(AFTER[step.do])
        if step.do == "conditionally_close":
            self.states[case.id].append("in_progress")

    async def reply(self, case: SeenCase, step: Step, token: str) -> None:
        assert token == f"token of {case.ticket}"
        await self.act(case, step)

    async def was_in(self, case: SeenCase, state: str) -> bool:
        return state in self.states[case.id][1:]

    async def breached(self, case: SeenCase) -> bool:
        return True


def quick(script: Script) -> Script:
    """Return the script without its pauses."""
    scenes = [
        scene.model_copy(
            update={
                "steps": tuple(
                    step.model_copy(update={"after": 0.0, "within": 1.0}) for step in scene.steps
                )
            }
        )
        for scene in script.scene
    ]
    return script.model_copy(update={"scene": tuple(scenes)})


def some_cases() -> list[SeenCase]:
    """Enough of everything for the script that ships."""
    kinds: list[tuple[str, str | None, str]] = [
        ("assigned", "DPU", "jalan"), ("assigned", "DISPERKIM", "lampu"),
        ("triage", None, "jalan pantura"), ("triage", None, "ruas provinsi"), ("triage", None, "tes"),
    ]  # fmt: skip
    return [
        SeenCase(f"{state}-{opd}-{text}-{i}", f"T-{opd}-{text}-{i}", state, opd, text)
        for i in range(8)
        for state, opd, text in kinds
    ]


async def play(town: PaperTown, script: Script, seed: int = 1) -> Cast:
    """Play a script to its end, at most ten seconds."""
    tokens = {case.ticket: f"token of {case.ticket}" for case in town.cases.values()}
    cast = Cast(town, script, seed=seed, tokens=tokens, look_every_seconds=0.01)
    cast.no_more()
    async with asyncio.timeout(10):
        await cast.run()
    return cast


async def test_the_shipped_script_brings_every_state_that_a_demo_shows() -> None:
    """triage, assigned, awaiting_reporter, answered, closed, conditionally_closed, returned, forwarded."""
    town = PaperTown(some_cases())
    cast = await play(town, quick(load()))
    ever = {state for states in town.states.values() for state in states}

    assert cast.finished
    assert [] == cast.missing
    assert {
        "triage", "assigned", "awaiting_reporter", "answered", "closed", "conditionally_closed",
        "returned", "forwarded",
    } <= ever  # fmt: skip


async def test_the_silent_office_never_acts() -> None:
    """DISPERKIM receives cases and does nothing; its deadlines break."""
    town = PaperTown(some_cases())
    await play(town, quick(load()))

    assert not [acts for id, acts in town.acts.items() if "DISPERKIM" in id]


async def test_a_required_scene_that_broke_off_is_played_with_another_case() -> None:
    """A refusal costs that case its scene, not the script."""
    step = Step(by="office", do="accept")
    scene = Scene.model_validate(
        {
            "name": "one",
            "required": True,
            "needs": {"state": "assigned"},
            "steps": [step.model_dump()],
        }
    )
    first, second = (SeenCase(f"c{i}", f"T{i}", "assigned", "DPU", "") for i in range(2))
    town = PaperTown([first, second])
    town.refuse.add("c0")
    cast = await play(town, Script(concurrency=1, shared_pause=0, scene=(scene,)))

    assert cast.finished
    assert {"c1": ["accept"]} == dict(town.acts)


async def test_a_cast_is_not_finished_while_complaints_may_still_come() -> None:
    """`no_more` is part of being finished, and so is every required scene."""
    cast = Cast(PaperTown([]), quick(load()), seed=1, tokens={})
    cast.no_more()

    assert not cast.finished
    assert len(load().required) == len(cast.missing)
    nothing = Cast(
        PaperTown([]), Script(concurrency=1, shared_pause=0, scene=()), seed=1, tokens={}
    )
    assert not nothing.finished
    nothing.no_more()
    assert nothing.finished


async def test_a_scene_with_a_reporter_needs_his_token() -> None:
    """Without a token the reporter cannot speak, so the scene waits for another case."""
    script = quick(load())
    case = SeenCase("c", "T", "assigned", "DPU", "")
    town = PaperTown([case])
    cast = Cast(town, script, seed=1, tokens={})
    task = asyncio.create_task(cast.run())
    await asyncio.sleep(0.2)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    spoken = {"rating", "objection", "reply"}

    assert not spoken & set(town.acts["c"])


async def test_the_same_seed_gives_the_same_parts() -> None:
    """Two plays of one seed choose the same scenes; another seed does not."""
    counts = [
        dict((await play(PaperTown(some_cases()), quick(load()), seed)).scenes)
        for seed in (1, 1, 2)
    ]

    assert counts[0] == counts[1]
    assert counts[0] != counts[2]


@pytest.mark.parametrize(
    "step",
    [
        {"do": "accept"},
        {"do": "wait", "by": "office", "state": "closed"},
        {"do": "wait"},
        {"do": "dance", "by": "office"},
        {"do": "rating", "by": "reporter", "rating": 6},
        {"do": "accept", "by": "office", "afetr": 1},
    ],
)
def test_a_script_with_a_slip_is_refused(step: dict[str, Any]) -> None:
    """A misspelt key must not be silently passed over."""
    with pytest.raises(ValidationError):
        Step.model_validate(step)


def test_photographs_are_images_that_differ_by_seed() -> None:
    """Each case shows its own place, the same each time."""
    image = Image.open(io.BytesIO(photograph("a")))

    assert ("JPEG", SIZE) == (image.format, image.size)
    assert photograph("a") == photograph("a")
    assert photograph("a") != photograph("b")
