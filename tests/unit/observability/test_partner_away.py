"""A partner that is away for hours, as the real breaker tells it, and what the rules make of it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest
import yaml
from aduan_prometheus import OBSERVABILITY, run
from prometheus_client import CollectorRegistry

from aduan.clock import ManualClock
from aduan_sync_laporgub.breaker import Breaker
from aduan_sync_laporgub.metrics import BREAKER, Metrics

SCRAPE: Final = 15
AWAY: Final = 3 * 3600
WHOLE: Final = AWAY + 3600
# A feed is asked each minute; a job that fails is tried each quarter of an hour in the end.
TRIALS: Final = (60, 900)


def told(trial: int) -> Mapping[str, Sequence[int]]:
    """Scrape a breaker for four hours, of which its partner is away for the first three.

    trial: seconds between two calls. Returns state -> what each scrape said.
    """
    clock = ManualClock(datetime(2026, 3, 2, tzinfo=UTC))
    breaker, registry = Breaker(clock), CollectorRegistry()
    metrics = Metrics(registry)
    found: dict[str, list[int]] = {state: [] for state in BREAKER}
    for second in range(0, WHOLE, SCRAPE):
        if second % trial == 0 and breaker.room:
            (breaker.failed if second < AWAY else breaker.worked)()
        metrics.show_breaker("laporgub", breaker)
        for state, values in found.items():
            labels = {"system": "laporgub", "state": state}
            values.append(int(registry.get_sample_value("aduan_sync_breaker", labels) or 0))
        clock.advance(timedelta(seconds=SCRAPE))
    return found


@pytest.mark.parametrize("trial", TRIALS)
def test_a_breaker_is_not_closed_until_its_partner_answers_and_is_seldom_open(trial: int) -> None:
    """So `closed` tells whether a partner is away; `open` is over before the next scrape."""
    found = told(trial)
    fifth, back = 4 * trial // SCRAPE, AWAY // SCRAPE

    assert [1] * fifth == found["closed"][:fifth]
    assert [0] * (back - fifth) == found["closed"][fifth:back]
    assert [1] * (WHOLE // SCRAPE - back) == found["closed"][back:]
    assert "11" not in "".join(map(str, found["open"]))


@pytest.mark.parametrize("trial", TRIALS)
def test_one_alert_says_that_a_partner_is_away_and_then_the_other_that_we_are_late(
    tmp_path: Path, trial: int
) -> None:
    """The rules themselves, over what the breaker told; a call is late all the time."""
    laporgub = [{"labels": '{system="laporgub"}', "value": 1}]
    case = {
        "interval": f"{SCRAPE}s",
        "input_series": [
            {
                "series": f'aduan_sync_breaker{{system="laporgub",state="{state}"}}',
                "values": " ".join(map(str, values)),
            }
            for state, values in told(trial).items()
        ]
        + [
            {
                "series": 'aduan_sync_due_late_seconds{system="laporgub"}',
                "values": f"3600x{WHOLE // SCRAPE}",
            }
        ],
        "promql_expr_test": [
            {
                "expr": f'count by (system) (ALERTS{{alertname="{alert}", alertstate="firing"}})',
                "eval_time": f"{AWAY // 60 + minutes}m",
                "exp_samples": laporgub if fires else [],
            }
            for minutes, alert, fires in (
                (-1, "PartnerAway", True),
                (-1, "MirrorLate", False),
                (1, "PartnerAway", False),
                (30, "MirrorLate", True),
            )
        ],
    }
    rules = str(OBSERVABILITY / "alerts" / "bridge.yml")
    (tmp_path / "case.yml").write_text(
        yaml.safe_dump({"rule_files": [rules], "evaluation_interval": "15s", "tests": [case]}),
        "utf-8",
    )
    ended = run("promtool", "test", "rules", tmp_path / "case.yml")

    assert 0 == ended.returncode, ended.stdout
