"""The short way of POST /v1/complaints: bare ASGI between the edge and the framework.

The framework's stack (exception, exit-stack and routing layers, request and response objects) costs
more than taking a complaint. Everything else passes on to it; there the same operation is
documented, and serves whoever calls the app without this layer.
"""

from dataclasses import dataclass
from typing import Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from aduan.errors import Busy
from aduan.web.problems import Problem
from aduan_intake.entrypoints.create import PATH, Creator

RETRY_AFTER_SECONDS: Final = 2


@dataclass(frozen=True, slots=True)
class Operation:
    """Stands in the scope as the route does elsewhere: the metrics know an operation by its path."""

    path: str = PATH


OPERATION: Final = Operation()


class HotPath:
    """The layer itself."""

    def __init__(self, app: ASGIApp, *, create: Creator) -> None:
        self._app = app
        self._create = create

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        scope["route"] = OPERATION
        try:
            body = await read_body(receive)
            status, headers, content = await self._create(Headers(scope=scope), body)
        except Problem as problem:
            await problem.response()(scope, receive, send)
        except Busy:
            again = {"Retry-After": str(RETRY_AFTER_SECONDS)}
            await Problem("unavailable", headers=again).response()(scope, receive, send)
        except HTTPException:  # the edge's: the body is larger than it lets in
            await Problem("content_too_large").response()(scope, receive, send)
        else:
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": content})


async def read_body(receive: Receive) -> bytes:
    """Return the whole body. Raises ClientDisconnect."""
    message = await receive()
    body: bytes = message.get("body", b"")
    while message["type"] == "http.request" and message.get("more_body", False):
        message = await receive()
        body += message.get("body", b"")
    if message["type"] != "http.request":
        raise ClientDisconnect
    return body
