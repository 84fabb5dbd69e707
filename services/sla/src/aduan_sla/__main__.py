"""Run sla in a process of its own: python -m aduan_sla."""

from aduan.runner import run
from aduan_sla.bootstrap import build, spec
from aduan_sla.settings import Settings


def main() -> None:
    """Read the settings and serve; end with one sentence where it cannot start."""
    run("sla", Settings, spec=spec, build=build)


if __name__ == "__main__":
    main()
