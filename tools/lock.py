"""Renews requirements/*.lock: pinned, with hashes, and without a word about where they came from.

Run with Python 3.11, the oldest supported one: it needs every package that a newer one needs, and a
few back-ports more, so one lock installs on 3.11 to 3.13 (Linux x86-64 and others with wheels).
"""

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).resolve().parent.parent / "requirements"
NAMES: Final = (
    "runtime",
    "statistics",
    "dev",
    "manifests",
)  # in this order: each is constrained by those before, but manifests, which is installed apart
OPTIONS: Final = (
    "--quiet",
    "--allow-unsafe",  # setuptools and pip are pinned like everything else
    "--generate-hashes",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--no-emit-trusted-host",
    "--no-emit-options",
    "--strip-extras",
    "--no-header",
)
PLACE: Final = re.compile(r"https?://|file://|find-links|index-url|trusted-host")


def main() -> int:
    """Compile the locks; fail if one names a place. Further arguments go to pip-compile."""
    if sys.version_info[:2] != (3, 11):
        sys.stderr.write("use Python 3.11 to lock, so that the lock serves 3.11 to 3.13\n")
        return 1
    for name in NAMES:
        lock = FOLDER / f"{name}.lock"
        subprocess.run(
            [sys.executable, "-m", "piptools", "compile", *OPTIONS, *sys.argv[1:],
             "-o", lock.name, f"{name}.in"],
            cwd=FOLDER, check=True,
        )  # fmt: skip
        if PLACE.search(lock.read_text("utf-8")):
            sys.stderr.write(f"{lock.name} names a place\n")
            return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
