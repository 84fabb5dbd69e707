"""Signed values of pages: readable by everybody, changed by nobody, and not for ever."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import Response

from aduan.web.pages.forms import CSRF_LIFETIME, Signer, new_session, one_time_key, set_cookie

KEY = b"k" * 32
NOW = datetime(2026, 12, 1, 2, tzinfo=UTC)
LATER = NOW + timedelta(minutes=30)
SIGNER = Signer(KEY, use="pages")


@given(st.text(max_size=200))
def test_what_was_signed_is_read_again_until_it_expires(value: str) -> None:
    """To the second."""
    text = SIGNER.sign("visit", value, expires_at=LATER)

    assert SIGNER.read("visit", text, now=LATER - timedelta(seconds=1)) == value
    assert SIGNER.read("visit", text, now=LATER) is None


@given(st.data())
def test_a_value_with_any_sign_changed_is_not_ours(data: st.DataObject) -> None:
    """Value, expiry and signature are covered alike."""
    text = SIGNER.sign("visit", "SMG", expires_at=LATER)
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters(codec="ascii").filter(lambda sign: sign != text[at]))
    changed = text[:at] + other + text[at + 1 :]

    assert SIGNER.read("visit", changed, now=NOW) is None


@given(st.text(max_size=60))
def test_anything_else_is_refused_without_an_exception(text: str) -> None:
    """A cookie may hold anything."""
    assert SIGNER.read("visit", text, now=NOW) is None
    assert SIGNER.read("visit", f"{text}.x.{text}", now=NOW) is None


def test_a_value_counts_for_one_purpose_one_use_and_one_key() -> None:
    """A cookie of one page opens nothing on another."""
    text = SIGNER.sign("visit", "SMG", expires_at=LATER)

    assert SIGNER.read("reply", text, now=NOW) is None
    assert Signer(KEY, use="desk").read("visit", text, now=NOW) is None
    assert Signer(b"x" * 32, use="pages").read("visit", text, now=NOW) is None
    assert SIGNER.read("visit", None, now=NOW) is None


def test_a_form_token_fits_its_own_browser_session_only() -> None:
    """Another session, none, or a day later: it does not fit."""
    mine, other = new_session(), new_session()
    token = SIGNER.csrf(mine, now=NOW)

    assert SIGNER.csrf_fits(mine, token, now=NOW)
    assert not SIGNER.csrf_fits(other, token, now=NOW)
    assert not SIGNER.csrf_fits(None, token, now=NOW)
    assert not SIGNER.csrf_fits(mine, None, now=NOW)
    assert not SIGNER.csrf_fits("", SIGNER.csrf("", now=NOW), now=NOW)
    assert not SIGNER.csrf_fits(mine, token, now=NOW + CSRF_LIFETIME)


def test_a_short_key_is_refused() -> None:
    """A guessable key signs nothing."""
    with pytest.raises(ValueError, match="32 bytes"):
        Signer(b"short", use="pages")


def test_no_script_reads_our_cookies() -> None:
    """HttpOnly always, Secure unless the page is served without TLS."""
    answer, plain = Response(), Response()
    set_cookie(answer, "a", "b", max_age=timedelta(minutes=30), secure=True, path="/lacak")
    set_cookie(plain, "a", "b", max_age=timedelta(minutes=30), secure=False, same_site="strict")

    assert answer.headers["set-cookie"] == (
        "a=b; HttpOnly; Max-Age=1800; Path=/lacak; SameSite=lax; Secure"
    )
    assert plain.headers["set-cookie"] == "a=b; HttpOnly; Max-Age=1800; Path=/; SameSite=strict"


def test_keys_and_sessions_do_not_repeat() -> None:
    """A thousand of each."""
    assert len({one_time_key() for _ in range(1000)} | {new_session() for _ in range(1000)}) == 2000
