"""Do the province and the nation hear from us, and we from them?"""

from typing import Final

from tools.dashboards.board import ANY_IS_WORK, Board, Row, lines, number

_NOW: Final = Row(
    "What waits for a person",
    (
        number(
            "Partners away",
            'count(min by (system) (aduan_sync_breaker{system!="echo", state="closed"}) == 0) '
            "or vector(0)",
            says="Partners that nobody calls at present but for single tries, because they failed in "
            "a row. Their cases wait and are sent later. For an hour: runbook PartnerAway.",
            steps=ANY_IS_WORK,
        ),
        number(
            "Conflicts with a partner",
            "max(aduan_routing_mirror_conflicts)",
            says="Changes by a partner that do not fit the state of the case. The coordinator "
            "decides each at the desk. Runbook MirrorConflictsOpen.",
            steps=ANY_IS_WORK,
        ),
        number(
            "Unknown words (24 h)",
            'sum(increase(aduan_sync_unknown_words_total{system!="echo"}[24h]))',
            says="Status words that the partner's file does not list; they change nothing. Add them "
            "to the file. Runbook PartnerWordUnknown.",
            steps=ANY_IS_WORK,
        ),
        number(
            "Reports of partners parked",
            "max(aduan_sync_parked)",
            says="Reports of a partner that could not become a case. A citizen waits behind each. "
            "Runbook InboundParked.",
            steps=ANY_IS_WORK,
        ),
        number(
            "Tickets twice at a partner (7 d)",
            'sum(increase(aduan_sync_surplus_tickets_total{system!="echo"}[7d]))',
            says="Cases for which a partner holds more than one ticket. Ask the partner to close the "
            "younger. Runbook SurplusTickets.",
            steps=ANY_IS_WORK,
        ),
        number(
            "Refused by a partner (24 h)",
            'sum(increase(aduan_sync_calls_total{system!="echo", outcome="refused"}[24h]))',
            says="Calls that a partner answered with a refusal; repeating does not help. Runbook "
            "PartnerRefuses.",
            steps=ANY_IS_WORK,
        ),
    ),
)

_TRAFFIC: Final = Row(
    "Traffic",
    (
        lines(
            "Calls to partners, per hour",
            {
                "{{system}} {{outcome}}": "sum by (system, outcome) "
                '(increase(aduan_sync_calls_total{system!="echo"}[1h])) > 0'
            },
            says="done: sent; found: it was there already; down, unsure: the partner did not answer "
            "and we ask before we send again; held: it became confidential meanwhile; waiting: for "
            "content from intake.",
        ),
        lines(
            "News from partners, per hour",
            {
                "{{system}} {{kind}}": "sum by (system, kind) "
                '(increase(aduan_sync_news_total{system!="echo"}[1h])) > 0'
            },
            says="Status changes, answers, requests to route elsewhere and reopenings that we took "
            "over. None for a day although cases are open there: ask the partner.",
        ),
        lines(
            "Reports from partners, per hour",
            {
                "{{system}} {{outcome}}": "sum by (system, outcome) "
                '(increase(aduan_sync_inbound_total{system!="echo"}[1h]))'
            },
            says="handed_in: became a case here; came_back: one of our own, recognised; parked: waits "
            "for a person. A rise of reports here is a reason to look for its cause in the field.",
        ),
        lines(
            "Oldest call that is due",
            {"{{system}}": 'max by (system) (aduan_sync_due_late_seconds{system!="echo"})'},
            says="How late the oldest call to a partner is. While a breaker is open it grows; with "
            "closed breakers it should stay near zero.",
            unit="s",
        ),
        lines(
            "State of each breaker",
            {
                "{{system}}": 'max by (system) (aduan_sync_breaker{system!="echo", state="open"}) * 2 '
                '+ max by (system) (aduan_sync_breaker{system!="echo", state="half_open"})'
            },
            says="0: calls go out; 1: one call may try; 2: nobody calls for a while. A line that does "
            "not come back to 0: the partner is away, its operators are the ones to ask.",
            width=24,
        ),
    ),
)

BRIDGE: Final = Board(
    slug="bridge",
    title="Bridge",
    question="Do the province and the nation hear from us, and we from them?",
    since="24h",
    rows=(_NOW, _TRAFFIC),
)
