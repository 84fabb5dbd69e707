"""The cast at work: each new case gets a scene of the script, played over public HTTP only.

Who gets which scene and how long people think is drawn from a seed. What a server answers decides
the rest, so a run is alike, not identical.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Mapping
from typing import Final

from aduan_simulators.people.script import Scene, Script, Step
from aduan_simulators.people.town import NotNow, SeenCase, Town

LOOK_EVERY_SECONDS: Final = 0.5


class Cast:
    """Plays a script. `run` ends when it is played and no more cases are to be expected."""

    def __init__(
        self,
        town: Town,
        script: Script,
        *,
        seed: int,
        tokens: Mapping[str, str],
        look_every_seconds: float = LOOK_EVERY_SECONDS,
    ) -> None:
        """tokens: ticket -> reporter token; may grow while the cast plays."""
        self._town = town
        self._script = script
        self._tokens = tokens
        self._look_every = look_every_seconds
        self._draw = random.Random(seed)  # noqa: S311 - a play, not a secret
        self._open = list(script.required)
        self._seen: set[str] = set()
        self._no_more = False
        self._room = asyncio.Semaphore(script.concurrency)
        self.outcomes: dict[str, str] = {}
        self.scenes: Counter[str] = Counter()
        self.troubles: Counter[str] = Counter()  # what was refused to somebody, and how often
        self.playing = 0

    @property
    def finished(self) -> bool:
        """Whether the script is played: every required scene to its end, and nobody is at work."""
        return (
            self._no_more
            and self.playing == 0
            and all(self.outcomes.get(s.name) == "played" for s in self._script.required)
        )

    @property
    def missing(self) -> list[str]:
        """Return the required scenes that were not played to their end so far, with the reason."""
        return [
            f"{scene.name}: {self.outcomes.get(scene.name, 'no case fitted yet')}"
            for scene in self._script.required
            if self.outcomes.get(scene.name) != "played"
        ]

    def no_more(self) -> None:
        """Say that no new complaints are to be expected."""
        self._no_more = True

    async def run(self) -> None:
        """Play until finished or cancelled."""
        async with asyncio.TaskGroup() as scenes:
            while not self.finished:
                for case in await self._new_cases():
                    scene = self._choose(case)
                    if scene is None:
                        continue
                    self._seen.add(case.id)
                    self.playing += 1
                    scenes.create_task(self._play(scene, case, self._draw.random()))
                await asyncio.sleep(self._look_every)

    async def _new_cases(self) -> list[SeenCase]:
        try:
            found = await self._town.undecided()
        except NotNow as error:
            self.troubles[f"looking: {error}"] += 1
            return []
        return [case for case in found if case.id not in self._seen]

    def _choose(self, case: SeenCase) -> Scene | None:
        """Return a scene for a case, required ones first; None leaves it where it is for now.

        A case that fits nothing is looked at again: a required scene may come free for it.
        """
        scenes = [scene for scene in self._script.scene if fits(scene, case)]
        for scene in self._open:
            # A reporter must be able to speak in a scene that has words for him.
            speaks = any(step.by == "reporter" for step in scene.steps)
            if scene in scenes and (not speaks or case.ticket in self._tokens):
                self._open.remove(scene)
                return scene
        others = [scene for scene in scenes if not scene.required and scene.weight]
        if not others:
            return None
        return self._draw.choices(others, [scene.weight for scene in others])[0]

    async def _play(self, scene: Scene, case: SeenCase, mood: float) -> None:
        outcome = "played"
        try:
            async with self._room:
                self.scenes[scene.name] += 1
                for step in scene.steps:
                    await self._step(step, case, mood)
        except NotNow as error:
            outcome = str(error)
            self.troubles[f"{scene.name}: {outcome}"] += 1
        finally:
            self.playing -= 1
        if scene.required:
            self.outcomes[scene.name] = outcome
            if outcome != "played":
                self._open.append(scene)  # another case may do better

    async def _step(self, step: Step, case: SeenCase, mood: float) -> None:
        spread = self._script.shared_pause
        await asyncio.sleep(step.after * (1 - spread + 2 * spread * mood))
        if step.by is None:
            await self._wait(step, case)
        elif step.by == "reporter":
            await self._town.reply(case, step, self._tokens[case.ticket])
        else:
            await self._town.act(case, step)

    async def _wait(self, step: Step, case: SeenCase) -> None:
        what = step.state or "breach"
        try:
            async with asyncio.timeout(step.within):
                while not await self._reached(step, case):  # noqa: ASYNC110 - asks over HTTP
                    await asyncio.sleep(self._look_every)
        except TimeoutError:
            raise NotNow(f"no {what} within {step.within:.0f} s") from None

    async def _reached(self, step: Step, case: SeenCase) -> bool:
        if step.do == "wait_breach":
            return await self._town.breached(case)
        return await self._town.was_in(case, step.state or "")


def fits(scene: Scene, case: SeenCase) -> bool:
    """Whether a scene may be played with a case as it is now."""
    return scene.needs.fit(state=case.state, opd=case.opd, text=case.text)
