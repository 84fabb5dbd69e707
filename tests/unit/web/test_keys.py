"""API keys: made once, kept as a hash, bound to a tenant, refused in every wrong way."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import pytest
from aduan_http import client_of
from fastapi import Depends, FastAPI
from prometheus_client import CollectorRegistry
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from aduan.clock import ManualClock
from aduan.web.app import new_app
from aduan.web.edge import HttpMetrics
from aduan.web.keys import (
    Authenticator,
    KeyRecord,
    Principal,
    checked,
    key_in,
    make_key,
    record_of,
    require,
)
from aduan.web.problems import Problem

NOON = datetime(2026, 12, 1, 5, 0, tzinfo=UTC)


class Store:
    """Where a service keeps its keys: counts how often it is asked."""

    def __init__(self, *records: KeyRecord) -> None:
        self.records = {record.key_id: record for record in records}
        self.asked = 0

    async def find(self, key_id: str) -> KeyRecord | None:
        self.asked += 1
        return self.records.get(key_id)


def an_app(authenticator: Authenticator) -> FastAPI:
    """Return an app with a FastAPI operation and a bare route, each behind a scope."""
    app = new_app(
        "Cases",
        service="routing",
        http_metrics=HttpMetrics(CollectorRegistry()),
        authenticator=authenticator,
    )

    @app.get("/v1/cases")
    async def cases(who: Annotated[Principal, Depends(require("cases:read"))]) -> dict[str, str]:
        return {"tenant": who.tenant, "opd": who.opd or "-"}

    async def bare(request: Request) -> Response:
        who = await authenticator.check(request.headers, "cases:act")
        return JSONResponse({"tenant": who.tenant})

    app.router.add_route("/v1/bare", bare, methods=["POST"])
    return app


def test_a_key_is_shown_once_and_only_its_hash_is_kept() -> None:
    """The record does not hold the secret in any form that can be sent back."""
    text, record = make_key(tenant="33.74", scopes=["cases:read"])
    prefix, key_id, secret = text.split("_", 2)

    assert ("aduan", record.key_id) == (prefix, key_id)
    assert secret not in repr(record)
    assert 64 == len(record.hash)


def test_two_keys_are_never_alike() -> None:
    """32 random bytes each."""
    assert 50 == len({make_key(tenant="33.74", scopes=["cases:read"])[0] for _ in range(50)})


def test_scopes_are_a_closed_list() -> None:
    """A mistyped scope is refused when the key is made, not when it is needed."""
    with pytest.raises(ValueError, match="cases:raed"):
        checked(["cases:raed"])


@pytest.mark.parametrize("header", ["Authorization", "X-API-Key"])
async def test_a_key_opens_its_scope_by_either_header(header: str) -> None:
    """The principal brings tenant and OPD into the operation."""
    text, record = make_key(tenant="33.74", scopes=["cases:read"], opd="DPU")
    value = f"Bearer {text}" if header == "Authorization" else text
    app = an_app(Authenticator(ManualClock(NOON), find=Store(record).find))
    async with client_of(app, **{header: value}) as client:
        answer = await client.get("/v1/cases")

    assert {"tenant": "33.74", "opd": "DPU"} == answer.json()


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[:-1] + ("A" if text[-1] != "A" else "B"),
        lambda text: text.replace("aduan_", "other_"),
        lambda text: "aduan_" + "0" * 16 + "_" + text.rsplit("_", 1)[-1].rjust(43, "x"),
        lambda _: "aduan__",
        lambda _: "nonsense",
        lambda _: "x" * 5000,
        lambda text: text + "é",
    ],
)
async def test_a_wrong_key_is_a_401_that_says_nothing_about_why(change: object) -> None:
    """Unknown key id, wrong secret and nonsense look the same from outside."""
    text, record = make_key(tenant="33.74", scopes=["cases:read"])
    authenticator = Authenticator(ManualClock(NOON), find=Store(record).find)
    with pytest.raises(Problem) as refused:
        await authenticator.authenticate(change(text))  # type: ignore[operator]  # a lambda

    assert "credentials_invalid" == refused.value.code
    assert 'error="invalid_token"' in refused.value.headers["WWW-Authenticate"]


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "credentials_missing"),
        ({"Authorization": "Basic abc"}, "credentials_missing"),
        ({"Authorization": "Bearer"}, "credentials_missing"),
        ({"Authorization": "Bearer nonsense"}, "credentials_invalid"),
    ],
)
async def test_without_a_usable_key_the_answer_is_401_with_a_challenge(
    headers: dict[str, str], code: str
) -> None:
    """The same for a FastAPI operation and for a bare route."""
    async with client_of(an_app(Authenticator(ManualClock(NOON))), **headers) as client:
        answers = [await client.get("/v1/cases"), await client.post("/v1/bare")]

    assert [(401, code)] * 2 == [(a.status_code, a.json()["code"]) for a in answers]
    assert all('Bearer realm="aduan"' in a.headers["www-authenticate"] for a in answers)


async def test_a_key_without_the_scope_is_a_403_that_names_the_scope() -> None:
    """Who may read may not act."""
    text, record = make_key(tenant="33.74", scopes=["cases:read"])
    app = an_app(Authenticator(ManualClock(NOON), static=[record]))
    async with client_of(app, Authorization=f"Bearer {text}") as client:
        answer = await client.post("/v1/bare")

    assert (403, "cases:act") == (answer.status_code, answer.json()["scope"])
    assert 'scope="cases:act"' in answer.headers["www-authenticate"]


async def test_a_key_ends_at_its_expiry_in_real_time() -> None:
    """A fast domain clock does not end it; the moment itself is too late."""
    text, record = make_key(
        tenant="33.74", scopes=["cases:read"], expires_at=NOON + timedelta(hours=1)
    )
    clock = ManualClock(domain=NOON + timedelta(days=900), real=NOON)
    authenticator = Authenticator(clock, find=Store(record).find)
    await authenticator.authenticate(text)
    clock.real = NOON + timedelta(hours=1)
    with pytest.raises(Problem) as refused:
        await authenticator.authenticate(text)

    assert "credentials_expired" == refused.value.code


async def test_the_store_is_asked_once_in_five_seconds_and_a_revoked_key_ends_then() -> None:
    """Fast for a busy portal, and a revocation works in every replica within the time."""
    text, record = make_key(tenant="33.74", scopes=["cases:read"])
    clock, store = ManualClock(NOON), Store(record)
    authenticator = Authenticator(clock, find=store.find)
    for _ in range(10):
        await authenticator.authenticate(text)
    assert 1 == store.asked
    store.records.clear()
    clock.advance(timedelta(seconds=5))
    with pytest.raises(Problem):
        await authenticator.authenticate(text)


async def test_a_key_that_was_revoked_here_ends_at_once() -> None:
    """The replica that revokes does not wait for its own cache."""
    text, record = make_key(tenant="33.74", scopes=["cases:read"])
    store = Store(record)
    authenticator = Authenticator(ManualClock(NOON), find=store.find)
    await authenticator.authenticate(text)
    store.records.clear()
    authenticator.forget(record.key_id)
    with pytest.raises(Problem):
        await authenticator.authenticate(text)


async def test_guessing_does_not_push_real_keys_out_of_the_cache() -> None:
    """Unknown key ids are not remembered."""
    text, record = make_key(tenant="33.74", scopes=["cases:read"])
    store = Store(record)
    authenticator = Authenticator(ManualClock(NOON), find=store.find, cache_size=4)
    await authenticator.authenticate(text)
    for number in range(20):
        with pytest.raises(Problem):
            await authenticator.authenticate(f"aduan_{number:016d}_{'x' * 43}")
    await authenticator.authenticate(text)

    assert 21 == store.asked


async def test_the_cache_keeps_to_its_size() -> None:
    """The oldest record leaves."""
    made = [make_key(tenant="33.74", scopes=["cases:read"]) for _ in range(5)]
    store = Store(*(record for _, record in made))
    authenticator = Authenticator(ManualClock(NOON), find=store.find, cache_size=2)
    for text, _ in made:
        await authenticator.authenticate(text)
    await authenticator.authenticate(made[-1][0])
    assert 5 == store.asked
    await authenticator.authenticate(made[0][0])

    assert 6 == store.asked


async def test_a_token_from_settings_works_without_a_store() -> None:
    """Tokens between services are static records."""
    text, _ = make_key(tenant="33.74", scopes=["contacts:resolve"])
    record = record_of(text, tenant="33.74", scopes=["contacts:resolve"])
    principal = await Authenticator(ManualClock(NOON), static=[record]).authenticate(text)

    assert frozenset({"contacts:resolve"}) == principal.scopes


def test_a_token_from_settings_that_is_no_key_is_refused() -> None:
    """A pasted half of a token stops the start."""
    with pytest.raises(ValueError, match="not an Aduan key"):
        record_of("aduan_half", tenant="33.74", scopes=[])


def test_the_authorization_header_wins_over_the_bare_one() -> None:
    """Two keys in one request: the standard header counts, also when it is of another kind."""
    assert "a" == key_in({"authorization": "bearer a", "x-api-key": "b"})
    assert key_in({"authorization": "Basic a", "x-api-key": "b"}) is None
