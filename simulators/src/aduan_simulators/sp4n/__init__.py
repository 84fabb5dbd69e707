"""SP4N-LAPOR! generation 2 as one integrator's code shows it; the rest is assumed (see README)."""

from aduan_simulators.sp4n.app import create_app
from aduan_simulators.sp4n.desk import Behaviour

__all__ = ["Behaviour", "create_app"]
