"""One HTTP call to a partner, with its outcome in three words: down, unsure, refused.

What matters is whether something may have been stored there; everything doubtful counts as stored.
"""

import asyncio
from typing import Any, Final, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from aduan.observability.spans import calling
from aduan_sync_laporgub.domain.systems import MirrorSystem
from aduan_sync_laporgub.ports import PartnerDown, PartnerRefused, PartnerUnsure, RefusalCode

M = TypeVar("M", bound=BaseModel)

BODY_LIMIT: Final = 8 * 1024 * 1024
_NOTHING_STORED: Final = frozenset({401, 403, 429})
_GONE: Final = frozenset({404, 410})
_FIELDS: Final[dict[str, RefusalCode]] = {
    "pelapor": "identity_required",
    "jenis": "confidential_refused",
    "is_secret": "confidential_refused",
}


def client(
    base: str, headers: dict[str, str], transport: httpx.AsyncBaseTransport | None
) -> httpx.AsyncClient:
    """Return a client that follows no redirect and uses no proxy of the environment."""
    return httpx.AsyncClient(
        base_url=base.rstrip("/") + "/",
        headers=headers,
        transport=transport,
        timeout=httpx.Timeout(None, connect=3.0, pool=3.0),
        limits=httpx.Limits(max_connections=16, max_keepalive_connections=8),
        trust_env=False,
    )


async def call(
    http: httpx.AsyncClient,
    method: str,
    path: str,
    *,
    peer: MirrorSystem,
    timeout_seconds: float,
    **options: Any,
) -> httpx.Response:
    """Make one call and return its 2xx answer.

    peer: whose system it is. timeout_seconds: for the whole call, from connecting to the last byte.
    Raises PartnerDown, PartnerUnsure, PartnerRefused.
    """
    try:
        with calling(method, peer, service="sync-laporgub") as told:
            async with asyncio.timeout(timeout_seconds):
                answer = await http.request(method, path, **options)
            told.status = answer.status_code
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        raise PartnerDown("no connection") from error
    except (httpx.HTTPError, TimeoutError) as error:
        raise PartnerUnsure(type(error).__name__) from error
    if answer.is_success:
        if len(answer.content) > BODY_LIMIT:
            raise PartnerUnsure("an answer too large to be true")
        return answer
    if answer.status_code in _NOTHING_STORED:
        raise PartnerDown(f"status {answer.status_code}")
    if answer.status_code in _GONE:
        raise PartnerRefused("remote_gone")
    if answer.is_client_error:
        raise PartnerRefused(_refusal(answer))
    raise PartnerUnsure(f"status {answer.status_code}")


def understood(answer: httpx.Response, model: type[M]) -> M:
    """Read an answer through a model. Raises PartnerUnsure: it may be stored all the same."""
    try:
        return model.model_validate_json(answer.content)
    except ValidationError as error:
        raise PartnerUnsure("an answer in an unknown shape") from error


def _refusal(answer: httpx.Response) -> RefusalCode:
    try:
        errors = answer.json().get("errors")
    except (ValueError, AttributeError):
        return "invalid"
    if not isinstance(errors, dict):
        return "invalid"
    return next((code for name, code in _FIELDS.items() if name in errors), "invalid")
