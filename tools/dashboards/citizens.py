"""Is a citizen waiting because of us? The first board that whoever is on duty opens."""

from typing import Final

from tools.dashboards.board import (
    ANY_IS_BAD,
    ANY_IS_WORK,
    Board,
    Row,
    lines,
    number,
)
from tools.dashboards.choices import OPD, TENANT

_NOW: Final = Row(
    "Now",
    (
        number(
            "Alerts that page",
            'count(ALERTS{alertstate="firing", severity="page"}) or vector(0)',
            says="Alerts that somebody must act on at once. Above zero: open the alert list; each "
            "alert names its page of help.",
            steps=ANY_IS_BAD,
        ),
        number(
            "Canary: last whole round",
            "time() - min(max by (step) (aduan_canary_last_success_timestamp_seconds) > 0)",
            says="Time since a synthetic complaint last went the whole way: POST, assigned, clock, "
            "mirror, notification. More than five minutes: complaints of citizens stand still too. "
            "Runbook CanarySilent.",
            unit="s",
            steps=((None, "green"), (150, "orange"), (300, "red")),
            decimals=None,
        ),
        number(
            "Could not hand in (1 h)",
            'sum(increase(aduan_http_request_seconds_count{service="intake", method="POST", '
            'route="/v1/complaints", status="5xx"}[1h])) or vector(0)',
            says="Complaints answered with an error of ours. Portals send again, a person may not. "
            "Above zero: runbook ComplaintsNotTaken.",
            steps=ANY_IS_BAD,
        ),
        number(
            "Not yet verified",
            'sum(max by (tenant) (aduan_sla_unverified{tenant=~"$tenant"}))',
            says="Cases whose class, office and flags nobody has confirmed. The coordinator works "
            "them off at the desk, oldest first.",
        ),
        number(
            "Oldest unverified",
            'max(aduan_sla_unverified_oldest_working_hours{tenant=~"$tenant"})',
            says="Working hours for which the oldest unverified case waits; the limit is three "
            "working days. Orange: tell the coordinator. Runbook UnverifiedNearLimit.",
            unit="suffix: h",
            decimals=1,
            steps=((None, "green"), (16, "orange"), (24, "red")),
        ),
        number(
            "Deadlines missed",
            'sum(max by (tenant, clock) (aduan_sla_clocks{tenant=~"$tenant", state="late"}))',
            says="Clocks that ran out and whose answer is still owed. Which clocks and which "
            "offices: board SLA dan OPD. The coordinator reminds the office.",
            steps=ANY_IS_WORK,
        ),
    ),
)

_IN: Final = Row(
    "The way in",
    (
        lines(
            "Complaints handed in, per hour",
            {"{{outcome}}": "sum by (outcome) (increase(aduan_intake_received_total[1h]))"},
            says="created: new; replayed: a portal asked again and got the same ticket; refused: "
            "input that we explained and did not take. None at all in working hours: try the form "
            "at /lapor yourself. Many refused: a portal sends wrong fields; ask whom the log names.",
        ),
        lines(
            "Time to acknowledge a complaint",
            {
                f"{share} %": f"histogram_quantile({share / 100}, sum by (le) "
                '(rate(aduan_http_request_seconds_bucket{service="intake", method="POST", '
                'route="/v1/complaints"}[$__rate_interval])))'
                for share in (50, 95)
            },
            says="Seconds until the ticket is answered. Above one second for long: look at board "
            "Services, latency of the store and lag of the loop.",
            unit="s",
        ),
    ),
)

_THROUGH: Final = Row(
    "The way through",
    (
        lines(
            "Oldest event on its way",
            {
                "not published": "max(aduan_pipeline_pending_age_seconds)",
                "not worked off": "max(aduan_pipeline_lag_seconds)",
            },
            says="Age of the oldest event that some service has not published, or not yet worked "
            "off. A citizen's page stands still for so long. Above five minutes: board Pipeline "
            "says where.",
            unit="s",
        ),
        lines(
            "Letters to citizens and offices, per hour",
            {"{{reason}}": "sum by (reason) (increase(aduan_notify_deliveries_total[1h])) > 0"},
            says="What became of letters. refused, gave_up, bad_address: somebody was not told; "
            "board Notifications. deferred, contacts_away: they wait and go out later.",
        ),
        lines(
            "Canary: time of each step",
            {
                "{{step}}": "sum by (step) (increase(aduan_canary_seconds_sum[15m])) "
                "/ (sum by (step) (increase(aduan_canary_seconds_count[15m])) > 0)"
            },
            says="Mean seconds from the POST of a synthetic complaint to each step. One step that "
            "grows names the service that is slow.",
            unit="s",
        ),
        lines(
            "First answer to a citizen, mean of this week and the last",
            {
                "{{tenant}}": "sum by (tenant) (aduan_statistics_first_response_seconds"
                '{tenant=~"$tenant", dimension="opd", value=~"$opd", period="week"}) '
                "/ (sum by (tenant) (aduan_statistics_first_responses"
                '{tenant=~"$tenant", dimension="opd", value=~"$opd", period="week"}) > 0)'
            },
            says="Time from receipt to the first visible follow-up, of the statistics stream. It "
            "grows slowly; when it does, look for the office on board SLA dan OPD.",
            unit="s",
        ),
    ),
)

CITIZENS: Final = Board(
    slug="citizens",
    title="Citizens",
    question="Is a citizen waiting because of us?",
    since="24h",
    rows=(_NOW, _IN, _THROUGH),
    variables=(TENANT, OPD),
)
