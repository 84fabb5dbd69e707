"""`python -m tools.dashboards` writes the JSON of all boards; `--check` says what is not current."""

import sys
from pathlib import Path

from tools.dashboards.boards import BOARDS
from tools.dashboards.grafana import render
from tools.dashboards.reading import FOLDER


def stale(folder: Path = FOLDER) -> list[str]:
    """Return the files that are missing, differ from what the code gives, or belong to no board."""
    wanted = {f"{board.slug}.json": render(board) for board in BOARDS}
    found = {path.name: path.read_text("utf-8") for path in folder.glob("*.json")}
    return sorted(name for name in wanted | found if wanted.get(name) != found.get(name))


def main(arguments: list[str]) -> int:
    """Write or check; 1 where a check found something."""
    if arguments == ["--check"]:
        differing = stale()
        for name in differing:
            print(f"{name} is not what tools/dashboards gives; run `make boards`")
        return 1 if differing else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path in FOLDER.glob("*.json"):
        path.unlink()
    for board in BOARDS:
        (FOLDER / f"{board.slug}.json").write_text(render(board), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
