"""Is everyone told who should be?"""

from typing import Final

from tools.dashboards.board import ANY_IS_WORK, Board, Row, bars, lines, number

_NOW: Final = Row(
    "Now",
    (
        number(
            "Letters due",
            "sum(aduan_notify_due)",
            says="Cases with a letter that could go out now. A number that stays: the provider is "
            "away or slow. Runbook LettersWaiting.",
            steps=((None, "green"), (50, "orange"), (500, "red")),
        ),
        number(
            "Not delivered (24 h)",
            'sum(increase(aduan_notify_deliveries_total{reason=~"refused|gave_up|bad_address"}'
            "[24h]))",
            says="Letters given up. Somebody was not told. `aduan case TICKET` shows which. Runbook "
            "LettersFail.",
            steps=ANY_IS_WORK,
            width=5,
        ),
        number(
            "Provider away (1 h)",
            'sum(increase(aduan_notify_away_total{what="mail"}[1h]))',
            says="How often the mail provider did not answer. Letters wait. Runbook MailAway.",
            steps=ANY_IS_WORK,
            width=5,
        ),
        number(
            "Contacts away (1 h)",
            'sum(increase(aduan_notify_away_total{what="contacts"}[1h]))',
            says="How often intake did not give an address. Letters wait; look at intake.",
            steps=ANY_IS_WORK,
            width=5,
        ),
        number(
            "Possibly sent twice (24 h)",
            "sum(increase(aduan_notify_possible_repeats_total[24h]))",
            says="Letters handed over again because the first outcome is unknown. Only a crash or a "
            "broken connection makes them; the Message-ID is the same.",
            steps=ANY_IS_WORK,
            width=5,
        ),
    ),
)

_OVER_TIME: Final = Row(
    "Over time",
    (
        lines(
            "Letters by what became of them, per hour",
            {"{{reason}}": "sum by (reason) (increase(aduan_notify_deliveries_total[1h])) > 0"},
            says="accepted: the provider took it. unreachable, anonymous_no_contact, no_address: "
            "nobody to write to, which is no error. refused, gave_up, bad_address: failed.",
        ),
        lines(
            "Time until the provider answers",
            {
                f"{share} %": f"histogram_quantile({share / 100}, sum by (le) "
                "(rate(aduan_notify_provider_seconds_bucket[$__rate_interval])))"
                for share in (50, 95)
            },
            says="Seconds for handing over one letter. Above ten: the provider is slow; letters go "
            "out late, none is lost.",
            unit="s",
        ),
        bars(
            "All letters since the process started",
            {"{{reason}}": "sum by (reason) (aduan_notify_deliveries_total) > 0"},
            says="The same numbers added up. Many no_address: an office has no mail address in the "
            "tenant's data; add it.",
        ),
        lines(
            "Letters not decided",
            {"{{tenant}}": "max by (tenant) (aduan_notify_pending)"},
            says="Cases with letters that are neither delivered nor given up. Falls to zero between "
            "bursts; if it does not, look at the provider's time.",
        ),
    ),
)

NOTIFICATIONS: Final = Board(
    slug="notifications",
    title="Notifications",
    question="Is everyone told who should be?",
    since="24h",
    rows=(_NOW, _OVER_TIME),
)
