"""The canary's HTTP side: one POST as a portal, and GETs as any reader."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import httpx

from aduan.errors import AduanError

CASES: Final = "/v1/cases/{ticket}"


class Unanswered(AduanError):
    """A service gave no answer that decides anything. The text says which kind, nothing else."""


class Services(Protocol):
    """What a canary needs of the five services."""

    async def post(self, report: Mapping[str, str]) -> str:
        """Post a complaint; return its ticket. Raises Unanswered."""
        ...

    async def get(self, service: str, path: str, *, keyed: bool) -> Mapping[str, Any] | None:
        """Return what a service answers; None where it knows no such thing. Raises Unanswered."""
        ...


@dataclass(frozen=True, slots=True)
class OverHttp:
    """Services over the network. urls: by service, without a slash at the end.

    portal_key: scope complaints:write, of a portal of tenant 00.00. read_key: what `keys.py` says.
    """

    client: httpx.AsyncClient
    urls: Mapping[str, str]
    portal_key: str
    read_key: str

    async def post(self, report: Mapping[str, str]) -> str:
        """See Services."""
        url = f"{self.urls['intake']}/v1/complaints"
        answer = await self._send("POST", url, key=self.portal_key, json=dict(report))
        if answer.status_code != 201:
            raise Unanswered(f"HTTP {answer.status_code}")
        return str(_object(answer)["ticket"])

    async def get(self, service: str, path: str, *, keyed: bool) -> Mapping[str, Any] | None:
        """See Services."""
        url = f"{self.urls[service]}{path}"
        answer = await self._send("GET", url, key=self.read_key if keyed else None)
        if answer.status_code == 404:
            return None
        if answer.status_code != 200:
            raise Unanswered(f"HTTP {answer.status_code}")
        return _object(answer)

    async def _send(self, method: str, url: str, *, key: str | None, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {key}"} if key is not None else {}
        try:
            return await self.client.request(method, url, headers=headers, **more)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unanswered(type(error).__name__) from None


def _object(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        raise Unanswered("no JSON") from None
    if not isinstance(found, dict):
        raise Unanswered("no JSON object")
    return found
