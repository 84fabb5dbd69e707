"""Do the processes themselves work well?"""

from typing import Final

from tools.dashboards.board import ANY_IS_BAD, Board, Row, bars, lines, number
from tools.dashboards.choices import SERVICE

_NOW: Final = Row(
    "Now",
    (
        number(
            "Processes that answer",
            'count(up{job="aduan"} == 1) or vector(0)',
            says="Processes whose numbers Prometheus reads. Fewer than you started: see the next "
            "number, and what the orchestrator says.",
            width=5,
        ),
        number(
            "Processes that do not answer",
            'count(up{job="aduan"} == 0) or vector(0)',
            says="Known addresses that do not answer. Runbook ProcessDown.",
            steps=ANY_IS_BAD,
            width=5,
        ),
        number(
            "Replicas not ready",
            'count(aduan_pipeline_ready{service=~"$service"} == 0) or vector(0)',
            says="Services of a process that cannot do their work. `/<service>/health/ready` of that "
            "process names what is wrong. Runbook ReplicaNotReady.",
            steps=ANY_IS_BAD,
            width=4,
        ),
        number(
            "Unexpected errors (1 h)",
            'sum(increase(aduan_http_unexpected_total{service=~"$service"}[1h])) or vector(0)',
            says="Requests that ended in an exception nobody expected: a bug. The log line "
            "request_failed names the place. Runbook UnexpectedErrors.",
            steps=ANY_IS_BAD,
            width=5,
        ),
        number(
            "Requests with an error of ours (1 h)",
            'sum(increase(aduan_http_request_seconds_count{status="5xx", service=~"$service"}[1h])) '
            "or vector(0)",
            says="Answers 5xx. 503 means a store or the log is away, and the caller tries again. "
            "Runbooks HttpErrorsBurnFast and HttpErrorsBurnSlow.",
            steps=ANY_IS_BAD,
            width=5,
        ),
    ),
)

_HTTP: Final = Row(
    "Requests",
    (
        lines(
            "Requests",
            {
                "{{service}} {{status}}": "sum by (service, status) "
                '(rate(aduan_http_request_seconds_count{service=~"$service"}[$__rate_interval]))'
            },
            says="Per second, by kind of answer. 4xx are wrong inputs or missing keys; a jump is a "
            "portal or an office with a fault, or somebody trying doors.",
            unit="reqps",
        ),
        lines(
            "Time to answer, 95 of 100",
            {
                "{{service}}": "histogram_quantile(0.95, sum by (le, service) "
                '(rate(aduan_http_request_seconds_bucket{service=~"$service"}[$__rate_interval])))'
            },
            says="95 of 100 requests were faster. Above one second: store and loop below say why.",
            unit="s",
        ),
    ),
)

_INSIDE: Final = Row(
    "Inside",
    (
        lines(
            "Event loop: longest waits",
            {
                "{{service}}": "histogram_quantile(0.99, sum by (le, service) "
                '(rate(aduan_loop_lag_seconds_bucket{service=~"$service"}[$__rate_interval])))'
            },
            says="How late the process gets to its work, 99 of 100. Above half a second everything "
            "in it is late: too much on one processor. Runbook LoopLate.",
            unit="s",
        ),
        lines(
            "Store: time of a call, 95 of 100",
            {
                "{{operation}}": "histogram_quantile(0.95, sum by (le, operation) "
                '(rate(aduan_store_seconds_bucket{service=~"$service"}[$__rate_interval])))'
            },
            says="SQLite or MongoDB as the service sees it. Above one second: disk or replica set. "
            "Runbook StoreSlow.",
            unit="s",
        ),
        lines(
            "Memory",
            {"{{component}} {{instance}}": 'process_resident_memory_bytes{job="aduan"}'},
            says="Of each process. Steady growth over days is a leak; near the container's limit it "
            "will be killed and started again.",
            unit="bytes",
        ),
        lines(
            "Processor",
            {
                "{{component}} {{instance}}": "rate(process_cpu_seconds_total"
                '{job="aduan"}[$__rate_interval])'
            },
            says="Share of one processor that each process uses. Near 100 %: add replicas.",
            unit="percentunit",
        ),
        lines(
            "Commands of officers, per hour",
            {"{{outcome}}": "sum by (outcome) (increase(aduan_routing_commands_total[1h]))"},
            says="done; already: it was so before; refused: not allowed in that state. Many refused: "
            "an office's own system is out of step.",
        ),
        lines(
            "Records for offices' own systems, per hour",
            {"{{result}}": "sum by (result) (increase(aduan_routing_unit_records_total[1h]))"},
            says="sent; refused: rounds in which an office's topic took less than all, which pauses "
            "that office only. Runbook UnitRecordsRefused.",
        ),
        bars(
            "Reporters' addresses opened (24 h)",
            {
                "{{purpose}}": "sum by (purpose) "
                "(increase(aduan_intake_identities_opened_total[24h]))"
            },
            says="Each also leaves an audit line. More than letters sent: somebody looks at "
            "identities; read the audit log.",
        ),
        bars(
            "Masked in texts (24 h)",
            {"{{kind}}": "sum by (kind) (increase(aduan_intake_masked_total[24h]))"},
            says="Numbers, addresses and names taken out before anything was passed on. Zero for "
            "days while complaints come in: check the scrubber.",
        ),
    ),
)

SERVICES: Final = Board(
    slug="services",
    title="Services",
    question="Do the processes themselves work well?",
    since="6h",
    rows=(_NOW, _HTTP, _INSIDE),
    variables=(SERVICE,),
)
