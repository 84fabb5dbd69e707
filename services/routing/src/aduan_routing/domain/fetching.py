"""The stored jobs that fetch confidential content: what a result does to the case."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic_core import from_json, to_json

from aduan.clock import iso
from aduan.contracts.envelope import Reaction
from aduan.storage.port import Body
from aduan_routing.classify import Report
from aduan_routing.domain.opening import reconsidered
from aduan_routing.domain.pausing import pause
from aduan_routing.domain.rules import Rules
from aduan_routing.domain.words import keep


def fetch_job(ref: str, at: str, trace: str | None) -> dict[str, Any]:
    """Return a job to fetch what is behind a reference, due at once. trace: of its cause."""
    job = {"ref": ref, "at": at, "tries": 0, "next_at": ""}
    return job if trace is None else {**job, "trace": trace}


def fetched(
    body: Body, ref: str, content: Mapping[str, Any] | None, now: datetime, rules: Rules
) -> Reaction:
    """Keep what was fetched (None: nothing is there) and drop the job; done before: nothing."""
    if not any(job["ref"] == ref for job in body["jobs"]):
        return Reaction()
    after: dict[str, Any] = {
        **body,
        "jobs": [job for job in body["jobs"] if job["ref"] != ref],
        "revision": body["revision"] + 1,
    }
    if content is None:
        return Reaction(after)
    is_report = ref == "report"
    text = to_json(content).decode() if is_report else str(content["text"])
    after = keep(after, ref, text, rules.vault)
    if not is_report:
        return Reaction(after)
    return Reaction(*reconsidered(after, report_of(after, content), now, rules))


def postponed(body: Body, ref: str, wall: datetime) -> Reaction:
    """Try a job again later: 1, 2, 4 ... seconds, at most ten minutes. wall: real time."""
    jobs = [
        {**job, "tries": job["tries"] + 1, "next_at": iso(wall + pause(job["tries"]))}
        if job["ref"] == ref
        else job
        for job in body["jobs"]
    ]
    return Reaction({**body, "jobs": jobs})


def report_of(body: Body, content: Mapping[str, Any]) -> Report:
    """Return what the classifier may look at, from the content and the hints of the case."""
    hints = body["hints"]
    return Report(
        text=str(content["text"]),
        title=content.get("title"),
        place_text=content.get("place_text"),
        area_code=hints["area_code"],
        lat=content.get("lat"),
        lng=content.get("lng"),
        citizen_word=hints["citizen_word"],
        class_hint=hints["class_hint"],
        category_hint=hints["category_hint"],
        opd_hint=hints["opd_hint"],
    )


def report_in(words: Mapping[str, str]) -> dict[str, Any]:
    """Return title, text, place_text, lat and lng of the report, all None where not known."""
    empty = dict.fromkeys(("title", "text", "place_text", "lat", "lng"))
    return {**empty, **from_json(words["report"])} if "report" in words else empty
