"""Run intake in a process of its own: python -m aduan_intake."""

from aduan.runner import run
from aduan_intake.bootstrap import build, spec
from aduan_intake.settings import Settings


def main() -> None:
    """Read the settings and serve; end with one sentence where it cannot start."""
    run("intake", Settings, spec=spec, build=build)


if __name__ == "__main__":
    main()
