"""Intake over HTTP: only its door for confidential content."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from aduan.observability.spans import calling
from aduan_routing.ports import ContentGone, IntakeAway

_DOOR: Final = "/internal/v1/complaints/"
_ROUTE: Final = "/internal/v1/complaints/{complaint_id}/content"
_GONE: Final = frozenset({404, 410})


class _Content(BaseModel):
    model_config = ConfigDict(extra="ignore")

    text: str
    title: str | None = None
    place_text: str | None = None
    lat: float | None = None
    lng: float | None = None


class IntakeOverHttp:
    """See ports.Intake. timeout_seconds: for a whole call."""

    def __init__(
        self,
        base: str,
        key: str,
        *,
        timeout_seconds: float,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._http = httpx.AsyncClient(
            base_url=base,
            headers={"Authorization": f"Bearer {key}"},
            transport=transport,
            timeout=timeout_seconds,
            follow_redirects=False,
        )
        self._timeout = timeout_seconds

    async def content(self, content_ref: str) -> Mapping[str, Any]:
        """See ports.Intake. Only references into intake's own door are followed."""
        if not content_ref.startswith(_DOOR) or ".." in content_ref:
            raise ContentGone("not a reference into intake's door")
        try:
            with calling("GET", "intake", service="routing", route=_ROUTE) as told:
                async with asyncio.timeout(self._timeout):
                    answer = await self._http.get(
                        content_ref, params={"purpose": "case_handling"}, headers=told.headers
                    )
                told.status = answer.status_code
        except (httpx.HTTPError, TimeoutError) as error:
            raise IntakeAway(type(error).__name__) from error
        if answer.status_code in _GONE:
            raise ContentGone("no content behind the reference")
        if not answer.is_success:
            raise IntakeAway(f"status {answer.status_code}")
        try:
            return _Content.model_validate_json(answer.content).model_dump()
        except ValidationError:
            raise IntakeAway("an answer in an unknown shape") from None

    async def close(self) -> None:
        """See ports.Intake."""
        await self._http.aclose()
