"""Looks at the instance for the picture: the report of `aduan status`, and every case's clocks."""

import asyncio
from typing import Any, Final

import httpx
from prometheus_client.parser import text_string_to_metric_families

from aduan_standalone.cli import status
from aduan_standalone.cli.instance import SERVICES, Instance

PAGE: Final = 500
CANARY_STEPS: Final = "aduan_canary_steps"


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

    async def canary(self) -> dict[str, tuple[int, int]] | None:
        """Return step -> how many canaries passed it in time, of how many; None without an answer."""
        try:
            answer = await self._client.get(self._target.url_of("intake") + "/metrics")
        except httpx.TransportError:
            return None
        if not answer.is_success:
            return None
        found: dict[str, tuple[int, int]] = {}
        for family in text_string_to_metric_families(answer.text):
            for sample in family.samples if family.name == CANARY_STEPS else ():
                if sample.name == f"{CANARY_STEPS}_total":
                    passed, flown = found.get(sample.labels["step"], (0, 0))
                    ok = int(sample.value) if sample.labels["outcome"] == "ok" else 0
                    found[sample.labels["step"]] = (passed + ok, flown + int(sample.value))
        return found

    async def _get(self, service: str, path: str, query: dict[str, Any] | None = None) -> Any:
        try:
            answer = await self._client.get(
                self._target.url_of(service) + path, params=query, headers=self._headers
            )
        except httpx.TransportError:
            return None
        return answer.json() if answer.is_success else None
