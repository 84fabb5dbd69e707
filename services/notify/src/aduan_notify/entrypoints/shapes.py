"""The bodies of notify's HTTP side."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from aduan.contracts.values import Audience, Moment
from aduan.storage.port import Body
from aduan.web.problems import wrong
from aduan_notify.domain.address import FORM, LIMIT, is_address
from aduan_notify.domain.causes import Cause
from aduan_notify.domain.subscription import OF_A_UNIT, SubscribedAudience

Decision = Literal["pending", "sending", "delivered", "failed", "skipped"]
Kind = Literal["pending", "delivered", "failed", "skipped"]


class Delivery(BaseModel):
    """One decision: who is told of what, by which channel, and what became of it."""

    id: str = Field(description="Also the first part of the Message-ID.")
    cause_id: str = Field(description="Id of the event that caused it.")
    cause: Cause
    audience: Audience
    channel: Literal["email"]
    unit: str | None = Field(description="Office addressed; absent where it is none.")
    decision: Decision
    reason: str = Field(description="Stable code, for every decision.")
    tries: int
    possible_repeat: int = Field(description="Tries made although a copy may exist already.")
    smtp_code: int | None = Field(description="The provider's last answer.")
    to: list[str] = Field(description="Recipients, masked.")
    occurred_at: Moment
    decided_at: Moment


class CaseDeliveries(BaseModel):
    """The ledger of one complaint, oldest cause first."""

    complaint_id: str
    ticket: str
    deliveries: list[Delivery]


class DeliveryPage(BaseModel):
    """Complaints, the one with the latest decision first."""

    items: list[CaseDeliveries]
    next: str | None = Field(description="Cursor of the next page; absent at the end.")


# For whoever reads the document: what the route checks, in the words of JSON Schema.
_UNIT_GOES_WITH_AUDIENCE: Final[dict[str, Any]] = {
    "if": {"properties": {"audience": {"enum": sorted(OF_A_UNIT)}}},
    "then": {"required": ["unit"], "properties": {"unit": {"type": "string"}}},
    "else": {"properties": {"unit": {"type": "null"}}},
}


def _plain(address: str) -> str:
    if not is_address(address):
        raise wrong("must be one plain mail address")
    return address


class NewSubscription(BaseModel):
    """An address that gets the letters of an office, its head, the coordinator or leadership."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_UNIT_GOES_WITH_AUDIENCE)

    audience: SubscribedAudience
    unit: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = Field(
        default=None, description="Code of the office; needed for office and office_head."
    )
    address: Annotated[
        str, StringConstraints(min_length=3, max_length=LIMIT), AfterValidator(_plain)
    ] = Field(
        description="An official mailbox, not a private one.",
        examples=["piket@contoh.test"],
        json_schema_extra={"pattern": f"^{FORM}$"},
    )


class Subscription(BaseModel):
    """A subscribed address."""

    id: str
    audience: SubscribedAudience
    unit: str | None
    address: str
    created_at: Moment


class SubscriptionPage(BaseModel):
    """Subscriptions, oldest first."""

    items: list[Subscription]
    next: str | None


def case_of(id: str, body: Body, kinds: Sequence[str] | None = None) -> CaseDeliveries:
    """Return the ledger of a case. kinds: only rows with one of these decisions."""
    rows = [row for row in body["rows"] if kinds is None or row["decision"] in kinds]
    return CaseDeliveries(
        complaint_id=id, ticket=body["ticket"], deliveries=[delivery_of(row) for row in rows]
    )


def delivery_of(row: Mapping[str, Any]) -> Delivery:
    """Return a row as the API shows it."""
    same = (
        "id",
        "cause_id",
        "cause",
        "audience",
        "channel",
        "unit",
        "decision",
        "reason",
        "tries",
        "to",
        "occurred_at",
        "decided_at",
    )
    return Delivery.model_validate(
        {
            **{name: row[name] for name in same},
            "possible_repeat": row["repeats"],
            "smtp_code": row["code"],
        }
    )


def subscription_of(id: str, body: Body) -> Subscription:
    """Return a subscription as the API shows it."""
    shown = {name: body[name] for name in ("audience", "unit", "address", "created_at")}
    return Subscription.model_validate({"id": id, **shown})
