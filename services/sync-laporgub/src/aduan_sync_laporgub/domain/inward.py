"""What a partner's ticket means for our case: answers, changes of status, reopenings, refusals.

Whatever we wrote there ourselves is dropped (by reference and by remote key), so a push never comes
back as news. Only an explicit return or reopening moves a case backwards.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from aduan.clock import iso, parse_iso
from aduan.contracts.envelope import Emit
from aduan.contracts.values import MirrorKind, State
from aduan_sync_laporgub.domain.case import Link, MirrorCase, Sealed, about, tell
from aduan_sync_laporgub.domain.decide import Step
from aduan_sync_laporgub.domain.remote import RemoteEntry, RemoteState
from aduan_sync_laporgub.domain.systems import MirrorSystem
from aduan_sync_laporgub.domain.words import (
    FITS,
    REFUSED_THERE,
    SECOND_RETURN,
    UNKNOWN,
    Words,
    plain,
)

TEXT_LIMIT: Final = 10_000
WATCHED_AFTER_END: Final = timedelta(days=30)

Seal = Callable[[str, str], str]
"""Seals a text; the second argument names what it belongs to."""


@dataclass(frozen=True, slots=True)
class _Heard:
    """One thing that a partner says."""

    system: MirrorSystem
    raw: str
    at: datetime
    text: str | None = None
    content_ref: str | None = None
    key: str | None = None


def take_over(
    case: MirrorCase,
    system: MirrorSystem,
    remote: RemoteState,
    words: Words,
    *,
    seal: Seal,
    now: datetime,
    wall: datetime,
    next_pull_at: str | None,
) -> Step:
    """Return the case with everything new at the partner, and the events that tell it.

    remote: texts already scrubbed. next_pull_at: when to look again; dropped 30 days after the end.
    """
    link = case.links[system]
    emits: list[Emit] = []
    for entry in remote.entries:
        if entry.key in link.seen:
            continue
        link = link.model_copy(update={"seen": (*link.seen, entry.key)})
        ours = _is_ours(case, link, entry)
        if ours and words.meaning(entry.title) is not None:
            # What we set there is what a later word of theirs replaces.
            link = link.model_copy(update={"raw_status": entry.title})
        case = case.with_link(system, link)
        if ours or words.is_receipt(entry.title):
            continue
        case, told = _entry(case, system, entry, words, seal=seal, now=now)
        emits.extend(told)
        link = case.links[system]
    raw = remote.raw_status
    word = words.meaning(raw)
    ours = _we_set_it(case, system, raw)
    # A fresh ticket that only waits is no news.
    is_start = link.raw_status is None and word is not None and word.status == "triage"
    if plain(raw) != plain(link.raw_status or "") and not ours and not is_start:
        number = link.statuses + 1
        key = f"{system}:{link.remote_ticket}:status:{number}"
        case = case.with_link(system, link.model_copy(update={"statuses": number}))
        case, told = _status(case, _Heard(system, raw, now, key=key), words, is_note=False)
        emits.extend(told)
        link = case.links[system]
    final_at = (link.final_at or iso(wall)) if word is not None and word.final else None
    over = final_at is not None and wall - parse_iso(final_at) > WATCHED_AFTER_END
    link = link.model_copy(
        update={
            "raw_status": raw,
            # Their word replaced ours: our word coming up again would be their doing.
            "told": link.told if ours else None,
            "final_at": final_at,
            "next_pull_at": None if over else next_pull_at,
            "pull_tries": 0,
        }
    )
    return case.with_link(system, link), tuple(emits)


def _entry(
    case: MirrorCase,
    system: MirrorSystem,
    entry: RemoteEntry,
    words: Words,
    *,
    seal: Seal,
    now: datetime,
) -> Step:
    text: str | None = entry.text[:TEXT_LIMIT]
    content_ref = None
    if case.confidential and text:
        link = case.links[system]
        kept = Sealed(key=entry.key, text=seal(text, about(case.id, entry.key)))
        case = case.with_link(system, link.model_copy(update={"sealed": (*link.sealed, kept)}))
        text, content_ref = None, f"/v1/mirrors/{case.id}/content?key={entry.key}"
    heard = _Heard(
        system=system,
        raw=entry.title,
        # A partner's clock may be off: nothing of a case happens before it came in, and what we
        # hear has happened by now.
        at=min(max(entry.at, parse_iso(case.report.received_at)), now),
        text=text or None,
        content_ref=content_ref,
        key=entry.key,
    )
    if words.is_answer(entry.title):
        return case, (_say(case, heard, "answer", status="answered"),)
    return _status(case, heard, words, is_note=True)


def _status(case: MirrorCase, heard: _Heard, words: Words, *, is_note: bool) -> Step:
    """Take over one word. is_note: an entry with a title of its own, so no unknown status."""
    link = case.links[heard.system]
    before = words.meaning(link.raw_status or "")
    word = words.meaning(heard.raw)
    if word is None:
        return case, (_say(case, heard, "status", reason="note" if is_note else UNKNOWN),)
    fits = case.state in word.fits
    refuses = word.kind == "reroute_requested" and not fits
    returns = link.returns
    case = case.with_link(
        heard.system,
        link.model_copy(
            update={
                "raw_status": heard.raw,
                "returns": returns + 1 if refuses else returns,
            }
        ),
    )
    if refuses:
        reason = SECOND_RETURN if returns else REFUSED_THERE
        return case, (_say(case, heard, "reroute_requested", reason=reason),)
    # Asked before `fits`: routing may have closed the case a moment ago, unknown to us yet.
    if before is not None and before.final and not word.final:
        return case, (_say(case, heard, "reopened", status="in_progress"),)
    if fits:
        return case, (_say(case, heard, "status", reason=FITS),)
    return case, (_say(case, heard, "status", status=word.status),)


def _say(
    case: MirrorCase,
    heard: _Heard,
    kind: MirrorKind,
    *,
    status: State | None = None,
    reason: str | None = None,
) -> Emit:
    return tell(
        case,
        kind,
        system=heard.system,
        reason_code=reason,
        raw_status=heard.raw,
        status=status,
        text=heard.text,
        content_ref=heard.content_ref,
        remote_at=heard.at,
        remote_key=heard.key,
    )


def _is_ours(case: MirrorCase, link: Link, entry: RemoteEntry) -> bool:
    # The reference decides even when a crash kept us from recording the key.
    ours = entry.ref is not None and entry.ref.startswith(f"aduan:{case.id}")
    return ours or entry.key in link.wrote


def _we_set_it(case: MirrorCase, system: MirrorSystem, raw: str) -> bool:
    link = case.links[system]
    under_way = (
        job.status
        for job in case.jobs
        if job.system == system and job.kind == "push" and job.state == "submitting"
    )
    return plain(raw) in {plain(word) for word in (link.told, *under_way) if word is not None}
