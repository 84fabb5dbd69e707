"""Looks at the instance for the picture: the report of `aduan status`, and every case's clocks."""

import asyncio
from typing import Any, Final

import httpx

from aduan_standalone.cli import status
from aduan_standalone.cli.instance import SERVICES, Instance

PAGE: Final = 500


class Observer:
    """Asks over HTTP with the operator's token; what does not answer is not seen this time."""

    def __init__(self, client: httpx.AsyncClient, target: Instance) -> None:
        self._client = client
        self._target = target
        self._headers = {"Authorization": f"Bearer {target.token}"}

    async def report(self) -> dict[str, Any] | None:
        """Return the numbers of the whole instance, None where a service gave no answer."""
        found = await asyncio.gather(*(self._get(name, f"/{name}/ops/status") for name in SERVICES))
        if any(one is None for one in found):
            return None
        return status.combine(dict(zip(SERVICES, found, strict=True)))

    async def clocks(self) -> list[dict[str, Any]] | None:
        """Return the clocks of all cases as `GET /v1/clocks` lists them, None without an answer."""
        items: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            query: dict[str, Any] = {"limit": PAGE} | ({"cursor": cursor} if cursor else {})
            page = await self._get("sla", "/v1/clocks", query)
            if page is None:
                return None
            items += page["items"]
            cursor = page["next"]
            if cursor is None:
                return items

    async def _get(self, service: str, path: str, query: dict[str, Any] | None = None) -> Any:
        try:
            answer = await self._client.get(
                self._target.url_of(service) + path, params=query, headers=self._headers
            )
        except httpx.TransportError:
            return None
        return answer.json() if answer.is_success else None
