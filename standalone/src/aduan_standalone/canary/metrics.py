"""Every series of the canary; a test compares this list with the dashboards and the alerts.

Served by the canary's own process, or by `aduan up --canary` beside all others.
"""

from typing import Final, Literal, get_args

from prometheus_client import CollectorRegistry

from aduan.observability.metrics import Level, Tally, Timing

Step = Literal["post", "assigned", "clock", "mirror", "notification"]
Outcome = Literal["ok", "late", "failed"]
STEPS: Final[tuple[Step, ...]] = get_args(Step)
OUTCOMES: Final[tuple[Outcome, ...]] = get_args(Outcome)


class Metrics:
    """The closed list. One object per process. All times are real."""

    def __init__(self, registry: CollectorRegistry) -> None:
        # Counter: every canary counts each step once, when it is over. ok: seen within the bound;
        # late: the service answered, and the step was not there; failed: nobody answered, or the
        # complaint was not even taken.
        self.steps = Tally(
            "aduan_canary_steps",
            "Steps of canaries that are over.",
            registry,
            {"step": STEPS, "outcome": OUTCOMES},
            act="late, failed: a citizen's complaint would not pass this step either; the first step "
            "that fails is where to look.",
        )
        # Gauge: Unix seconds of the last time that a step was ok; 0 before the first.
        self.last_success = Level(
            "aduan_canary_last_success_timestamp_seconds",
            "When a step of a canary was last seen in time.",
            registry,
            {"step": STEPS},
            act="Its age is what counts: over five minutes somebody is called.",
        )
        # Histogram: seconds from the POST to the moment that a step was seen; of steps that are ok.
        self.seconds = Timing(
            "aduan_canary_seconds",
            "Time from the POST of a canary until a step was seen.",
            registry,
            (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 45.0, 60.0),
            {"step": STEPS},
            act="So long a citizen waits for this step: see aduan_pipeline_lag_seconds.",
        )
        # Gauge: 1 when every step of the canary that ended last was ok, else 0; 0 before the first.
        self.up = Level(
            "aduan_canary_up",
            "Whether the last canary passed all steps.",
            registry,
            over="min",
            act="0 is the alarm: aduan_canary_steps_total says which step.",
        )
        for step in STEPS:
            self.last_success.set(0, step=step)
        self.up.set(0)
