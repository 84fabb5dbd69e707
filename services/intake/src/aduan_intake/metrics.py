"""Every series that intake exports; a test compares it with the dashboards and the alerts."""

from prometheus_client import CollectorRegistry

from aduan.observability.metrics import Tally

KINDS = ("reply", "supplement", "rating", "objection", "withdrawal")
MASKED = ("nik", "phone", "email", "name")


class Metrics:
    """The closed list. One object per process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        # Counter: POSTs of complaints, by outcome.
        self.received = Tally(
            "aduan_intake_received",
            "Complaints posted.",
            registry,
            {"outcome": ("created", "replayed", "refused")},
            act="refused rising: a portal sends what contradicts an earlier request. created at "
            "zero in office hours: no portal reaches us.",
        )
        # Counter: what reporters said afterwards, by kind.
        self.replies = Tally(
            "aduan_intake_replies",
            "Replies taken.",
            registry,
            {"kind": KINDS},
            act="objection rising: answers do not satisfy; look at the units concerned.",
        )
        # Counter: numbers, addresses and names masked in texts.
        self.masked = Tally(
            "aduan_intake_masked",
            "Masked in texts.",
            registry,
            {"kind": MASKED},
            act="Rising: a form invites people to write personal data into the text.",
        )
        # Counter: identities opened, by purpose. Each one also leaves an audit line.
        self.opened = Tally(
            "aduan_intake_identities_opened",
            "Identities opened.",
            registry,
            {"purpose": ("notification",)},
            act="More than letters sent: read the audit lines.",
        )
        # Counter: photos of a form that were not kept although its complaint was.
        self.photos_lost = Tally(
            "aduan_intake_photos_lost",
            "Photos not kept.",
            registry,
            act="The store refused them after it took the complaint; reporters were told to add them.",
        )
