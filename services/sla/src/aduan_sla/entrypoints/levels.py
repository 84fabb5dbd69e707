"""What sla's gauges say of its store: clocks, unverified cases, debts. Counts by index, no scan."""

from collections import Counter
from datetime import datetime

from aduan.clock import Clock, parse_iso
from aduan.contracts.values import counted
from aduan.storage.groups import counted_by
from aduan.storage.port import Store
from aduan_sla.domain.calendar import wib_date
from aduan_sla.domain.case import CASES, NO_CLOCK, OPEN_CLOCK
from aduan_sla.domain.policy import CLOCK_NAMES, Rulebook
from aduan_sla.handlers import Rulebooks
from aduan_sla.metrics import STATES, Metrics

_STATE = dict(zip(OPEN_CLOCK.values(), STATES, strict=True))


class OwnLevels:
    """Reads them when somebody looks (aduan.levels). The same in every replica; no canaries."""

    def __init__(self, *, store: Store, clock: Clock, books: Rulebooks, metrics: Metrics) -> None:
        self._store = store
        self._clock = clock
        self._books = books
        self._metrics = metrics

    async def read(self) -> None:
        """Bring every gauge up to date. Raises Busy."""
        now = self._clock.now()
        for tenant in counted(self._books):
            rules = self._books[tenant]
            await self._clocks(tenant)
            await self._unverified(tenant, rules, now)
            await self._debts(tenant, now)

    async def _clocks(self, tenant: str) -> None:
        found: Counter[tuple[str, str]] = Counter()
        for letters, cases in (
            await counted_by(self._store, CASES, "open_clocks", (tenant,))
        ).items():
            for name, letter in zip(CLOCK_NAMES, str(letters), strict=False):
                if letter != NO_CLOCK:
                    found[name, _STATE[letter]] += cases
        for name in CLOCK_NAMES:
            for state in STATES:
                self._metrics.clocks.set(found[name, state], tenant=tenant, clock=name, state=state)

    async def _unverified(self, tenant: str, rules: Rulebook, now: datetime) -> None:
        count = await self._store.count(CASES, "unverified", equal=(tenant,))
        self._metrics.unverified.set(count, tenant=tenant)
        oldest = await self._store.find(CASES, "unverified", equal=(tenant,), limit=1)
        hours = 0.0
        for document in oldest.documents:
            if document.body is not None:
                since = parse_iso(document.body["received_at"])
                calendar = rules.calendar
                hours = calendar.hours.within(since, now, calendar.known_at(now))
        self._metrics.unverified_hours.set(hours, tenant=tenant)

    async def _debts(self, tenant: str, now: datetime) -> None:
        today = wib_date(now).isoformat()
        owed, overdue = Counter[str](), Counter[str]()
        for code, cases in (await counted_by(self._store, CASES, "debts", (tenant,))).items():
            office = self._metrics.office(tenant, str(code))
            owed[office] += cases
            overdue[office] += await self._store.count(
                CASES, "debts", equal=(tenant, code), high=today
            )
        for office in self._metrics.offices[tenant]:
            self._metrics.debts.set(owed[office], tenant=tenant, opd=office)
            self._metrics.debts_overdue.set(overdue[office], tenant=tenant, opd=office)
