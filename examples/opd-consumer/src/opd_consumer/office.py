"""Aduan over HTTP, with the key of the office."""

from collections.abc import AsyncIterator
from typing import Any, Final

import httpx

LATER: Final = (408, 425, 429)


class NotNow(Exception):
    """Aduan is away or busy: the same call, later."""


class MovedOn(Exception):
    """The case does not allow it now, or is not ours any more: read it, do not insist."""


class Rejected(Exception):
    """Aduan does not take what was sent; the text says why. Sent again it is rejected again."""


class NoAccess(Exception):
    """The office's key is not valid, or may not do this."""


class Office:
    """What an office does. Every call raises NotNow, NoAccess, MovedOn or Rejected."""

    def __init__(self, url: str, key: str) -> None:
        self._http = httpx.AsyncClient(
            base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=30
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def cases(self) -> AsyncIterator[dict[str, Any]]:
        """Yield every case of the office, over all pages."""
        cursor: str | None = None
        while True:
            params = {"limit": "500"} | ({"cursor": cursor} if cursor else {})
            page = (await self._call("GET", "/v1/cases", params=params)).json()
            for case in page["items"]:
                yield case
            cursor = page["next"]
            if cursor is None:
                return

    async def case(self, id: str) -> dict[str, Any]:
        """Read one case as it is now."""
        found: dict[str, Any] = (await self._call("GET", f"/v1/cases/{id}")).json()
        return found

    async def act(self, id: str, action: str, body: dict[str, Any], key: str) -> dict[str, Any]:
        """Give a command. key: the same key and the same words are answered like the first time."""
        answer = await self._call(
            "POST", f"/v1/cases/{id}/{action}", json=body, headers={"Idempotency-Key": key}
        )
        found: dict[str, Any] = answer.json()
        return found

    async def evidence(self, id: str, name: str, photo: bytes, key: str) -> str:
        """Store a picture of the work; return its id."""
        answer = await self._call(
            "POST",
            "/v1/evidence",
            data={"case": id},
            files={"file": (name, photo)},
            headers={"Idempotency-Key": key},
        )
        return str(answer.json()["id"])

    async def _call(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            answer = await self._http.request(method, path, **options)
        except httpx.TransportError as error:
            raise NotNow(type(error).__name__) from error
        if answer.status_code >= 500 or answer.status_code in LATER:
            raise NotNow(f"HTTP {answer.status_code}")
        if answer.status_code in (404, 409):
            raise MovedOn(f"HTTP {answer.status_code}")
        if answer.status_code in (401, 403):
            raise NoAccess(_words(answer))
        if not answer.is_success:
            raise Rejected(_words(answer))
        return answer


def _words(answer: httpx.Response) -> str:
    problem = answer.json() if "json" in answer.headers.get("content-type", "") else {}
    fields = [f"{each['field']} {each['message']}" for each in problem.get("errors", ())]
    return "; ".join([f"HTTP {answer.status_code} {problem.get('title', '')}".strip(), *fields])
