"""All dashboards, in the order in which somebody on duty opens them."""

from typing import Final

from tools.dashboards.board import Board
from tools.dashboards.bridge import BRIDGE
from tools.dashboards.citizens import CITIZENS
from tools.dashboards.notifications import NOTIFICATIONS
from tools.dashboards.pipeline import PIPELINE
from tools.dashboards.services import SERVICES
from tools.dashboards.sla_opd import SLA_OPD

BOARDS: Final[tuple[Board, ...]] = (CITIZENS, PIPELINE, SLA_OPD, BRIDGE, NOTIFICATIONS, SERVICES)
