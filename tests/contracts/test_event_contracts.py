"""The contract of the events: generated files are current, examples are valid, breaks are caught."""

import copy
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter

from aduan.contracts import generate
from aduan.contracts.compatibility import breaking_changes
from aduan.contracts.envelope import (
    Cause,
    Emit,
    EventTooLarge,
    Raw,
    decode,
    encode,
    event_id,
)
from aduan.contracts.events import ComplaintProgressed, ComplaintReplied
from aduan.contracts.examples import CASE_ID, EXAMPLES
from aduan.contracts.topics import TOPICS, Topic, streams_for
from aduan.contracts.values import View
from aduan.errors import Poison

NOW = datetime(2026, 12, 1, 2, tzinfo=UTC)
CAUSE = Cause("cause", "correlation", "00-" + "1" * 32 + "-" + "2" * 16 + "-01")
ALL = [(topic, name) for topic in TOPICS for name in EXAMPLES[topic.name]]


def an_event(data: BaseModel, topic: str = "complaint.replied", seq: int = 3) -> Raw:
    """An encoded event."""
    return encode(
        Emit(topic, data),
        service="intake",
        tenant="33.74",
        case_id=CASE_ID,
        seq=seq,
        now=NOW,
        cause=CAUSE,
    )


def test_every_generated_file_is_current() -> None:
    """Schemas, examples, the events page and the AsyncAPI document follow from the code."""
    stale = [path.name for path, text in generate.files().items() if path.read_text() != text]

    assert stale == []


def test_the_released_schemas_are_kept() -> None:
    """What is written today breaks no reader of the last release."""
    assert generate.broken_promises() == []
    assert {
        path.name.removesuffix(".v1.json") for path in (generate.HERE / "released").glob("*.json")
    } == set(generate.schemas())


def _schema(name: str) -> dict[str, Any]:
    topic = next(topic for topic in TOPICS if topic.name == name)
    return generate.schema_of(topic)


def _without_field(schema: dict[str, Any]) -> None:
    del schema["properties"]["reply_id"]
    schema["required"].remove("reply_id")


def _renamed(schema: dict[str, Any]) -> None:
    schema["properties"]["answer_id"] = schema["properties"].pop("reply_id")


def _retyped(schema: dict[str, Any]) -> None:
    schema["properties"]["reply_id"] = {"type": "integer"}


def _narrowed(schema: dict[str, Any]) -> None:
    schema["properties"]["kind"]["enum"].remove("rating")


def _widened(schema: dict[str, Any]) -> None:
    schema["properties"]["kind"]["enum"].append("shout")


def _more_required(schema: dict[str, Any]) -> None:
    schema["properties"]["mood"] = {"type": "string"}
    schema["required"].append("mood")


def _optional_now(schema: dict[str, Any]) -> None:
    schema["required"].remove("replied_at")


def _nested(schema: dict[str, Any]) -> None:
    del schema["$defs"]["AttachmentRef"]["properties"]["sha256"]


@pytest.mark.parametrize(
    "damage",
    [
        _without_field, _renamed, _retyped, _narrowed, _widened, _more_required, _optional_now,
        _nested,
    ],
)  # fmt: skip
def test_a_breaking_change_is_caught(damage: Any) -> None:
    """Each kind of break, made on purpose, is named by the gate."""
    old = _schema("complaint.replied")
    new = copy.deepcopy(old)
    damage(new)

    assert breaking_changes(old, new) != []


def test_a_new_optional_field_is_no_break() -> None:
    """Additive changes pass."""
    old = _schema("complaint.replied")
    new = copy.deepcopy(old)
    new["properties"]["mood"] = {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None}

    assert breaking_changes(old, new) == []


@pytest.mark.parametrize(("topic", "name"), ALL, ids=[f"{t.name}-{n}" for t, n in ALL])
def test_a_golden_example_round_trips(topic: Topic, name: str) -> None:
    """What was written is what the strict model reads."""
    path = generate.HERE / "examples" / f"{topic.name}.v1.{name}.json"

    assert topic.event.model_validate_json(path.read_bytes()) == EXAMPLES[topic.name][name]


def test_every_topic_has_one_producer_and_known_consumers() -> None:
    """The table is consistent, and whoever consumes a topic consumes its whole stream."""
    services = {"intake", "routing", "sla", "sync-laporgub", "notify"}
    for topic in TOPICS:
        assert topic.producer in services
        assert set(topic.consumers) <= services - {topic.producer}
        same = {other.consumers for other in TOPICS if other.stream == topic.stream}
        assert len(same) == 1, topic.stream
    assert streams_for("notify") == ("intake", "routing", "sla", "sync")


def test_the_same_place_in_a_stream_has_the_same_id() -> None:
    """However often an event is made, consumers can de-duplicate it."""
    assert event_id(CASE_ID, "intake", 1) == event_id(CASE_ID, "intake", 1)
    assert event_id(CASE_ID, "intake", 1) != event_id(CASE_ID, "intake", 2)
    assert event_id(CASE_ID, "intake", 1) != event_id(CASE_ID, "routing", 1)


def test_an_encoded_event_is_read_back_through_a_narrow_view() -> None:
    """The envelope travels in headers, the view takes only what it declares."""

    class OnlyKind(View):
        kind: str

    raw = an_event(EXAMPLES["complaint.replied"]["everything"])
    event = decode(raw, TypeAdapter(OnlyKind))

    assert event.data == OnlyKind(kind="objection")
    assert (event.stream, event.seq, event.subject, event.tenant) == ("intake", 3, CASE_ID, "33.74")
    assert (event.time, event.causation_id, event.traceparent) == (NOW, "cause", CAUSE.traceparent)


def test_empty_fields_are_not_written() -> None:
    """Absent means absent: no null travels."""
    raw = an_event(EXAMPLES["complaint.replied"]["smallest"])

    assert None not in json.loads(raw.value).values()


def test_field_names_that_are_words_of_python_travel_as_agreed() -> None:
    """`class`, `from` and `to`, as the table of events says."""
    data = EXAMPLES["complaint.progressed"]["everything"]
    assert isinstance(data, ComplaintProgressed)
    written = json.loads(an_event(data, "complaint.progressed").value)

    assert {"from", "to"} <= written.keys()
    assert written["case"]["class"] == "pengaduan_tidak_berkadar_pengawasan"


def test_an_event_over_64_kb_is_refused_when_the_command_is_accepted() -> None:
    """It would not fit the transport; nothing of it is stored."""
    huge = ComplaintReplied.model_construct(
        reply_id="x" * 70_000, kind="reply", replied_at=NOW, by="reporter", attachments=()
    )

    with pytest.raises(EventTooLarge):
        an_event(huge)


@pytest.mark.parametrize(
    ("header", "value"),
    [("ce_seq", b"zero"), ("ce_seq", b"0"), ("ce_subject", b"not-a-case"), ("ce_id", b"\xff")],
)
def test_an_unreadable_header_is_poison(header: str, value: bytes) -> None:
    """It never reaches a handler, and never crashes the loop."""
    raw = an_event(EXAMPLES["complaint.replied"]["smallest"])
    headers = tuple((name, value if name == header else old) for name, old in raw.headers)

    with pytest.raises(Poison):
        Raw(raw.topic, raw.key, raw.value, headers).address()


def test_a_missing_header_is_poison() -> None:
    """Without ce_stream nobody knows whose turn it is."""
    raw = an_event(EXAMPLES["complaint.replied"]["smallest"])
    headers = tuple(pair for pair in raw.headers if pair[0] != "ce_stream")

    with pytest.raises(Poison, match="ce_stream"):
        Raw(raw.topic, raw.key, raw.value, headers).address()


def test_data_that_does_not_fit_is_poison_without_quoting_it() -> None:
    """The reason names the field and the rule, never the value."""

    class NeedsNumber(View):
        reply_id: int

    raw = an_event(EXAMPLES["complaint.replied"]["smallest"])
    with pytest.raises(Poison) as refused:
        decode(raw, TypeAdapter(NeedsNumber))

    assert "reply_id" in str(refused.value)
    assert json.loads(raw.value)["reply_id"] not in str(refused.value)
