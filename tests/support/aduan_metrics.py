"""Scrapes `/metrics` as Prometheus would, and breaks what stands behind it."""

from typing import Any, cast

import httpx
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from aduan.clock import Clock
from aduan.errors import Busy
from aduan.levels import Levels
from aduan.messaging.port import Bus
from aduan.observability.metrics import Series
from aduan.observability.process import HostMetrics
from aduan.service import Service
from aduan.storage.port import Store
from aduan.web.app import App
from aduan_standalone.series import DATA


class Scrape:
    """One answer of `/metrics`."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.families = {family.name: family for family in text_string_to_metric_families(text)}

    def __call__(self, name: str, **labels: str) -> float | None:
        """Return the value of the one series that has these labels; None where there is none."""
        found = [
            sample.value
            for family in self.families.values()
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        ]
        assert len(found) < 2, f"{name}: {len(found)} series"
        return found[0] if found else None

    def kinds(self) -> dict[str, str]:
        """Return name -> kind of every family."""
        return {name: family.type for name, family in self.families.items()}

    def labels(self) -> dict[str, set[str]]:
        """Return label -> every value that it has anywhere."""
        found: dict[str, set[str]] = {}
        for family in self.families.values():
            for sample in family.samples:
                for name, value in sample.labels.items():
                    found.setdefault(name, set()).add(value)
        return found


class Hosted:
    """A built service with what its host puts around it, reached without a socket."""

    def __init__(
        self,
        service: Service,
        registry: CollectorRegistry,
        clock: Clock,
        *,
        patience: float = 5.0,
    ) -> None:
        assert isinstance(service.app, App)
        self.host = HostMetrics(registry, service.name, (service.name,), version="0")
        self.levels = Levels(self.host, {service.name: service}, clock, patience=patience)
        service.app.before_metrics = self.levels.refresh
        self._http = httpx.AsyncClient(
            transport=httpx.ASGITransport(service.app), base_url="http://aduan.test"
        )

    async def scrape(self) -> Scrape:
        """Ask for `/metrics`; it must answer whatever is broken behind it."""
        answer = await self._http.get("/metrics")
        assert answer.status_code == 200
        return Scrape(answer.text)

    async def close(self) -> None:
        """Leave nothing under way."""
        await self.levels.close()
        await self._http.aclose()


class Switch:
    """A store or a log that can be away: every question raises Busy while `away`.

    hang: a question waits for this instead (never set: for ever). asked: how many there were.
    """

    def __init__(self, engine: Any) -> None:
        self._engine = engine
        self.away = False
        self.hang: Any = None
        self.asked = 0

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._engine, name)
        if not callable(found) or name in ("close", "consumer"):
            return found

        async def asked(*arguments: Any, **named: Any) -> Any:
            self.asked += 1
            if self.hang is not None:
                await self.hang.wait()
            if self.away:
                raise Busy("switched off")
            return await found(*arguments, **named)

        return asked


def switched_store(store: Store) -> tuple[Store, Switch]:
    """Return a store and the switch that takes it away."""
    switch = Switch(store)
    return cast("Store", switch), switch


def switched_bus(bus: Bus) -> tuple[Bus, Switch]:
    """Return a log and the switch that takes it away from producers and from who asks for lag."""
    switch = Switch(bus)
    return cast("Bus", switch), switch


def agrees(found: Scrape, declared: tuple[Series, ...]) -> None:
    """Names and kinds are those of the list; so are the labels, and their values where listed."""
    assert {one.family: one.kind for one in declared} == found.kinds()
    for one in declared:
        for sample in found.families[one.family].samples:
            labels = {name: value for name, value in sample.labels.items() if name != "le"}
            assert labels.keys() == one.labels.keys(), sample.name
            for name, value in labels.items():
                assert name in DATA or value in one.labels[name], (sample.name, name)
