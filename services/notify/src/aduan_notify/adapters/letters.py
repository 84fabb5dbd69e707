"""The tenant's letters: loaded whole and strictly, so that no mistake is found by a citizen."""

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

from jinja2 import StrictUndefined, Template, TemplateError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

from aduan.contracts.values import Audience
from aduan_notify.adapters.rows import BadReference, Shape, read, toml
from aduan_notify.domain.causes import AUDIENCES, TOLD, Cause

CONFIDENTIAL: Final = "confidential"
LAYOUTS: Final = ("citizen", "official")
# What a letter may name, with a value of the kind that it gets. See the head of mail.toml.
SAMPLE: Final[Mapping[str, Any]] = {
    "brand": "Kanal",
    "city": "Kota",
    "ticket": "AAA-0000-0000-000",
    "received_on": "Selasa, 1 Desember 2026",
    "unit": "Dinas",
    "track_url": "http://contoh.test/lacak/AAA-0000-0000-000",
    "desk_url": "http://contoh.test/meja",
    "clock": "penanganan laporan",
    "due_at": "Selasa, 1 Desember 2026 pukul 09.00 WIB",
    "level": 1,
    "follow_up_on": "Senin, 1 Maret 2027",
    "follow_up_year": "2027",
    "partner": "Mitra",
    "emergency": "Dalam keadaan darurat, hubungi 112.",
    "inlets": ({"label": "Situs", "address": "https://contoh.test"},),
}
# What a confidential letter may name: it cannot say more than the number even by mistake.
PUBLIC_OF_CONFIDENTIAL: Final = frozenset(("brand", "city", "ticket", "track_url", "desk_url"))
_SUBJECT_LIMIT: Final = 120
_BLANK_LINES: Final = re.compile(r"\n{3,}")


class _Text(Shape):
    subject: str
    body: str


class Letters:
    """All letters of one tenant. `write` cannot fail for a (cause, audience) of the table."""

    def __init__(self, folder: Path, layout: Mapping[str, str]) -> None:
        """Load folder/*.toml and try every letter once. layout: citizen, official.

        Raises BadReference for a letter that is missing, that nobody gets, that is no template, or
        that names a variable which does not exist.
        """
        self._environment = ImmutableSandboxedEnvironment(
            undefined=StrictUndefined,
            autoescape=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._layouts = {
            name: self._compile(layout[name], f"mail.toml: layout.{name}", {*SAMPLE, "letter"})
            for name in LAYOUTS
        }
        self._letters = self._load(folder)
        for cause, audience in self._letters:
            self._try(cause, audience)

    def write(
        self, cause: Cause, audience: Audience, facts: Mapping[str, Any], *, confidential: bool
    ) -> tuple[str, str]:
        """Return subject and text. facts: a value for each name in SAMPLE."""
        return self._write(CONFIDENTIAL if confidential else cause, audience, facts)

    def _try(self, cause: str, audience: str) -> None:
        try:
            for level in (0, 1, 2):
                self._write(cause, audience, {**SAMPLE, "level": level})
        except (TemplateError, TypeError, ValueError, LookupError, ArithmeticError) as error:
            raise BadReference(f"letters/{cause}.toml: {audience}: {error}") from error

    def _write(self, cause: str, audience: str, facts: Mapping[str, Any]) -> tuple[str, str]:
        subject, body = self._letters[cause, audience]
        layout = self._layouts["citizen" if audience == "reporter" else "official"]
        line = " ".join(subject.render(facts).split())[:_SUBJECT_LIMIT]
        letter = _tidy(body.render(facts))
        return line, _tidy(layout.render({**facts, "letter": letter})) + "\n"

    def _load(self, folder: Path) -> Mapping[tuple[str, str], tuple[Template, Template]]:
        wanted = {(str(cause), str(one)) for cause, heard in TOLD.items() for one in heard}
        wanted |= {(CONFIDENTIAL, str(one)) for one in AUDIENCES}
        found: dict[tuple[str, str], tuple[Template, Template]] = {}
        for path in sorted(folder.glob("*.toml")):
            for audience, text in toml(path).items():
                where = f"letters/{path.name}: {audience}"
                if (path.stem, audience) not in wanted:
                    raise BadReference(f"{where}: nobody gets this letter")
                shape = read(_Text, text, where)
                allowed = PUBLIC_OF_CONFIDENTIAL if path.stem == CONFIDENTIAL else set(SAMPLE)
                found[path.stem, audience] = (
                    self._compile(shape.subject, f"{where}.subject", allowed),
                    self._compile(shape.body, f"{where}.body", allowed),
                )
        if missing := sorted(wanted - found.keys()):
            cause, audience = missing[0]
            raise BadReference(f"letters/{cause}.toml: there is no table [{audience}]")
        return found

    def _compile(self, source: str, where: str, allowed: Collection[str]) -> Template:
        try:
            named = meta.find_undeclared_variables(self._environment.parse(source))
            template = self._environment.from_string(source)
        except TemplateError as error:
            raise BadReference(f"{where}: {error}") from error
        if unknown := sorted(named - set(allowed)):
            raise BadReference(f"{where}: there is no variable {unknown[0]}")
        return template


def _tidy(text: str) -> str:
    return _BLANK_LINES.sub("\n\n", "\n".join(line.rstrip() for line in text.splitlines())).strip()
