"""Run routing in a process of its own: python -m aduan_routing."""

from aduan.runner import run
from aduan_routing.bootstrap import build, spec
from aduan_routing.settings import Settings


def main() -> None:
    """Read the settings and serve; end with one sentence where it cannot start."""
    run("routing", Settings, spec=spec, build=build)


if __name__ == "__main__":
    main()
