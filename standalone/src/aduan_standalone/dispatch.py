"""One port for five services: which path belongs to whom. The same table an ingress would have."""

from collections.abc import Mapping
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

PATHS: Final[Mapping[str, str]] = {
    "/v1/complaints": "intake",
    "/v1/portals": "intake",
    "/internal/v1": "intake",
    "/lapor": "intake",
    "/lacak": "intake",
    "/intake": "intake",
    "/v1/cases": "routing",
    "/v1/offices": "routing",
    "/v1/evidence": "routing",
    "/meja": "routing",
    "/routing": "routing",
    "/v1/clocks": "sla",
    "/v1/policies": "sla",
    "/sla": "sla",
    "/v1/mirrors": "sync-laporgub",
    "/sync-laporgub": "sync-laporgub",
    "/v1/deliveries": "notify",
    "/v1/subscriptions": "notify",
    "/notify": "notify",
}


class Dispatch:
    """Hands a request to the service that owns its path; what nobody owns is standalone's."""

    def __init__(self, services: Mapping[str, ASGIApp], own: ASGIApp) -> None:
        """services: name -> app, for every name in the table."""
        self._by_path = {path: services[name] for path, name in PATHS.items()}
        self._own = own

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        app = self._own if scope["type"] != "http" else self._owner(scope["path"])
        await app(scope, receive, send)

    def _owner(self, path: str) -> ASGIApp:
        first = path.find("/", 1)
        second = path.find("/", first + 1) if first > 0 else -1
        for end in (second, first, len(path)):
            if end > 0 and (app := self._by_path.get(path[:end])) is not None:
                return app
        return self._by_path.get(path, self._own)
