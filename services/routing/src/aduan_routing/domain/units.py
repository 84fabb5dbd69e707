"""What connected units are owed: a mark per unit in each case, and what moves it.

A mark has `since` (the connection it belongs to), `sent` (the seq of the last record that went out),
`owed` ((seq, kind) of those to come, in order), `tries` and `next_at` (real time). A unit that is not
connected gets no mark; what is left of an ended connection is dropped by the worker.

The seq of an event is the version that it gives the case: each step that tells something tells one
event and raises the version by one.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from aduan.clock import iso
from aduan.contracts.opd import UnitKind
from aduan.storage.port import Body
from aduan_routing.domain.pausing import pause

Connected = Mapping[str, str]
"""Connected units of one tenant: code -> since, an id that is greater for a later connection."""

NOBODY: Final[Connected] = {}


def kind_for(body: Body, code: str) -> UnitKind | None:
    """Return as what a unit may see a case now, or None.

    A trial is nobody's. A case about oversight goes into no topic, not even the inspectorate's: it
    is worked on behind its own door. The words of a confidential case can be claimed by the
    responsible unit alone, so a copy of it would be of no use and tells who complained of what.
    """
    if body["test"] or body["withheld"] or body["oversight"]:
        return None
    if body["opd"] == code:
        return "own"
    return "copy" if code in body["copies"] and not body["confidential"] else None


def owing(body: Body, connected: Connected) -> Body:
    """Return a body, just after a step that told something, with what units are owed for it."""
    marks: Mapping[str, Any] = body.get("units", {})
    concerned = [body["opd"], *body["copies"], *marks]
    found = {
        code: mark
        for code in dict.fromkeys(concerned)
        if code is not None
        and (mark := _after(body, code, marks.get(code), connected.get(code))) is not None
    }
    return body if found == marks else {**body, "units": found}


def _after(body: Body, code: str, mark: Any, since: str | None) -> Mapping[str, Any] | None:
    seq, kind = body["version"], kind_for(body, code)
    if since is not None and (mark is None or mark["since"] < since):
        mark = None if kind is None else _fresh(since, seq - 1)
    if mark is None:
        return None
    if kind is not None:
        return {**mark, "owed": [*mark["owed"], [seq, kind]]}
    # what did not go out before the door was closed stays inside
    kept = [one for one in mark["owed"] if one[1] == "left" or not _closed(body)]
    if kept and kept[-1][1] == "left":
        return {**mark, "owed": kept}
    return {**mark, "owed": [*kept, [seq, "left"]]}


def _fresh(since: str, sent: int) -> dict[str, Any]:
    return {"since": since, "sent": sent, "owed": [], "tries": 0, "next_at": ""}


def _closed(body: Body) -> bool:
    return bool(body["confidential"] or body["oversight"] or body["withheld"])


def caught_up(body: Body, code: str, since: str, connected_at: str) -> Body | None:
    """Return a body that owes a new connection what another replica told without knowing of it.

    Only the last event, and only one from after `connected_at` (domain time): the unit takes a
    snapshot after it was connected. None where nothing is missing.
    """
    mark = body.get("units", {}).get(code)
    kind = kind_for(body, code)
    told_at = body.get("told_at")
    known = mark is not None and mark["since"] >= since
    if kind is None or known or told_at is None or told_at < connected_at:
        return None
    seq = body["version"]
    fresh = {**_fresh(since, seq - 1), "owed": [[seq, kind]]}
    return {**body, "units": {**body.get("units", {}), code: fresh}}


def due_at(body: Body) -> str | None:
    """Return when the first of the owed records is due, as a column to find by."""
    marks = body.get("units", {}).values()
    return min((mark["next_at"] for mark in marks if mark["owed"]), default=None)


def due_units(body: Body, wall: str) -> Sequence[str]:
    """Return the units that are owed a record by now."""
    marks = body.get("units", {}).items()
    return [code for code, mark in marks if mark["owed"] and mark["next_at"] < wall]


def sent(body: Body, code: str, since: str, through: int) -> Body | None:
    """Move a mark behind records that are acknowledged; None where it is there already."""
    mark = _mark(body, code, since)
    if mark is None or mark["sent"] >= through:
        return None
    owed = [one for one in mark["owed"] if one[0] > through]
    gone = [kind for seq, kind in mark["owed"] if seq <= through]
    if not owed and gone and gone[-1] == "left":
        return _without(body, code)
    moved = {**mark, "sent": through, "owed": owed, "tries": 0, "next_at": ""}
    return {**body, "units": {**body["units"], code: moved}}


def postponed(body: Body, code: str, since: str, wall: datetime) -> Body | None:
    """Try a unit again later: 1, 2, 4 ... seconds, at most ten minutes. wall: real time."""
    mark = _mark(body, code, since)
    if mark is None or not mark["owed"]:
        return None
    later = {**mark, "tries": mark["tries"] + 1, "next_at": iso(wall + pause(mark["tries"]))}
    return {**body, "units": {**body["units"], code: later}}


def dropped(body: Body, code: str, since: str) -> Body | None:
    """Forget a mark whose connection has ended; None where it is gone, or of another connection."""
    return None if _mark(body, code, since) is None else _without(body, code)


def _mark(body: Body, code: str, since: str) -> Any:
    mark = body.get("units", {}).get(code)
    return mark if mark is not None and mark["since"] == since else None


def _without(body: Body, code: str) -> Body:
    return {**body, "units": {name: one for name, one in body["units"].items() if name != code}}
