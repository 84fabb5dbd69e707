"""What the papers show is what the code takes: examples are read by the models they are meant for."""

import ast
import json
import re
from pathlib import Path
from typing import Any, Final

import pytest
from pydantic import BaseModel
from typer.main import get_command

from aduan.ticket import read_ticket
from aduan.web.catalogue import CATALOGUE
from aduan_intake.domain.replies import ReplyIn
from aduan_intake.domain.request import ComplaintIn
from aduan_intake.entrypoints.portals_http import PortalIn
from aduan_standalone.cli.main import app

ROOT: Final = Path(__file__).resolve().parents[2]
PORTAL: Final = (ROOT / "docs" / "portal.md").read_text("utf-8")
OPERATIONS: Final = (ROOT / "docs" / "operations.md").read_text("utf-8")
OPD: Final = (ROOT / "docs" / "opd.md").read_text("utf-8")
MODELS: Final[dict[str, type[BaseModel]]] = {
    "/v1/portals": PortalIn,
    "/v1/complaints": ComplaintIn,
    "/replies": ReplyIn,
}


def blocks(text: str, language: str) -> list[str]:
    """Return the code blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def posted() -> list[tuple[str, dict[str, Any]]]:
    """Return (end of the path, body) of every curl call that posts JSON."""
    found = []
    for block in blocks(PORTAL, "sh"):
        body = re.search(r"-d '(.*?)'", block, re.DOTALL)
        path = re.search(r'"\$ADUAN(\S+)"', block)
        if body is not None and path is not None:
            end = next(end for end in MODELS if path[1].endswith(end))
            found.append((end, json.loads(body[1])))
    return found


@pytest.mark.parametrize(("path", "body"), posted(), ids=[path for path, _ in posted()])
def test_what_the_portal_page_posts_is_accepted(path: str, body: dict[str, Any]) -> None:
    """A portal developer copies it and sees a ticket, not a problem."""
    MODELS[path].model_validate(body)


def test_the_portal_page_has_a_call_for_every_model() -> None:
    """The check above looks at something."""
    assert set(MODELS) == {path for path, _ in posted()}


def test_the_python_example_posts_a_complaint() -> None:
    """It compiles, and its body is one that intake takes."""
    (block,) = blocks(PORTAL, "python")
    calls = [node for node in ast.walk(ast.parse(block)) if isinstance(node, ast.keyword)]
    (body,) = [ast.literal_eval(node.value) for node in calls if node.arg == "json"]

    assert ComplaintIn.model_validate(body).confidential is False


def test_the_php_example_posts_a_complaint() -> None:
    """Its array has the fields that intake knows."""
    (block,) = blocks(PORTAL, "php")
    array = re.search(r"json_encode\(\[(.*?)\]\)", block, re.DOTALL)
    assert array is not None
    names = re.findall(r"'(\w+)' =>", array[1])

    assert set(names) <= set(ComplaintIn.model_fields)
    assert "text" in names


def test_every_problem_that_the_portal_page_explains_exists_with_that_status() -> None:
    """The table of errors is a promise."""
    named = re.findall(r"`(\d{3}) ([a-z_]+)`", PORTAL)

    assert named
    for status, code in named:
        assert {code: int(status)} == {
            known: entry.status for known, entry in CATALOGUE.items() if known == code
        }


def test_every_ticket_in_the_papers_has_a_right_check_character() -> None:
    """A reader who types the example off is not told that it is mistyped."""
    found = set(re.findall(r"\b[A-Z]{3}-\w{5}-\w{5}-\w\b", PORTAL + OPERATIONS))

    assert found
    assert found == {read_ticket(ticket) for ticket in found}


def test_every_command_in_the_papers_exists() -> None:
    """`aduan ...` as written on the operators' page is known to the command line."""
    group: Any = get_command(app)
    shown = re.findall(
        r"^\s*aduan ([a-z-]+)|`aduan ([a-z-]+)(?: ([a-z]+))?", OPERATIONS + OPD, re.MULTILINE
    )

    assert shown
    for line, quoted, below in shown:
        name = line or quoted
        assert name in group.commands
        if below and name in {"dlq", "opd", "topics"}:
            assert below in group.commands[name].commands
