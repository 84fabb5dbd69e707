"""Asks intake how a reporter is reached, when a letter is sent; nothing of the answer is kept."""

from typing import Final

import httpx
from pydantic import ValidationError
from tenacity import (
    AsyncRetrying,
    RetryError,
    retry_if_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)

from aduan.contracts.values import View
from aduan.observability.spans import calling
from aduan_notify.ports import ContactsAway

PURPOSE: Final = "notification"
TRIES: Final = 3
ROUTE: Final = "/internal/v1/contacts/{complaint_id}"


EMAIL: Final = "email"


class _Channel(View):
    kind: str
    address: str


class _Contact(View):
    """The ways to reach a reporter, preferred first."""

    channels: tuple[_Channel, ...] = ()


class IntakeContacts:
    """GET /internal/v1/contacts/{complaint_id}?purpose=... with this service's own token."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        """client: knows intake's address, the token and the time-outs."""
        self._client = client

    async def email_of(self, complaint_id: str) -> str | None:
        """See Contacts. A connection that breaks is tried again at once, a few times."""
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(httpx.TransportError),
            stop=stop_after_attempt(TRIES),
            wait=wait_random_exponential(multiplier=0.05, max=1),
        )
        try:
            return await retrying(self._ask, complaint_id)
        except RetryError:
            raise ContactsAway("intake cannot be reached") from None

    async def _ask(self, complaint_id: str) -> str | None:
        with calling("GET", "intake", service="notify", route=ROUTE) as told:
            answer = await self._client.get(
                ROUTE.format(complaint_id=complaint_id),
                params={"purpose": PURPOSE},
                headers=told.headers,
            )
            told.status = answer.status_code
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        if answer.status_code != httpx.codes.OK:
            raise ContactsAway(f"intake answered {answer.status_code}")
        try:
            found = _Contact.model_validate_json(answer.content)
        except ValidationError:
            # Not the error's own words: they would quote the contact.
            raise ContactsAway("intake's answer cannot be read") from None
        return next((one.address for one in found.channels if one.kind == EMAIL), None)
