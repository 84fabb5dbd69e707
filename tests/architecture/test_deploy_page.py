"""docs/deploy.md can be followed: its commands, options, verbs, variables, bodies and links exist."""

import json
import re
from pathlib import Path
from typing import Any, Final

import pytest
from pydantic import BaseModel
from typer.main import get_command

from aduan_intake.entrypoints.forms import FORM_LIMIT
from aduan_intake.entrypoints.portals_http import PortalIn
from aduan_intake.entrypoints.report_page import PATH as FORM
from aduan_routing.entrypoints.offices import KeyIn
from aduan_standalone.cli.main import app
from aduan_standalone.doctor.environment import known

ROOT: Final = Path(__file__).resolve().parents[2]
PAGE: Final = ROOT / "docs" / "deploy.md"
TEXT: Final = PAGE.read_text("utf-8")
BODIES: Final[dict[str, type[BaseModel]]] = {"/v1/portals": PortalIn, "/keys": KeyIn}


def commands() -> list[tuple[str, str]]:
    """Return (command, the rest of its line) of everything that `aduan` is asked to do."""
    joined = TEXT.replace("\\\n", " ")
    found = re.findall(
        r"(?:^ *|`)(?:aduan|docker compose run --rm tools) ([a-z-]+)([^`\n#]*)",
        joined,
        re.MULTILINE,
    )
    assert len(found) > 15
    return found


@pytest.mark.parametrize(("name", "rest"), commands())
def test_every_command_exists_with_its_options(name: str, rest: str) -> None:
    """Copied into a terminal it does not end with a usage message."""
    group: Any = get_command(app)
    assert name in group.commands
    command = group.commands[name]
    if hasattr(command, "commands"):
        (below, *_) = rest.split()
        command = command.commands[below]
    options = {option for one in command.params for option in one.opts}

    assert set(re.findall(r"--[a-z-]+", rest)) <= options


def test_every_verb_of_make_exists() -> None:
    """In the text, too."""
    verbs = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set(re.findall(r"(?:^ *|`)make ([a-z-]+)", TEXT, re.MULTILINE))

    assert {"env", "images", "compose-up", "compose-smoke"} <= named
    assert named <= verbs


def test_every_file_that_it_names_exists() -> None:
    """Links and the files of commands."""
    links = [one.partition("#")[0] for one in re.findall(r"\]\(([^)]+)\)", TEXT)]
    files = re.findall(r"(?:python|-k|kustomize) ((?:tools|deploy)/[\w./-]+)", TEXT)

    assert {"operations.md", "capacity.md"} <= set(links)
    for link in links:
        assert (PAGE.parent / link).exists(), link
    for path in files:
        assert (ROOT / path).exists(), path


def test_every_variable_is_one() -> None:
    """Of our services, or of compose's .env."""
    example = set(
        re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text("utf-8"), re.MULTILINE)
    )
    named = set(re.findall(r"`([A-Z][A-Z_]*_[A-Z_]+)`", TEXT)) - {"STATIC_KEYS"}
    named = {name for name in named if not name.startswith("_") and not name.endswith("_")}
    starts = re.findall(r"`(ADUAN_[A-Z_]+)`((?:, `_[A-Z0-9_]+`)+)", TEXT)
    for first, more in starts:
        for end in re.findall(r"`_([A-Z0-9_]+)`", more):
            tails = [name for name in known() if name.endswith(end)]
            stem = first.rsplit("_", 1)[0]
            assert any(name.startswith(stem.rsplit("_", 1)[0]) for name in tails), (first, end)

    assert len(named) > 8
    assert named <= known() | example | {"ADUAN_INTAKE_SERVICE_HOST"}


def test_what_a_trial_leaves_open_is_closed_by_a_value_and_not_by_a_missing_line() -> None:
    """A line that says no is seen by whoever reads the file."""
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| (.*) \|$", TEXT, re.MULTILINE))

    assert ("`false`", "`true`") == (rows["ADUAN_NOTIFY_OUTBOX_OPEN"], rows["SECURE_COOKIES"])
    assert {"ALERTMANAGER_CONFIG", "FORWARDED_ALLOW_IPS"} <= rows.keys()


def test_the_proxy_takes_what_intake_takes() -> None:
    """A smaller limit refuses citizens with photos, by an error page that is not ours."""
    found = re.search(r"bodies of (\d+) MB at `([^`]+)`", TEXT)
    ingress = (ROOT / "deploy" / "k8s" / "README.md").read_text("utf-8")

    assert found is not None
    assert (str(FORM_LIMIT // 1024**2), FORM) == found.groups()
    assert [found[1]] == re.findall(r"bodies of (\d+) MB", ingress)


def test_the_verb_that_drops_the_data_says_so_wherever_it_is_named() -> None:
    """Beside it stands the one that keeps them."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    helped = dict(re.findall(r"^(compose-[a-z]+):.*## (.*)$", makefile, re.MULTILINE))
    recipe = {verb: makefile.partition(f"\n{verb}:")[2].partition("\n\n")[0] for verb in helped}

    assert ["compose-down"] == [verb for verb in helped if "--volumes" in recipe[verb]]
    assert "DROP ALL ITS DATA" in helped["compose-down"]
    assert "keep its data" in helped["compose-stop"]
    assert re.search(r"\*\*`make compose-down` drops every volume", TEXT)
    assert "`make compose-stop`" in TEXT


def test_what_it_posts_is_accepted() -> None:
    """Each body by the model of its path."""
    joined = TEXT.replace("\\\n", " ")
    calls = re.findall(r"curl [^\n]*?http://localhost:\d+(\S+)[^\n]*-d '([^']+)'", joined)

    assert 3 == len(calls)
    for path, body in calls:
        model = next(model for end, model in BODIES.items() if path.endswith(end))
        model.model_validate(json.loads(body))


def test_the_offices_that_it_gives_keys_to_exist() -> None:
    """The coordinator's key is made at the coordinating office."""
    offices = (ROOT / "reference" / "tenants" / "33.74" / "offices.csv").read_text("utf-8")
    for code in re.findall(r"/v1/offices/([A-Z]+)/keys ", TEXT):
        assert re.search(rf"\b{code}\b", offices)
