"""All five services in one test as `aduan up` builds them, and a canary that speaks HTTP to them."""

from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import httpx
from aduan_harness import eventually
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.types import ASGIApp

from aduan.clock import Clock
from aduan.contracts.topics import streams_for, topics_of
from aduan.contracts.values import CANARY_TENANT
from aduan.observability.pipeline import SERVICES
from aduan.observability.process import HostMetrics
from aduan.service import Service
from aduan.web.edge import HttpMetrics
from aduan.web.keys import make_key
from aduan_simulators.mailsink import process as mailsink
from aduan_standalone import composition, folder
from aduan_standalone.canary.asking import OverHttp
from aduan_standalone.canary.flight import Flight
from aduan_standalone.canary.keys import new_keys
from aduan_standalone.canary.metrics import Metrics
from aduan_standalone.canary.running import Canaries
from aduan_standalone.dispatch import Dispatch
from aduan_standalone.partners import Partners

ROOT: Final = Path(__file__).parents[2]
CITY: Final = "33.74"
BASE: Final = "http://aduan.test"


@dataclass(frozen=True, slots=True)
class Town:
    """What runs. mail: where the mail provider keeps what it took."""

    services: dict[str, Service]
    client: httpx.AsyncClient
    registry: CollectorRegistry
    clock: Clock
    operator: str
    city_portal: str
    portal_key: str
    read_key: str
    mail: Path
    app: ASGIApp

    def canary(
        self, *, within: float = 20.0, every: float = 60.0, metrics: Metrics | None = None
    ) -> Canaries:
        """Return a canary that knocks at the front door. metrics: of an earlier one, to go on."""
        urls = dict.fromkeys(SERVICES, BASE)
        services = OverHttp(self.client, urls, self.portal_key, self.read_key)
        flight = Flight(services, self.clock, within_seconds=within, look_seconds=0.02)
        return Canaries(flight, self.clock, metrics or Metrics(self.registry), every_seconds=every)

    async def post_of_the_city(self) -> None:
        """Post a complaint of a citizen without a name."""
        answer = await self.client.post(
            f"{BASE}/v1/complaints",
            json={
                "text": "Lampu jalan padam di depan pasar sejak kemarin malam, mohon diperbaiki.",
                "external_id": "1",
                "anonymous": True,
                "confidential": False,
            },
            headers={"Authorization": f"Bearer {self.city_portal}"},
        )
        assert answer.status_code == 201, answer.text

    async def get(self, path: str) -> Any:
        """Return what the city's operator sees."""
        answer = await self.client.get(
            BASE + path, headers={"Authorization": f"Bearer {self.operator}"}
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def read(self, path: str) -> Any:
        """Return what the canary's reader sees."""
        answer = await self.client.get(
            BASE + path, headers={"Authorization": f"Bearer {self.read_key}"}
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def facts(self) -> dict[str, Any]:
        """Return each service's own numbers, as its status tells them."""
        return {name: (await self.get(f"/{name}/ops/status"))["facts"] for name in SERVICES}

    async def documents(self) -> dict[str, int]:
        """Return how many cases each service keeps of the canary's tenant."""
        found = {}
        for name, service in self.services.items():
            cases = service.runtime.spec.collections[0]
            partitions = range(24)
            found[name] = sum(
                [
                    await service.runtime.store.count(cases, "expires", equal=(number,))
                    for number in partitions
                ]
            )
        return found

    async def settled(self) -> None:
        """Wait until every event is published, consumed and committed."""

        async def quiet() -> bool:
            for service in self.services.values():
                runtime = service.runtime
                topics = [topic.name for topic in topics_of(*streams_for(service.name))]
                if (
                    await runtime.store.pending_count(runtime.spec.collections[0])
                    or runtime.relay.queued
                    or runtime.consumer.in_flight
                    or await runtime.bus.lag(f"aduan.{service.name}", topics)
                ):
                    return False
            return True

        await eventually(quiet, within=20.0)

    def sample(self, name: str, **labels: str) -> float:
        """Return a number of /metrics."""
        found = self.registry.get_sample_value(name, labels)
        assert found is not None, (name, labels)
        return found


@asynccontextmanager
async def town_in(
    data: Path, clock: Clock, *, without: Collection[tuple[str, str]] = ()
) -> AsyncIterator[Town]:
    """Run the five services in a folder. without: (service, worker) that are held."""
    async with AsyncExitStack() as stack:
        mail = data / "mail"
        mail.mkdir()
        port = await stack.enter_async_context(mailsink.running(mail))
        keys = folder.keys_in(data)
        canary = new_keys()
        city_portal, city_record = make_key(tenant=CITY, scopes=("complaints:write",), portal="web")
        canary.records["intake"] = (*canary.records["intake"], city_record)
        plan = composition.Plan(
            data=data,
            url="http://127.0.0.1:9",
            reference=ROOT / "reference",
            keys=keys,
            tenant=CITY,
            fast=False,
            partners=Partners("http://127.0.0.1:9", "http://127.0.0.1:9", port, mail),
            canary=canary,
        )  # fmt: skip
        registry = CollectorRegistry()
        host = HostMetrics(registry, "standalone", SERVICES, version="0")
        built = await composition.build(
            plan, clock, registry, HttpMetrics(registry), stack, host=host
        )
        services = {
            name: replace(
                service,
                workers={
                    worker: run
                    for worker, run in service.workers.items()
                    # nobody is there, and asking again and again takes time from the rest
                    if (name, worker) not in without and not worker.startswith(("laporgub", "sp4n"))
                },
            )
            for name, service in built.items()
        }
        for service in services.values():
            await stack.enter_async_context(service.running())
        app = Dispatch({name: one.app for name, one in services.items()}, Starlette())
        client = await stack.enter_async_context(
            httpx.AsyncClient(transport=httpx.ASGITransport(app))
        )
        yield Town(
            services, client, registry, clock, keys.operator, city_portal, canary.portal,
            canary.reader, mail, app)  # fmt: skip


__all__ = ["BASE", "CANARY_TENANT", "CITY", "Town", "town_in"]
