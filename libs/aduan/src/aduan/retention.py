"""When the retention of a case ends; see Store.expire for what is dropped then.

Retention is real time, and a complaint's id holds the real moment of its receipt, so every service
reckons the same end from the id alone and none has to be told. So far only canaries end: a day old
(ADR 10).
"""

from datetime import timedelta
from typing import Final

from aduan.clock import iso
from aduan.contracts.values import CANARY_TENANT
from aduan.ids import made_at
from aduan.storage.port import Index

CANARY_KEPT: Final = timedelta(days=1)
EXPIRES: Final = Index("expires", ("partition", "expires_at"))
"""Of every case collection; its column is `expires_at` of the body, which a kept case lacks."""


def expires_at(tenant: str, case_id: str) -> str | None:
    """Return the real time from which a case need not be kept, as `iso` writes it; None: for ever.

    Raises ValueError for a canary whose id no intake has made.
    """
    return iso(made_at(case_id) + CANARY_KEPT) if tenant == CANARY_TENANT else None


def marks(tenant: str, case_id: str) -> dict[str, str]:
    """Return what a new body holds about its end: `expires_at`, or nothing where it is kept."""
    end = expires_at(tenant, case_id)
    return {} if end is None else {"expires_at": end}
