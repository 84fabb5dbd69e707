"""The ways in which a partner misbehaves, switched on from outside and kept over a restart.

Each fault has `next` (the next N calls have it) and `rate` (0..1, drawn from the seed and a stored
counter, so that a run can be repeated exactly).
"""

import asyncio
import random
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from aduan_simulators.laporgub.book import Book, Pen

FAULTS: Final = (
    "error_before",  # 503, nothing stored
    "error_after_store",  # stored, then 503
    "timeout_after_store",  # stored, then silence for hang_seconds, then 504
    "duplicate",  # one submission is stored as two tickets
)


class Switch(BaseModel):
    """How often one fault happens."""

    model_config = ConfigDict(extra="forbid")
    next: int = Field(default=0, ge=0)
    rate: float = Field(default=0.0, ge=0, le=1)


class FaultPlan(BaseModel):
    """All switches of one partner. Unknown names are refused."""

    model_config = ConfigDict(extra="forbid")
    error_before: Switch = Switch()
    error_after_store: Switch = Switch()
    timeout_after_store: Switch = Switch()
    duplicate: Switch = Switch()
    slow_seconds: float = Field(default=0.0, ge=0, le=60)
    hang_seconds: float = Field(default=30.0, ge=0, le=600)
    identity_required: bool = False
    confidential_refused: bool = False


class PartnerError(Exception):
    """An answer other than success: an HTTP status and what the body says."""

    def __init__(
        self, status: int, message: str, errors: dict[str, list[str]] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = errors or {}


class Faults:
    """Asks the stored plan at the points where a partner can fail."""

    def __init__(self, book: Book, seed: int) -> None:
        self._book = book
        self._seed = seed

    async def plan(self) -> FaultPlan:
        """Return the plan that is in force."""
        return await self._book.run(read_plan)

    async def set(self, plan: FaultPlan) -> None:
        """Put a plan in force."""
        await self._book.run(lambda pen: pen.set_switch("faults", plan.model_dump()))

    async def before(self) -> None:
        """Be slow or fail before anything is stored."""
        plan = await self.plan()
        if plan.slow_seconds:
            await asyncio.sleep(plan.slow_seconds)
        if await self.strikes("error_before"):
            raise PartnerError(503, "Layanan sedang tidak tersedia")

    async def after_store(self) -> None:
        """Fail although everything was stored: the caller cannot know."""
        if await self.strikes("error_after_store"):
            raise PartnerError(503, "Layanan sedang tidak tersedia")
        if await self.strikes("timeout_after_store"):
            await asyncio.sleep((await self.plan()).hang_seconds)
            raise PartnerError(504, "Waktu habis")

    async def strikes(self, name: str) -> bool:
        """Whether this call has the fault; uses up one of `next`."""
        return await self._book.run(lambda pen: _draw(pen, name, self._seed))


def read_plan(pen: Pen) -> FaultPlan:
    """Return the stored plan, or one without any fault."""
    return FaultPlan.model_validate(pen.switch("faults"))


def _draw(pen: Pen, name: str, seed: int) -> bool:
    plan = read_plan(pen)
    switch: Switch = getattr(plan, name)
    if switch.next > 0:
        left = plan.model_copy(update={name: switch.model_copy(update={"next": switch.next - 1})})
        pen.set_switch("faults", left.model_dump())
        return True
    if switch.rate <= 0:
        return False
    draw = random.Random(f"{seed}:{name}:{pen.next_number(f'draw:{name}')}")  # noqa: S311 - repeatable on purpose
    return draw.random() < switch.rate
