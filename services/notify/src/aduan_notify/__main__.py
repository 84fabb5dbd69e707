"""Run notify in a process of its own: python -m aduan_notify."""

from aduan.runner import run
from aduan_notify.bootstrap import build, spec
from aduan_notify.settings import Settings


def main() -> None:
    """Read the settings and serve; end with one sentence where it cannot start."""
    run("notify", Settings, spec=spec, build=build)


if __name__ == "__main__":
    main()
