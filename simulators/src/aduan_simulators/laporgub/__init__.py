"""A LaporGub that behaves as far as its contract is known; the rest is assumed (see the README)."""

from aduan_simulators.laporgub.app import create_app
from aduan_simulators.laporgub.desk import Behaviour

__all__ = ["Behaviour", "create_app"]
