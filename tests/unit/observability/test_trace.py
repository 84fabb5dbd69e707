"""Trace context: read strictly, continued, bound to the work and taken off again."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aduan.observability import trace

SENT = f"00-{'a' * 32}-{'b' * 16}-01"


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "x",
        f"00-{'0' * 32}-{'b' * 16}-01",
        f"00-{'a' * 32}-{'0' * 16}-01",
        f"ff-{'a' * 32}-{'b' * 16}-01",
        f"00-{'A' * 32}-{'b' * 16}-01",
        f"00-{'a' * 31}-{'b' * 16}-01",
        f"{SENT}-more",
        f"01-{'a' * 32}-{'b' * 16}-01-{'c' * 300}",
    ],
)
def test_a_traceparent_that_is_not_well_formed_begins_a_new_trace(text: str | None) -> None:
    """It is never an error of the request; the new trace is well-formed and not sampled."""
    assert trace.parse(text) is None
    begun = trace.start(text)

    assert begun == trace.parse(str(begun))
    assert "00" == begun.flags


def test_a_child_keeps_trace_and_flags_and_has_its_own_span() -> None:
    """So the caller's tools show our work under his."""
    child = trace.start(SENT)

    assert ("a" * 32, "01") == (child.trace_id, child.flags)
    assert "b" * 16 != child.span_id


def test_a_later_version_is_read_as_far_as_we_know_it() -> None:
    """The standard asks for it: more parts may follow in a higher version."""
    found = trace.parse(f"42-{'a' * 32}-{'b' * 16}-01-what")

    assert found is not None
    assert "a" * 32 == found.trace_id


@given(st.text(max_size=80))
def test_any_text_is_read_without_an_error(text: str) -> None:
    """A header is whatever somebody sends."""
    trace.start(text)


def test_log_lines_carry_the_ids_inside_the_block_only() -> None:
    """What is bound is taken off, also when the work fails."""
    with pytest.raises(RuntimeError), trace.bound(SENT, case_id="c1"):
        inside = dict(trace.ids())
        told = trace.current()
        raise RuntimeError

    assert told is not None
    assert told.startswith(f"00-{'a' * 32}-")
    span = told.split("-")[2]
    assert {"trace_id": "a" * 32, "span_id": span, "case_id": "c1"} == inside
    assert {} == trace.ids()
    assert trace.current() is None


async def test_two_tasks_do_not_see_each_others_trace() -> None:
    """Work on two cases at a time keeps two traces apart."""

    async def work(number: int) -> tuple[str, str | None]:
        with trace.bound(None, case_id=str(number)) as mine:
            await asyncio.sleep(0)
            return str(mine), trace.current()

    for mine, seen in await asyncio.gather(*(work(number) for number in range(20))):
        assert mine == seen
