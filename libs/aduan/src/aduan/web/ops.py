"""What an operator asks of any service: status, dead letters, replay, the story of a case."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Body, Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import from_json

from aduan.contracts.envelope import Raw
from aduan.contracts.topics import streams_for, topics_of
from aduan.messaging.dead_letters import Letter
from aduan.messaging.letter_desk import NoSuchLetter, NotItsTurn
from aduan.service import Runtime
from aduan.web import cursors
from aduan.web.keys import Principal, require
from aduan.web.problems import Problem, responses

log = structlog.get_logger("aduan.ops")

Facts = Callable[[], Awaitable[Mapping[str, Any]]]
Reader = Annotated[Principal, Depends(require("ops:read"))]
Operator = Annotated[Principal, Depends(require("ops:act"))]
CaseId = Annotated[
    str,
    Path(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", description="Complaint id."),
]
LetterId = Annotated[str, Path(max_length=200, description="As the listing gives it.")]


class Skip(BaseModel):
    """Why a dead letter is given up; goes into the audit log."""

    model_config = ConfigDict(extra="forbid")
    reason: str = Field(min_length=3, max_length=500)


class ReplayCase(BaseModel):
    """Which case to replay."""

    model_config = ConfigDict(extra="forbid")
    case_id: str = Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")


class ReEmit(BaseModel):
    """Where a pass over all documents goes on; without a cursor it begins."""

    model_config = ConfigDict(extra="forbid")
    cursor: str | None = Field(default=None, max_length=1024)
    # A page has to be told within the time that whoever asks will wait, on a busy day too.
    limit: int = Field(default=50, ge=1, le=500)


def router(runtime: Runtime, facts: Facts | None = None) -> APIRouter:
    """Return the operator's routes of one service. facts: what the service adds to its status."""
    name = runtime.spec.name
    routes = APIRouter(
        prefix=f"/{name}/ops",
        tags=["operations"],
        responses=responses("credentials_missing", "scope_missing", "invalid", "unavailable"),
    )

    @routes.get("/status")
    async def status(_: Reader) -> dict[str, Any]:
        """Counts of this service: documents, outbox, inbox, letters, lag, and its own facts."""
        return await status_of(runtime, facts)

    @routes.get("/dlq", responses=responses("invalid_cursor"))
    async def listing(
        _: Reader,
        cursor: Annotated[str | None, Query(max_length=1024)] = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> dict[str, Any]:
        """Open dead letters, oldest first."""
        after = cursors.decode("dlq", cursor, (str, str)) if cursor else None
        letters, more = await runtime.letters.listed(after, limit)
        return {
            "items": [letter.summary() for letter in letters],
            "next": cursors.encode("dlq", more) if more else None,
        }

    @routes.get("/dlq/{letter_id}", responses=responses("not_found"))
    async def show(_: Reader, letter_id: LetterId) -> dict[str, Any]:
        """One letter: its envelope and size. The payload is not shown: it may be confidential."""
        letter = await runtime.letters.get(letter_id)
        if letter is None:
            raise Problem("not_found")
        return {**letter.summary(), "envelope": _envelope(letter), "bytes": len(letter.event.value)}

    @routes.post("/dlq/{letter_id}/replay", responses=responses("not_found", "conflict"))
    async def replay(_: Operator, letter_id: LetterId) -> dict[str, Any]:
        """Run the service's handler on a letter again."""
        try:
            return {"closed": await runtime.desk.replay(letter_id)}
        except NoSuchLetter:
            raise Problem("not_found") from None
        except NotItsTurn:
            raise _not_its_turn() from None

    @routes.post("/dlq/{letter_id}/skip", responses=responses("not_found", "conflict"))
    async def skip(
        operator: Operator, letter_id: LetterId, body: Annotated[Skip, Body()]
    ) -> dict[str, Any]:
        """Give a letter up: its event counts as done without effect, and the case goes on."""
        try:
            await runtime.desk.skip(letter_id, reason=body.reason, by=operator.key_id)
        except NoSuchLetter:
            raise Problem("not_found") from None
        except NotItsTurn:
            raise _not_its_turn() from None
        return {"closed": True}

    @routes.post("/replay")
    async def replay_case(_: Operator, body: Annotated[ReplayCase, Body()]) -> dict[str, Any]:
        """Replay the letters of one case in order."""
        return {"closed": await runtime.desk.replay_case(body.case_id)}

    @routes.get("/story/{case_id}", responses=responses("not_found"))
    async def story(_: Reader, case_id: CaseId) -> dict[str, Any]:
        """What this service told about a case, what it waits for, and its open letters."""
        document = await runtime.store.get(runtime.spec.collections[0], case_id)
        letters = await runtime.letters.of_case(case_id)
        if document is None and not letters:
            raise Problem("not_found")
        events = []
        after = 0
        while page := await runtime.store.events(runtime.spec.collections[0], case_id, after):
            events += [{"seq": stored.seq, **_told(stored.raw)} for stored in page]
            after = page[-1].seq
        inbox = document.inbox if document is not None else {}
        return {
            "service": name,
            "events": events,
            "inbox": {stream: state.next for stream, state in inbox.items()},
            "waiting": {stream: sorted(state.waiting) for stream, state in inbox.items()},
            "published_seq": document.published_seq if document is not None else 0,
            "letters": [letter.summary() for letter in letters],
        }

    _add_re_emission(routes, runtime)
    return routes


def _add_re_emission(routes: APIRouter, runtime: Runtime) -> None:
    @routes.post("/re-emit", responses=responses("invalid_cursor"))
    async def re_emit(operator: Operator, body: Annotated[ReEmit, Body()]) -> dict[str, Any]:
        """Publish again what the next documents told, in order of their ids: after a lost log."""
        after = cursors.decode("re-emit", body.cursor, (str,))[0] if body.cursor else ""
        cases = runtime.spec.collections[0]
        ids = await runtime.store.ids(cases, after=str(after), limit=body.limit)
        events = await runtime.relay.re_emit(ids)
        log.warning("log.re_emitted", documents=len(ids), events=events, by=operator.key_id)
        more = len(ids) == body.limit
        return {
            "documents": len(ids),
            "events": events,
            "next": cursors.encode("re-emit", (ids[-1],)) if more else None,
        }


async def status_of(runtime: Runtime, facts: Facts | None) -> dict[str, Any]:
    """Return the counts of one service, as `/<service>/ops/status` gives them."""
    cases = runtime.spec.collections[0]
    topics = [topic.name for topic in topics_of(*streams_for(runtime.spec.name))]
    kinds = await runtime.letters.counts()
    return {
        "service": runtime.spec.name,
        "documents": await runtime.store.total(cases),
        "pending": await runtime.store.pending_count(cases),
        "held": await runtime.store.held_count(cases),
        "in_flight": runtime.consumer.in_flight,
        "lag": await runtime.bus.lag(runtime.consumer.group, topics),
        "dead_letters": kinds,
        "facts": dict(await facts()) if facts is not None else {},
    }


def _not_its_turn() -> Problem:
    return Problem("conflict", "An earlier event of this case must be replayed or skipped first.")


def _envelope(letter: Letter) -> Mapping[str, str]:
    return letter.event.attributes()


def _told(raw: Raw) -> dict[str, Any]:
    found = raw.attributes()
    return {
        "id": found["id"],
        "topic": found["type"].removeprefix("id.aduan.").removesuffix(".v1"),
        "time": found["time"],
        "causation_id": found.get("causationid"),
        "data": from_json(raw.value),
    }
