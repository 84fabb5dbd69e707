"""The composition roots of the five services. Importing this is slow: it loads all of them."""

from typing import Any, Final

import aduan_intake.bootstrap
import aduan_notify.bootstrap
import aduan_routing.bootstrap
import aduan_sla.bootstrap
import aduan_sync_laporgub.bootstrap

BOOTSTRAPS: Final[dict[str, Any]] = {
    "intake": aduan_intake.bootstrap,
    "routing": aduan_routing.bootstrap,
    "sla": aduan_sla.bootstrap,
    "sync-laporgub": aduan_sync_laporgub.bootstrap,
    "notify": aduan_notify.bootstrap,
}
