"""The edges: markup, breaker, HTTP outcomes, settings, metrics."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry
from pydantic import SecretStr, ValidationError

from aduan.clock import ManualClock
from aduan.observability.metrics import UnknownLabel, exported
from aduan_sync_laporgub.adapters.calls import call
from aduan_sync_laporgub.adapters.markup import filled, plain_text
from aduan_sync_laporgub.breaker import FAILURES, OPEN_SECONDS, Breaker
from aduan_sync_laporgub.metrics import Metrics
from aduan_sync_laporgub.ports import PartnerDown, PartnerRefused, PartnerUnsure
from aduan_sync_laporgub.settings import Settings


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>Sudah&nbsp;<b>selesai</b>.</p><p>Terima kasih</p>", "Sudah selesai.\nTerima kasih"),
        ("a<br>b<br/>c", "a\nb\nc"),
        ("<script>steal()</script>aman<style>p{}</style>", "aman"),
        ("1 &lt; 2 &amp; 3", "1 < 2 & 3"),
        ("tanpa tanda", "tanpa tanda"),
        ("<p onclick='x'>rusak <b>tak ditutup", "rusak tak ditutup"),
        ("", ""),
    ],
)
def test_markup_becomes_readable_text(markup: str, text: str) -> None:
    """No tag, no script, entities resolved, paragraphs kept."""
    assert text == plain_text(markup)


def test_placeholders_are_filled_and_unknown_ones_vanish() -> None:
    """A citizen never reads {{institution_to}}."""
    template = "Dari {{ institution_from }} untuk {{institution_to}}{{odd}}."

    assert "Dari A untuk B." == filled(template, {"institution_from": "A", "institution_to": "B"})


def test_the_breaker_opens_tries_one_and_closes() -> None:
    """Closed until five failures in a row; then none, then one at a time, then all again."""
    clock = ManualClock(datetime(2026, 12, 1, tzinfo=UTC))
    breaker = Breaker(clock)
    states = []
    for _ in range(FAILURES):
        states.append(breaker.state)
        breaker.failed()
    states.append(breaker.state)
    clock.advance(timedelta(seconds=OPEN_SECONDS))
    states.append(breaker.state)
    room = breaker.room
    breaker.failed()
    states.append(breaker.state)
    clock.advance(timedelta(seconds=OPEN_SECONDS))
    breaker.worked()
    states.append(breaker.state)

    assert ["closed"] * 5 + ["open", "half_open", "open", "closed"] == states
    assert 1 == room


def _raises(error: type[httpx.RequestError]) -> Callable[[httpx.Request], httpx.Response]:
    def answer(request: httpx.Request) -> httpx.Response:
        raise error("x", request=request)

    return answer


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (_raises(httpx.ConnectError), PartnerDown),
        (_raises(httpx.ReadError), PartnerUnsure),
        (_raises(httpx.RemoteProtocolError), PartnerUnsure),
        (lambda _: httpx.Response(500), PartnerUnsure),
        (lambda _: httpx.Response(504), PartnerUnsure),
        (lambda _: httpx.Response(302, headers={"location": "http://x.test"}), PartnerUnsure),
        (lambda _: httpx.Response(401), PartnerDown),
        (lambda _: httpx.Response(429), PartnerDown),
        (lambda _: httpx.Response(404), PartnerRefused),
        (lambda _: httpx.Response(422, text="<html>"), PartnerRefused),
    ],
)
async def test_every_answer_says_whether_something_may_be_stored(
    answer: Callable[[httpx.Request], httpx.Response], outcome: type[Exception]
) -> None:
    """Only what surely stored nothing is `down`; everything doubtful is `unsure`."""
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        with pytest.raises(outcome):
            await call(http, "POST", "http://partner.test/x", peer="sp4n", timeout_seconds=1)


@pytest.mark.parametrize(
    ("errors", "code"),
    [
        ({"pelapor": ["required"]}, "identity_required"),
        ({"is_secret": ["no"]}, "confidential_refused"),
        ({"x": []}, "invalid"),
        (None, "invalid"),
    ],
)
async def test_a_refusal_has_a_reason_of_a_closed_set(errors: Any, code: str) -> None:
    """The partner's own words never become a reason code."""
    transport = httpx.MockTransport(lambda _: httpx.Response(422, json={"errors": errors}))
    async with httpx.AsyncClient(transport=transport) as http:
        with pytest.raises(PartnerRefused) as refused:
            await call(http, "POST", "http://partner.test/x", peer="sp4n", timeout_seconds=1)

    assert code == refused.value.code


def values(**changes: Any) -> dict[str, Any]:
    """Return settings that connect LaporGub."""
    return {
        "store": "sqlite:////s",
        "bus": "sqlite:////b",
        "reference_dir": Path(),
        "laporgub_url": "http://laporgub.test",
        "laporgub_token": SecretStr("t"),
        "intake_url": "http://intake.test",
        "intake_portal_key": SecretStr("p"),
        "seal_key": SecretStr(base64.b64encode(b"k" * 32).decode()),
        **changes,
    }


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"laporgub_token": None}, "laporgub_token"),
        ({"intake_portal_key": None}, "intake_portal_key"),
        ({"seal_key": None}, "seal_key"),
        ({"seal_key": SecretStr("c2hvcnQ=")}, "seal_key"),
        ({"sp4n_url": "http://sp4n.test", "sp4n_token": SecretStr("t")}, "sp4n_bearer"),
        ({"tick_seconds": 0}, "tick_seconds"),
    ],
)
def test_half_a_partner_is_refused_by_the_name_of_what_is_missing(
    change: dict[str, Any], field: str
) -> None:
    """A start with an address and no secret would fail at the first report instead."""
    with pytest.raises(ValidationError) as refused:
        Settings(**values(**change))

    assert (field,) == refused.value.errors()[0]["loc"]
    assert "c2hvcnQ=" not in str(refused.value)


def test_no_partner_needs_nothing() -> None:
    """The default is no partner at all."""
    settings = Settings(store="sqlite:////s", bus="sqlite:////b", reference_dir=Path())

    assert settings.laporgub_url is None


def test_the_metric_list_is_closed() -> None:
    """These and no others; a value outside its list raises."""
    registry = CollectorRegistry()
    metrics = Metrics(registry)

    assert {
        "aduan_sync_calls",
        "aduan_sync_news",
        "aduan_sync_unknown_words",
        "aduan_sync_inbound",
        "aduan_sync_surplus_tickets",
        "aduan_sync_breaker",
        "aduan_sync_due_late_seconds",
        "aduan_sync_parked",
    } == set(exported(registry))
    with pytest.raises(UnknownLabel):
        metrics.unknown_words.add(system="jaki")
