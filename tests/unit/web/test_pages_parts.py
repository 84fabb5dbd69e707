"""The shared parts of pages: escaped, labelled, in Indonesian words."""

import re
from datetime import UTC, date, datetime
from typing import Any

import pytest
from jinja2 import UndefinedError

from aduan.web.pages import day_in_words, environment, moment_in_words, short_moment

HEAD = '{% extends "aduan/base.html" %}{% import "aduan/parts.html" as p %}{% block content %}'


def page(content: str, **context: Any) -> str:
    """Render a page around some content."""
    template = environment("aduan.web").from_string(HEAD + content + "{% endblock %}")
    return template.render(**context)


@pytest.mark.parametrize(
    ("utc", "words", "short"),
    [
        (
            datetime(2026, 12, 3, 7, 30, tzinfo=UTC),
            "Kamis, 3 Desember 2026 pukul 14.30 WIB",
            "3 Des 2026, 14.30",
        ),
        (
            datetime(2026, 8, 16, 17, 5, tzinfo=UTC),  # already the 17th in Semarang
            "Senin, 17 Agustus 2026 pukul 00.05 WIB",
            "17 Agu 2026, 00.05",
        ),
    ],
)
def test_a_moment_is_told_in_wib_and_in_indonesian(utc: datetime, words: str, short: str) -> None:
    """From a datetime and from its ISO text alike."""
    text = utc.isoformat()

    assert (moment_in_words(utc), moment_in_words(text)) == (words, words)
    assert (short_moment(utc), short_moment(text)) == (short, short)


def test_a_day_is_told_whether_it_comes_as_date_text_or_moment() -> None:
    """A moment counts with its day in WIB."""
    expected = "Senin, 17 Agustus 2026"

    assert day_in_words(date(2026, 8, 17)) == expected
    assert day_in_words("2026-08-17") == expected
    assert day_in_words("2026-08-16T17:05:00.000000Z") == expected


def test_what_people_write_is_escaped_in_every_part() -> None:
    """Title, table, timeline, blockquote, field, error, option: none lets a tag through."""
    evil = "<script>alert(1)</script>\"'"
    content = """
    {{ p.field("a", evil, value=evil, error=evil, hint=evil) }}{{ p.textarea("b", "B", value=evil) }}
    {{ p.select("c", "C", [(evil, [(evil, evil)])], value=evil) }}
    {{ p.choice("d", evil, [(evil, evil, evil)]) }}{{ p.checkbox("e", evil, hint=evil) }}
    {{ p.table(evil, [evil], [[evil]]) }}{{ p.facts([(evil, evil)]) }}{{ p.badge("triage", evil) }}
    {{ p.timeline([{"at": "2026-12-01T02:00:00.000000Z", "text": evil, "more": evil}]) }}
    {{ p.summary({"a": evil}) }}{{ p.hidden("f", evil) }}{{ p.pager(older=evil) }}
    {% call p.card(evil) %}{{ evil }}{% endcall %}{% call p.notice("bad", evil) %}{{ evil }}{% endcall %}
    """
    text = page(content, evil=evil)

    assert "<script" not in text
    assert text.count("&lt;script&gt;") > 20


def test_a_field_with_an_error_says_so_to_a_screen_reader() -> None:
    """aria-invalid, and the sentence is what describes the field; the summary leads to it."""
    text = page(
        '{{ p.summary({"isi": "Mohon diisi."}) }}'
        '{{ p.field("isi", "Isi", error="Mohon diisi.", hint="Singkat saja.") }}'
    )

    assert 'href="#f-isi"' in text
    assert 'aria-describedby="h-isi e-isi" aria-invalid="true"' in text
    assert '<p class="error" id="e-isi">Mohon diisi.</p>' in text


def test_every_field_has_a_label_of_its_own() -> None:
    """`for` and `id` fit together for all kinds of fields."""
    text = page(
        '{{ p.field("a", "A") }}{{ p.textarea("b", "B") }}{{ p.select("c", "C", []) }}'
        '{{ p.file("d", "D") }}'
    )

    assert re.findall(r'label for="(f-\w)"', text) == ["f-a", "f-b", "f-c", "f-d"]
    assert re.findall(r'<(?:input|textarea|select) id="(f-\w)"', text) == [
        "f-a",
        "f-b",
        "f-c",
        "f-d",
    ]


def test_a_page_needs_no_script_and_nothing_from_elsewhere() -> None:
    """One answer shows it all; the first link skips the menu."""
    text = page("<p>Halo</p>")

    assert "<script" not in text
    assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//|url\(|@import""", text)
    assert re.search(r'<a class="skip" href="#isi">', text)
    assert '<html lang="id">' in text


def test_a_name_that_a_page_was_not_given_is_an_error() -> None:
    """A forgotten variable fails in the test, instead of showing nothing to a citizen."""
    with pytest.raises(UndefinedError):
        page("{{ forgotten }}")
