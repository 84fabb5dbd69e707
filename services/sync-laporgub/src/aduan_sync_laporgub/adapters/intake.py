"""Intake over HTTP: its public API with a portal's key, and its door for confidential content."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import httpx
from pydantic import BaseModel, ValidationError

from aduan.observability.spans import calling
from aduan_sync_laporgub.adapters.calls import client
from aduan_sync_laporgub.domain.remote import Rejected
from aduan_sync_laporgub.ports import ContentGone, IntakeAway

_FINAL: Final = frozenset({400, 409, 413, 422})
_CONTENT: Final = "/internal/v1/complaints/"


class _Field(BaseModel):
    field: str = ""


class _Problem(BaseModel):
    code: str = "invalid"
    errors: list[_Field] = []


class _Content(BaseModel):
    text: str


class IntakeOverHttp:
    """See ports.Intake."""

    def __init__(
        self,
        base: str,
        portal_key: str,
        content_key: str | None,
        *,
        timeout_seconds: float,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._http = client(base, {}, transport)
        self._portal_key = portal_key
        self._content_key = content_key
        self._timeout = timeout_seconds

    async def hand_in(self, report: Mapping[str, Any]) -> Rejected | None:
        """See ports.Intake."""
        answer = await self._call(
            "POST", "v1/complaints", self._portal_key, "/v1/complaints", json=dict(report)
        )
        if answer.is_success:
            return None
        if answer.status_code not in _FINAL:
            raise IntakeAway(f"status {answer.status_code}")
        try:
            problem = _Problem.model_validate_json(answer.content)
        except ValidationError:
            problem = _Problem()
        if problem.code == "external_id_taken":
            return None  # it came in before, by a row that was changed there since
        if problem.code == "idempotency_in_progress":
            raise IntakeAway("the first try is still running")
        return Rejected(problem.code, tuple(entry.field for entry in problem.errors))

    async def content(self, content_ref: str) -> str:
        """See ports.Intake. Only references into intake's own door are followed."""
        if not content_ref.startswith(_CONTENT) or self._content_key is None:
            raise ContentGone("not a reference that we may claim")
        answer = await self._call(
            "GET",
            content_ref.lstrip("/"),
            self._content_key,
            f"{_CONTENT}{{complaint_id}}/content",
            params={"purpose": "partner"},
        )
        if answer.status_code in {404, 410}:
            raise ContentGone("no content behind the reference")
        if not answer.is_success:
            raise IntakeAway(f"status {answer.status_code}")
        try:
            return _Content.model_validate_json(answer.content).text
        except ValidationError:
            raise IntakeAway("an answer in an unknown shape") from None

    async def close(self) -> None:
        """See ports.Intake."""
        await self._http.aclose()

    async def _call(
        self, method: str, path: str, key: str, route: str, **options: Any
    ) -> httpx.Response:
        try:
            with calling(method, "intake", service="sync-laporgub", route=route) as told:
                headers = {"Authorization": f"Bearer {key}", **told.headers}
                async with asyncio.timeout(self._timeout):
                    answer = await self._http.request(method, path, headers=headers, **options)
                told.status = answer.status_code
                return answer
        except (httpx.HTTPError, TimeoutError) as error:
            raise IntakeAway(type(error).__name__) from error
