"""A unit's record of one event of routing: that event's envelope, and no word of a closed case."""

from collections.abc import Mapping
from typing import Any, Final

from aduan.contracts.envelope import Raw
from aduan.contracts.events import ComplaintAssigned, ComplaintProgressed
from aduan.contracts.opd import UNIT_EVENT_TYPE, UNIT_SCHEMA, UnitKind, UnitRecord, unit_topic
from aduan.storage.port import Body
from aduan_routing.domain.lifecycle import CONFIDENTIAL_SENTENCE

_OWN: Final = {"ce_type": UNIT_EVENT_TYPE.encode(), "ce_dataschema": UNIT_SCHEMA.encode()}


def record_of(raw: Raw, kind: UnitKind, code: str, id: str, body: Body) -> Raw:
    """Return the record of an event for a unit. body: the case as it is now.

    A case that became confidential after the event is closed in older records too.
    """
    told = _data(raw)
    head = {"kind": kind, "unit": code, "ticket": body["ticket"], "version": told["case"].version}
    data = head if kind == "left" else {**_open(told, id, closed=_is_closed(told, body)), **head}
    record = UnitRecord.model_validate(data)
    value = record.__pydantic_serializer__.to_json(record, by_alias=True, exclude_none=True)
    headers = tuple((name, _OWN.get(name, was)) for name, was in raw.headers)
    return Raw(unit_topic(body["tenant"], code), raw.key, value, headers)


def _data(raw: Raw) -> dict[str, Any]:
    """Return the fields of an event that a unit may see, under the names of a record."""
    if raw.topic == "complaint.assigned":
        assigned = ComplaintAssigned.model_validate_json(raw.value)
        return {
            "case": assigned.case,
            "action": "assign",
            "to": assigned.case.state,
            "note": assigned.note,
            "previous_opd": assigned.previous_opd,
            "copies": assigned.copies or None,
        }
    told = ComplaintProgressed.model_validate_json(raw.value)
    names = (
        "case", "action", "actor", "reason_code", "citizen_text", "question", "answer", "follow_up",
        "reply_id",
    )  # fmt: skip
    found = {name: getattr(told, name) for name in names}
    return {**found, "from": told.from_state, "to": told.to_state}


def _is_closed(told: Mapping[str, Any], body: Body) -> bool:
    return bool(told["case"].confidential or body["confidential"])


def _open(told: Mapping[str, Any], id: str, *, closed: bool) -> dict[str, Any]:
    if not closed:
        return dict(told)
    ref = f"/v1/cases/{id}/content"
    answer, follow_up = told.get("answer"), told.get("follow_up")
    hidden = {
        "case": told["case"].model_copy(update={"confidential": True}),
        "note": None,
        "question": None,
        "content_ref": ref,
    }
    if told.get("citizen_text") is not None:
        hidden["citizen_text"] = CONFIDENTIAL_SENTENCE
    if answer is not None:
        hidden["answer"] = answer.model_copy(
            update={"text": None, "content_ref": answer.content_ref or ref, "evidence": ()}
        )
    if follow_up is not None:
        # the unit of a follow-up is an officer's free text
        hidden["follow_up"] = follow_up.model_copy(update={"unit": told["case"].opd or ""})
    return {**told, **hidden}
