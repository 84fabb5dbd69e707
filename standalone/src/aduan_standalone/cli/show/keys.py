"""The keys of a demo: offices and coordinator get theirs from the operator, as in real life."""

import asyncio
from typing import Any, Final

import httpx

from aduan_simulators.people.town import NotNow
from aduan_standalone.cli.instance import Instance

COORDINATOR_AT: Final = "DISKOMINFO"
GUEST_OFFICE: Final = "DPU"  # whose desk a visitor is invited to look at


class KeyRing:
    """Makes each key once, when it is first needed. See aduan_simulators.people.city.Keys."""

    def __init__(self, client: httpx.AsyncClient, target: Instance) -> None:
        self._client = client
        self._target = target
        self._made: dict[tuple[str, str], str] = {}
        self._one_at_a_time = asyncio.Lock()

    async def office(self, code: str) -> str:
        """Return the key of an office. Raises NotNow."""
        return await self._key(code, "office")

    async def coordinator(self) -> str:
        """Return the coordinator's key. Raises NotNow."""
        return await self._key(COORDINATOR_AT, "coordinator")

    def reader(self) -> str:
        """Return the operator's token, which may look at everything."""
        return self._target.token

    async def _key(self, code: str, role: str) -> str:
        async with self._one_at_a_time:
            if (code, role) not in self._made:
                self._made[code, role] = await self._mint(code, role)
            return self._made[code, role]

    async def _mint(self, code: str, role: str) -> str:
        try:
            answer = await self._client.post(
                f"{self._target.url_of('routing')}/v1/offices/{code}/keys",
                json={"role": role},
                headers={"Authorization": f"Bearer {self._target.token}"},
            )
        except httpx.TransportError as error:
            raise NotNow(f"routing: {type(error).__name__}") from None
        if not answer.is_success:
            raise NotNow(f"no key for {code}: HTTP {answer.status_code}")
        made: dict[str, Any] = answer.json()
        return str(made["key"])


async def hints(target: Instance, ring: KeyRing, portal_key: str) -> list[str]:
    """Return what to open next, with the tokens that sign in at the desk. Raises NotNow."""
    url = target.url_of("routing")
    return [
        f"Open  {url}/        what runs here",
        f"      {url}/lapor   send a complaint of your own, then follow its ticket",
        f"      {url}/meja    an office's desk; sign in with a token:",
        f"        coordinator  {await ring.coordinator()}",
        f"        {GUEST_OFFICE:<11}  {await ring.office(GUEST_OFFICE)}",
        f"      {url}/notify/outbox   every mail that was sent, {url}/metrics   numbers",
        f"      portal key for trying out POST /v1/complaints: {portal_key}",
    ]
