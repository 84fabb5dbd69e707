"""Calls an app in process, without a socket, as a client on the network would."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from starlette.types import ASGIApp


@asynccontextmanager
async def client_of(app: ASGIApp, **headers: str) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client whose calls reach `app`; exceptions come out as answers, not as errors."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://aduan.test", headers=headers
    ) as client:
        yield client


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    """Give a body without a declared length."""
    for part in parts:
        yield part
