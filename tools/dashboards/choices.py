"""What a reader chooses above the panels: the city, its office, or a service."""

from typing import Final

from tools.dashboards.board import Variable

TENANT: Final = Variable("tenant", "City", "label_values(aduan_sla_unverified, tenant)")
OPD: Final = Variable(
    "opd",
    "OPD",
    'label_values(aduan_statistics_backlog{tenant=~"$tenant", dimension="opd"}, value)',
)
SERVICE: Final = Variable("service", "Service", "label_values(aduan_pipeline_pending, service)")
