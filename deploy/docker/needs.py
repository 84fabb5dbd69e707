"""What an image needs of the locks: the third-party distributions that one part declares, and theirs.

The locks say behind `via` who asked for each package, so the closure is read from them alone, without
a resolver and without the network; and what comes out has the lock's versions and hashes. Runs in the
build stage: standard library only.

    needs.py requirements PART [--without PART]   lines for `pip install --require-hashes`
    needs.py distributions PART                   names of the local distributions, in one line
    needs.py start PART                           the command that starts it
"""

import re
import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path.cwd()
PARTS: Final = Path(__file__).with_name("parts.toml")
# Not parts that one starts: what every image shares, as a layer of its own, and what builds wheels.
# httptools is imported by nobody and found by uvicorn, which is faster with it.
LIBRARY: Final = {"distribution": "libs/aduan", "beside": ["httptools"]}
BUILDING: Final = {"beside": ["hatchling"]}
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_PIN: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)==")
_VIA: Final = re.compile(r"#\s+(?:via\s+)?(?P<who>\S.*)")


class Unknown(Exception):
    """Something is asked for that neither a folder nor a lock has; the text names it."""


@dataclass(frozen=True, slots=True)
class Locked:
    """One package of a lock. text: its lines as pip reads them. asked_by: the packages behind `via`."""

    name: str
    text: str
    asked_by: frozenset[str]


def normal(name: str) -> str:
    """Return a distribution's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def locked_in(text: str) -> list[Locked]:
    """Return the packages of a lock's text."""
    found: list[Locked] = []
    for stanza in re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE):
        pin = _PIN.match(stanza)
        if pin is None:
            continue
        lines = stanza.splitlines()
        remarks = [line.strip() for line in lines if line.lstrip().startswith("#")]
        code = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
        asked = [match["who"] for line in remarks if (match := _VIA.fullmatch(line)) is not None]
        names = {normal(who[0]) for word in asked if (who := _NAME.match(word)) is not None}
        found.append(Locked(normal(pin[1]), "\n".join(code), frozenset(names)))
    return found


def closure(wanted: Iterable[str], locks: Iterable[Locked]) -> dict[str, Locked]:
    """Return the packages and all that they need, by name. Raises Unknown for one in no lock."""
    by_name: dict[str, Locked] = {}
    for package in locks:
        # in two locks: at one version, since each lock is constrained by those before it
        known = by_name.get(package.name, package)
        by_name[package.name] = replace(known, asked_by=known.asked_by | package.asked_by)
    needs: dict[str, set[str]] = {name: set() for name in by_name}
    for package in by_name.values():
        for who in package.asked_by & by_name.keys():
            needs[who].add(package.name)
    found: dict[str, Locked] = {}
    open_names = [normal(name) for name in wanted]
    while open_names:
        name = open_names.pop()
        if name in found:
            continue
        if name not in by_name:
            raise Unknown(f"{name} is in no lock")
        found[name] = by_name[name]
        open_names += needs[name]
    return found


def local_distributions(root: Path) -> dict[str, Path]:
    """Return the folders of this project's distributions, by name."""
    files = [
        path
        for pattern in ("*", "libs/*", "services/*")
        for path in root.glob(f"{pattern}/pyproject.toml")
    ]
    return {normal(_project(path)["name"]): path.parent for path in files}


def _project(path: Path) -> Mapping[str, Any]:
    project: Mapping[str, Any] = tomllib.loads(path.read_text("utf-8"))["project"]
    return project


def declared_by(
    folder: Path, root: Path, extras: Iterable[str] = ()
) -> tuple[list[Path], set[str]]:
    """Return a distribution's folder with the local ones it needs, and what all declare beside.

    extras: which optional dependencies of the distribution itself count. Raises Unknown.
    """
    local = local_distributions(root)
    folders: list[Path] = []
    outside: set[str] = set()
    open_folders = [folder]
    while open_folders:
        one = open_folders.pop()
        if one in folders:
            continue
        folders.append(one)
        project = _project(one / "pyproject.toml")
        wanted = list(project.get("dependencies", ()))
        for extra in extras if one == folder else ():
            if extra not in project.get("optional-dependencies", {}):
                raise Unknown(f"{project['name']} has no extra {extra}")
            wanted += project["optional-dependencies"][extra]
        for requirement in wanted:
            matched = _NAME.match(requirement)
            name = normal(matched[0]) if matched is not None else requirement
            if name in local:
                open_folders.append(local[name])
            else:
                outside.add(name)
    return sorted(folders), outside


def parts() -> Mapping[str, Mapping[str, Any]]:
    """Return what can be built, by name."""
    found: Mapping[str, Mapping[str, Any]] = tomllib.loads(PARTS.read_text("utf-8"))
    return found


def part_named(name: str) -> Mapping[str, Any]:
    """Return what parts.toml says of a part. Raises Unknown."""
    known = {**parts(), "library": LIBRARY, "building": BUILDING}
    if name not in known:
        raise Unknown(f"SERVICE is {name or 'missing'}; it must be one of {', '.join(parts())}")
    return known[name]


def requirements(name: str, root: Path) -> dict[str, Locked]:
    """Return what a part needs of the locks, by name. Raises Unknown."""
    part = part_named(name)
    own = part.get("distribution")
    extras = part.get("extras", ())
    _, outside = declared_by(root / own, root, extras) if own is not None else ([], set())
    locks = [
        package
        for lock in part.get("locks", ("runtime",))
        for package in locked_in((root / "requirements" / f"{lock}.lock").read_text("utf-8"))
    ]
    return closure([*outside, *part.get("beside", ())], locks)


def main(arguments: list[str]) -> int:
    """Print what is asked; code 2 and one sentence where that cannot be told."""
    try:
        match arguments:
            case ["requirements", name]:
                lines = [package.text for package in requirements(name, ROOT).values()]
            case ["requirements", name, "--without", other]:
                there = requirements(other, ROOT)
                lines = [
                    package.text
                    for key, package in requirements(name, ROOT).items()
                    if key not in there
                ]
            case ["distributions", name]:
                folders, _ = declared_by(ROOT / str(part_named(name)["distribution"]), ROOT)
                lines = [" ".join(_project(one / "pyproject.toml")["name"] for one in folders)]
            case ["start", name]:
                lines = [str(part_named(name)["start"])]
            case _:
                raise Unknown(__doc__ or "")
    except Unknown as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write("\n".join(sorted(lines)) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
