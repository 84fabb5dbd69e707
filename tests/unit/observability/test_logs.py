"""Log lines: JSON, with ids, and without anything that belongs to a person."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from aduan.observability import logs, trace

PHONE = "081234567890"
NIK = "3374011234567890"
MAIL = "budi.santoso@example.org"


class Written:
    """What was written to the log, line by line."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    @property
    def text(self) -> str:
        """All of it."""
        return self.stream.getvalue()

    def line(self) -> dict[str, Any]:
        """Return the only line."""
        (found,) = self.text.splitlines()
        return dict(json.loads(found))


@pytest.fixture
def written() -> Iterator[Written]:
    """Send all logging to memory, and put it back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    found = Written()
    logs.configure("routing", stream=found.stream)
    yield found
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_a_line_is_json_with_service_level_moment_and_bound_ids(written: Written) -> None:
    """What an operator searches by."""
    with trace.bound(None, case_id="0190c0de-0000-7000-8000-000000000001") as context:
        structlog.get_logger("aduan.test").info("case.assigned", count=3)

    line = written.line()
    assert ("case.assigned", "info", "routing", 3) == (
        line["event"],
        line["level"],
        line["service"],
        line["count"],
    )
    assert "0190c0de-0000-7000-8000-000000000001" == line["case_id"]
    assert context.trace_id == line["trace_id"]
    assert line["at"].endswith("Z")


@pytest.mark.parametrize("secret", [PHONE, NIK, MAIL])
@pytest.mark.parametrize("shape", ["event", "field", "key", "list", "mapping", "object", "foreign"])
def test_numbers_and_addresses_of_people_are_masked_wherever_they_stand(
    secret: str, shape: str, written: Written
) -> None:
    """A careless line does not leak, whether ours or a library's."""
    log = structlog.get_logger("aduan.test")
    match shape:
        case "event":
            log.info(f"call {secret} back")
        case "field":
            log.info("x", note=f"call {secret}")
        case "key":
            log.info("x", **{f"call {secret}": 1})
        case "list":
            log.info("x", notes=["a", {"deep": (f"call {secret}",)}])
        case "mapping":
            log.info("x", notes={f"call {secret}": f"call {secret}"})
        case "object":
            log.info("x", error=ValueError(f"call {secret}"))
        case _:
            logging.getLogger("some.library").warning("call %s", secret)

    assert secret not in written.text
    assert written.line()


def test_a_number_of_a_person_that_was_logged_as_a_number_is_masked(written: Written) -> None:
    """Sixteen digits are a NIK, however they are typed."""
    structlog.get_logger("aduan.test").info("x", value=int(NIK), small=1234567)

    assert NIK not in written.text
    assert 1234567 == written.line()["small"]


@pytest.mark.parametrize("foreign", [False, True])
def test_an_exception_is_its_type_and_its_places(foreign: bool, written: Written) -> None:
    """Its words often quote the input, so they are left out, in our lines and in a library's."""
    try:
        raise ValueError(f"cannot read Budi {PHONE}")
    except ValueError:
        if foreign:
            logging.getLogger("uvicorn.error").exception("failed")
        else:
            structlog.get_logger("aduan.test").exception("failed")

    line = written.line()
    assert "ValueError" == line["error"]
    assert line["places"]
    assert "Budi" not in written.text


def test_addresses_of_requests_are_not_logged_by_the_libraries(written: Written) -> None:
    """Access lines hold whole URLs; what we need is in the metrics."""
    logging.getLogger("uvicorn.access").info("GET /lacak/KS-1")
    logging.getLogger("httpx").info("HTTP Request: GET http://x/KS-1")

    assert "" == written.text


def test_an_exception_group_is_followed_to_its_first_cause(written: Written) -> None:
    """A task group wraps what happened; the type of what happened is what helps."""
    error = ExceptionGroup("two", [ValueError("first"), KeyError("second")])
    structlog.get_logger("aduan.test").error("failed", exc_info=error)

    assert "ExceptionGroup" == written.line()["error"]
    assert "first" not in written.text
