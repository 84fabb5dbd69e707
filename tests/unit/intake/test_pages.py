"""The shared parts of the pages: escaping, dates, signed values."""

from datetime import UTC, date, datetime, timedelta

import pytest
from jinja2 import Environment, UndefinedError
from starlette.responses import Response

from aduan.web.pages import day_in_words, environment, moment_in_words, short_moment
from aduan.web.pages.forms import Signer, new_session, one_time_key, set_cookie

NOW = datetime(2026, 12, 1, 2, tzinfo=UTC)
KEY = b"k" * 32
PARTS = '{% import "aduan/parts.html" as p %}'


@pytest.fixture
def pages() -> Environment:
    """The environment of some service."""
    return environment("aduan_intake")


def test_what_people_wrote_is_escaped(pages: Environment) -> None:
    """In a text, an attribute, a hint and a list of errors."""
    evil = '"><script>alert(1)</script>'
    text = PARTS + "{{ p.field('x', v, value=v, error=v, hint=v) }}{{ p.summary({'x': v}) }}"
    shown = pages.from_string(text).render(v=evil)

    assert "<script>" not in shown
    assert 5 == shown.count("&lt;script&gt;")


def test_a_name_that_the_page_was_not_given_is_an_error(pages: Environment) -> None:
    """A typing error in a template fails a test instead of showing nothing."""
    with pytest.raises(UndefinedError):
        pages.from_string("{{ tciket }}").render()


def test_a_field_with_an_error_says_so_to_a_screen_reader(pages: Environment) -> None:
    """Label, hint and error belong to the field by id."""
    text = PARTS + "{{ p.field('surel', 'Surel', error='Tidak lengkap', hint='Contoh') }}"
    shown = pages.from_string(text).render()

    assert '<label for="f-surel">' in shown
    assert 'aria-describedby="h-surel e-surel" aria-invalid="true"' in shown


def test_each_cell_of_a_table_knows_its_heading(pages: Environment) -> None:
    """On a telephone a row becomes a card, and the headings stand beside the cells."""
    text = PARTS + "{{ p.table('Laporan', ['Nomor', 'Batas'], [['SMG-1', '3 Des']]) }}"
    shown = pages.from_string(text).render()

    assert '<td data-label="Batas">3 Des</td>' in shown
    assert '<th scope="col">Nomor</th>' in shown


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (date(2026, 12, 3), "Kamis, 3 Desember 2026"),
        ("2026-12-03", "Kamis, 3 Desember 2026"),
        (datetime(2026, 12, 2, 17, tzinfo=UTC), "Kamis, 3 Desember 2026"),
        ("2026-12-02T16:59:59.000000Z", "Rabu, 2 Desember 2026"),
    ],
)
def test_a_day_is_told_in_wib(given: date | str, expected: str) -> None:
    """Midnight in Semarang is 17:00 UTC."""
    assert expected == day_in_words(given)


def test_a_moment_is_told_in_wib() -> None:
    """In a sentence, and short for a table."""
    assert "Selasa, 1 Desember 2026 pukul 09.00 WIB" == moment_in_words(NOW)
    assert "1 Des 2026, 09.00" == short_moment(NOW)


def test_a_signed_value_is_read_by_its_own_purpose_until_it_expires() -> None:
    """Another purpose, another use, another key, a changed sign, a second too late: nothing."""
    signer = Signer(KEY, use="meja")
    text = signer.sign("cookie", "petugas", expires_at=NOW + timedelta(hours=1))

    assert "petugas" == signer.read("cookie", text, now=NOW)
    assert signer.read("csrf", text, now=NOW) is None
    assert Signer(KEY, use="lain").read("cookie", text, now=NOW) is None
    assert Signer(b"x" * 32, use="meja").read("cookie", text, now=NOW) is None
    assert signer.read("cookie", "A" + text[1:], now=NOW) is None
    assert signer.read("cookie", text, now=NOW + timedelta(hours=1)) is None


@pytest.mark.parametrize("text", [None, "", "a.b", "a.b.c", "é.1.x", "." * 2, "x" * 5000, "a.-1.b"])
def test_what_was_never_signed_is_nothing(text: str | None) -> None:
    """No exception, whatever a browser sends."""
    assert Signer(KEY, use="meja").read("cookie", text, now=NOW) is None


def test_a_form_token_belongs_to_one_session() -> None:
    """The token of another browser does not fit, nor one of yesterday."""
    signer, mine = Signer(KEY, use="meja"), new_session()
    token = signer.csrf(mine, now=NOW)

    assert signer.csrf_fits(mine, token, now=NOW)
    assert not signer.csrf_fits(new_session(), token, now=NOW)
    assert not signer.csrf_fits(None, token, now=NOW)
    assert not signer.csrf_fits(mine, None, now=NOW)
    assert not signer.csrf_fits(mine, token, now=NOW + timedelta(days=1))


def test_a_short_key_signs_nothing() -> None:
    """It could be guessed."""
    with pytest.raises(ValueError, match="32 bytes"):
        Signer(b"short", use="meja")


def test_a_cookie_is_out_of_reach_of_scripts_and_other_sites() -> None:
    """HttpOnly, SameSite, and Secure unless the pages are served without TLS."""
    response = Response()
    set_cookie(response, "a", "b", max_age=timedelta(hours=1), secure=True)
    header = response.headers["set-cookie"].lower()

    assert all(part in header for part in ("httponly", "secure", "samesite=lax", "max-age=3600"))


def test_one_time_keys_differ() -> None:
    """Two forms are two complaints."""
    assert 100 == len({one_time_key() for _ in range(100)})
