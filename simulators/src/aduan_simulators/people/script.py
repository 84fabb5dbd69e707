"""The cast's script as data: scenes, what they need, their steps. Read from TOML, checked whole."""

import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Who = Literal["coordinator", "office", "reporter"]
Do = Literal[
    "accept",
    "start",
    "answer",
    "ask",
    "return",
    "conditionally_close",
    "assign_suggested",
    "assign_proposed",
    "forward",
    "archive",
    "reply",
    "rating",
    "objection",
    "wait",
    "wait_breach",
]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Needs(_Part):
    """Which cases a scene may be played with."""

    state: Literal["triage", "assigned"]
    office: str | None = None
    not_office: str | None = None
    words: tuple[str, ...] = ()

    def fit(self, *, state: str, opd: str | None, text: str) -> bool:
        """Whether a case in this state, with this office and text, will do."""
        return (
            state == self.state
            and (self.office is None or opd == self.office)
            and (self.not_office is None or opd != self.not_office)
            and (not self.words or any(word in text for word in self.words))
        )


class Step(_Part):
    """One act, or one thing to wait for. after: real seconds of thinking before an act."""

    by: Who | None = None
    do: Do
    after: float = Field(default=0.0, ge=0)
    text: str = ""
    evidence: bool = False
    rating: int | None = Field(default=None, ge=1, le=5)
    partner: Literal["laporgub", "sp4n"] | None = None
    proposed: str | None = None
    proposed_else: str | None = None
    avoid: str | None = None
    due_in_days: int | None = Field(default=None, ge=1)
    state: str | None = None
    within: float = Field(default=20.0, gt=0)

    @model_validator(mode="after")
    def _complete(self) -> "Step":
        if (self.by is None) != self.do.startswith("wait"):
            raise ValueError("an act needs `by`, a wait has none")
        if self.do == "wait" and self.state is None:
            raise ValueError("a wait needs `state`")
        return self


class Scene(_Part):
    """A part for one case. required: must be played; else weight is its share of the rest."""

    name: str
    required: bool = False
    weight: float = Field(default=0.0, ge=0)
    needs: Needs
    steps: tuple[Step, ...]


class Script(_Part):
    """Everything the cast plays. concurrency: cases in hand at once."""

    concurrency: int = Field(ge=1)
    shared_pause: float = Field(ge=0, le=1)
    scene: tuple[Scene, ...]

    @property
    def required(self) -> tuple[Scene, ...]:
        """The scenes that must be played."""
        return tuple(scene for scene in self.scene if scene.required)


def load(path: Path | None = None) -> Script:
    """Return the script in a TOML file, by default the one that ships with the cast.

    Raises OSError, tomllib.TOMLDecodeError or pydantic.ValidationError.
    """
    if path is None:
        text = files("aduan_simulators.people").joinpath("script.toml").read_text(encoding="utf-8")
    else:
        text = path.read_text(encoding="utf-8")
    return Script.model_validate(tomllib.loads(text))
