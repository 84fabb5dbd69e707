"""Run sync-laporgub in a process of its own: python -m aduan_sync_laporgub."""

from aduan.runner import run
from aduan_sync_laporgub.bootstrap import build, spec
from aduan_sync_laporgub.settings import Settings


def main() -> None:
    """Read the settings and serve; end with one sentence where it cannot start."""
    run("sync-laporgub", Settings, spec=spec, build=build)


if __name__ == "__main__":
    main()
