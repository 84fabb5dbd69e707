"""Cursors, Idempotency-Key and entity tags: read strictly, refused with a problem."""

import base64
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aduan.web import cursors, etags, idempotency
from aduan.web.problems import Problem

VALUES = st.tuples(st.text(max_size=40), st.integers(-(2**40), 2**40))


@given(VALUES)
def test_a_cursor_comes_back_as_it_went(values: tuple[str, int]) -> None:
    """Whatever the sort values are; and it fits into an address."""
    text = cursors.encode("cases", values)

    assert values == cursors.decode("cases", text, (str, int))
    assert set(text) <= set(string.ascii_letters + string.digits + "-_")


@given(VALUES, st.data())
def test_a_damaged_cursor_is_refused(values: tuple[str, int], data: st.DataObject) -> None:
    """One changed or lost character is noticed."""
    text = cursors.encode("cases", values)
    place = data.draw(st.integers(0, len(text) - 2))
    other = data.draw(st.sampled_from(sorted(set(string.ascii_letters) - {text[place]})))
    for damaged in (text[:place] + other + text[place + 1 :], text[:place] + text[place + 1 :]):
        with pytest.raises(Problem) as refused:
            cursors.decode("cases", damaged, (str, int))

        assert (400, "invalid_cursor") == (refused.value.status, refused.value.code)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "é",
        "=",
        "a",
        "x" * 2000,
        base64.urlsafe_b64encode(b"[]").decode(),
        cursors.encode("offices", ("a", 1)),
        cursors.encode("cases", ("a",)),
        cursors.encode("cases", ("a", "1")),
    ],
)
def test_a_cursor_of_something_else_is_refused(text: str) -> None:
    """Another listing, another shape, or no cursor at all."""
    with pytest.raises(Problem):
        cursors.decode("cases", text, (str, int))


@pytest.mark.parametrize(
    ("sent", "key"), [("abc", "abc"), ('"abc"', "abc"), ('"', '"'), ("a" * 255, "a" * 255)]
)
def test_an_idempotency_key_is_read_with_or_without_quotes(sent: str, key: str) -> None:
    """The draft has quotes, most clients do not."""
    assert key == idempotency.needed({"idempotency-key": sent})


@pytest.mark.parametrize("sent", ["", " ", "a b", "é", "a" * 256, '""'])
def test_a_malformed_idempotency_key_is_a_400(sent: str) -> None:
    """Better refused than cut, which would make two keys one."""
    with pytest.raises(Problem) as refused:
        idempotency.given({"idempotency-key": sent})

    assert "invalid_idempotency_key" == refused.value.code


def test_a_missing_idempotency_key_is_named() -> None:
    """Where it is needed the header is named; where it is optional, None."""
    assert idempotency.given({}) is None
    with pytest.raises(Problem) as refused:
        idempotency.needed({})

    assert "Idempotency-Key" == refused.value.errors[0]["field"]


def test_stored_keys_keep_the_borders_of_their_parts_and_hide_the_words() -> None:
    """Portal `a` with key `bc` is not portal `ab` with key `c`."""
    assert idempotency.storage_key("a", "bc") != idempotency.storage_key("ab", "c")
    assert "081234567890" not in idempotency.storage_key("p", "081234567890")


def test_a_fingerprint_is_of_the_bytes() -> None:
    """Another order of members is another body: a client repeats what it sent."""
    assert idempotency.fingerprint(b'{"a":1}') == idempotency.fingerprint(b'{"a":1}')
    assert idempotency.fingerprint(b'{"a":1}') != idempotency.fingerprint(b'{"a": 1}')


def test_a_reader_with_the_same_version_gets_a_304() -> None:
    """Weak comparison, lists and the star, as RFC 9110 has them."""
    assert etags.not_modified({"if-none-match": 'W/"v3", "v9"'}, 3)
    assert etags.not_modified({"if-none-match": "*"}, 3)
    assert not etags.not_modified({"if-none-match": '"v2"'}, 3)
    assert not etags.not_modified({}, 3)


def test_a_writer_with_an_old_version_is_refused() -> None:
    """412 for another version, 428 where the header is required."""
    etags.must_match({"if-match": etags.etag(3)}, 3)
    etags.must_match({}, 3)
    with pytest.raises(Problem) as old:
        etags.must_match({"if-match": 'W/"v3"'}, 3)
    with pytest.raises(Problem) as absent:
        etags.must_match({}, 3, required=True)

    assert (412, 428) == (old.value.status, absent.value.status)
