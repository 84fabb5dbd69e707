"""One canary: posted, and watched until every step was seen or the bound is over.

It never raises for a service that does not answer, or answers nonsense: that is what it counts.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog

from aduan.clock import Clock
from aduan_standalone.canary.asking import CASES, Services, Unanswered
from aduan_standalone.canary.metrics import STEPS, Outcome, Step
from aduan_standalone.canary.steps import LOOKS, Look, report_of

LOOK_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 5.0

log = structlog.get_logger("aduan.canary")


@dataclass(frozen=True, slots=True)
class Passed:
    """How a step went. seconds: real, from the POST until it was seen; None unless ok."""

    outcome: Outcome
    seconds: float | None = None


Result = Mapping[Step, Passed]


class Flight:
    """Flies canaries, any number at a time."""

    def __init__(
        self,
        services: Services,
        clock: Clock,
        *,
        within_seconds: float,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        """within_seconds: real seconds from the POST, after which a step is late or failed."""
        self._services = services
        self._clock = clock
        self._within = within_seconds
        self._pause = look_seconds

    async def fly(self, slot: datetime) -> Result:
        """Post the canary of a period and watch it; every step is in the result."""
        began = self._clock.monotonic()
        ticket = await self._post(slot, began)
        if ticket is None:
            return {step: Passed("failed") for step in STEPS}
        found: dict[Step, Passed] = {"post": Passed("ok", self._clock.monotonic() - began)}
        # Each on its own: a service that hangs makes no other one look slow.
        watched = await asyncio.gather(*(self._watch(look, ticket, began) for look in LOOKS))
        return found | {look.step: passed for look, passed in zip(LOOKS, watched, strict=True)}

    async def _post(self, slot: datetime, began: float) -> str | None:
        """Post as a portal does: again and again, until acknowledged; None where it never was."""
        pause = self._pause
        while True:
            try:
                return await self._services.post(report_of(slot))
            except (Unanswered, KeyError) as error:
                why = str(error) if isinstance(error, Unanswered) else "unknown answer"
            if self._clock.monotonic() - began + pause > self._within:
                log.warning("canary.step", step="post", outcome="failed", why=why)
                return None
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def _watch(self, look: Look, ticket: str, began: float) -> Passed:
        """Look until a step is seen, or the bound is over; then say why it was not."""
        names = {"ticket": ticket}
        while True:
            why = None
            seen = False
            try:
                seen = await self._look(look, names)
            except Unanswered as error:
                why = str(error)
            except (KeyError, TypeError):  # an ingress's own page, or another release
                why = "unknown answer"
            passed = self._clock.monotonic() - began
            if seen and passed <= self._within:
                return Passed("ok", passed)
            if passed + self._pause > self._within:
                outcome: Outcome = "late" if why is None else "failed"
                log.warning(
                    "canary.step", step=look.step, service=look.service, outcome=outcome, why=why
                )
                return Passed(outcome)
            await asyncio.sleep(self._pause)

    async def _look(self, look: Look, names: dict[str, str]) -> bool:
        """Whether a step is there. names: what a path may name; learns `id` where one does."""
        if "{id}" in look.path and "id" not in names:
            case = await self._services.get("routing", CASES.format(**names), keyed=True)
            if case is None:
                return False
            names["id"] = str(case["id"])
        answer = await self._services.get(
            look.service, look.path.format(**names), keyed=look.by == "reader"
        )
        return answer is not None and look.seen(answer)
