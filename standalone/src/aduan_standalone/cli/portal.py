"""The key with which the feeder posts: that of the portal `feed`, made by the operator's token."""

from datetime import timedelta
from typing import Any, Final

import httpx
from tenacity import (
    AsyncRetrying,
    RetryError,
    retry_if_exception_type,
    stop_after_delay,
    wait_random_exponential,
)

from aduan.clock import SystemClock, iso
from aduan_standalone.cli.api import words_of
from aduan_standalone.cli.instance import Instance
from aduan_standalone.cli.refusal import FAILED, Refusal

PORTAL: Final = "feed"
KEY_LASTS: Final = timedelta(days=7)  # longer than any feed; keys of past feeds die by themselves


class _Away(Exception):
    """Intake does not answer, or says that it is busy."""


async def mint(client: httpx.AsyncClient, target: Instance, *, patience_seconds: float) -> str:
    """Return a fresh key of the portal `feed`, which is made where it does not exist yet.

    Raises Refusal when the operator's token is not accepted, or intake stays away.
    """
    tries = AsyncRetrying(
        retry=retry_if_exception_type(_Away),
        wait=wait_random_exponential(multiplier=0.1, max=5),
        stop=stop_after_delay(patience_seconds),
    )
    try:
        return await tries(_mint, client, target)
    except RetryError as error:
        reason = error.last_attempt.exception()
        raise Refusal(
            f"{target.url_of('intake')} does not answer ({reason}).", code=FAILED
        ) from None


async def _mint(client: httpx.AsyncClient, target: Instance) -> str:
    until = iso(SystemClock().wall() + KEY_LASTS)
    wanted = {"code": PORTAL, "name": "aduan feed", "expires_at": until}
    made = await _post(client, target, "/v1/portals", wanted)
    if made.status_code == 409:
        made = await _post(client, target, f"/v1/portals/{PORTAL}/keys", {"expires_at": until})
    if not made.is_success:
        raise Refusal(f"The portal key for feeding was refused: {words_of(made)}")
    return str(made.json()["key"])


async def _post(
    client: httpx.AsyncClient, target: Instance, path: str, body: dict[str, Any]
) -> httpx.Response:
    try:
        answer = await client.post(
            target.url_of("intake") + path,
            json=body,
            headers={"Authorization": f"Bearer {target.token}"},
        )
    except httpx.TransportError as error:
        raise _Away(type(error).__name__) from None
    if answer.status_code >= 500:
        raise _Away(f"HTTP {answer.status_code}")
    return answer
