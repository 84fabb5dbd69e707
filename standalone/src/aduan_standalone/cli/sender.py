"""Posting one complaint until it is answered: back-off on 429, 5xx and lost connections.

Repeating is safe: every body carries an external_id; intake answers a repeat with the same ticket.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    RetryError,
    retry_if_exception_type,
    stop_after_delay,
    wait_random_exponential,
)

from aduan_standalone.cli.api import words_of
from aduan_standalone.cli.refusal import FAILED, Refusal

BUSY: Final = frozenset({429, 502, 503, 504})
LONGEST_WAIT_SECONDS: Final = 30.0
_backoff = wait_random_exponential(multiplier=0.1, max=5)


@dataclass(frozen=True, slots=True)
class Answered:
    """What intake said about one complaint. ticket: None where it was refused, words say why.

    replayed: it was known already.
    """

    status: int
    ticket: str | None
    replayed: bool
    words: str = ""
    body: Mapping[str, Any] | None = None


class _TryAgain(Exception):
    """The service is busy or away. seconds: what Retry-After asked for."""

    def __init__(self, words: str, seconds: float | None = None) -> None:
        super().__init__(words)
        self.seconds = seconds


class Sender:
    """Posts complaints of one portal."""

    def __init__(
        self, client: httpx.AsyncClient, url: str, key: str, *, patience_seconds: float
    ) -> None:
        """url: base address of intake. patience_seconds: how long one complaint is retried."""
        self._client = client
        self._url = url
        self._headers = {"Authorization": f"Bearer {key}"}
        self._patience = patience_seconds
        self.retries = 0

    async def send(self, body: Mapping[str, Any]) -> Answered:
        """Return the final answer. Raises Refusal when patience ends or the key is not accepted."""
        tries = AsyncRetrying(
            retry=retry_if_exception_type(_TryAgain),
            wait=_wait,
            stop=stop_after_delay(self._patience),
            before_sleep=self._count,
        )
        try:
            return await tries(self._once, body)
        except RetryError as error:
            reason = error.last_attempt.exception()
            raise Refusal(
                f"{self._url} did not take complaints for {self._patience:.0f} s ({reason}); "
                "run the same command again to go on.",
                code=FAILED,
            ) from None

    def _count(self, _: RetryCallState) -> None:
        self.retries += 1

    async def _once(self, body: Mapping[str, Any]) -> Answered:
        try:
            answer = await self._client.post(
                f"{self._url}/v1/complaints", json=body, headers=self._headers
            )
        except httpx.TransportError as error:
            raise _TryAgain(type(error).__name__) from None
        if answer.status_code in BUSY:
            raise _TryAgain(f"HTTP {answer.status_code}", _seconds(answer))
        if answer.status_code in {401, 403}:
            raise Refusal(f"intake does not accept the feeder's key: {words_of(answer)}")
        if answer.is_success:
            found = answer.json()
            replayed = answer.headers.get("Idempotent-Replayed") == "true"
            return Answered(answer.status_code, str(found["ticket"]), replayed, body=found)
        if answer.status_code >= 500:
            raise _TryAgain(f"HTTP {answer.status_code}")
        return Answered(answer.status_code, None, replayed=False, words=words_of(answer))


def _seconds(answer: httpx.Response) -> float | None:
    given = answer.headers.get("Retry-After", "")
    return float(given) if given.isdecimal() else None


def _wait(state: RetryCallState) -> float:
    """Wait as Retry-After says (at most 30 s), else a random, growing while."""
    failure = state.outcome.exception() if state.outcome is not None else None
    if isinstance(failure, _TryAgain) and failure.seconds is not None:
        return min(failure.seconds, LONGEST_WAIT_SECONDS)
    return float(_backoff(state))
