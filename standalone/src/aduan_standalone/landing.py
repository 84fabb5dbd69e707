"""What standalone itself serves: the page that says what runs here, and the metrics."""

import asyncio
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from prometheus_client import CollectorRegistry

from aduan.levels import Levels
from aduan.service import Service
from aduan.web.app import new_app
from aduan.web.edge import HttpMetrics
from aduan.web.ops import status_of
from aduan.web.pages import environment


def app_of(
    services: Mapping[str, Service],
    registry: CollectorRegistry,
    metrics: HttpMetrics,
    *,
    simulators: bool,
    levels: Levels,
) -> FastAPI:
    """Return standalone's own app. metrics, levels: those of the process."""
    app = new_app(
        "Aduan",
        service="standalone",
        http_metrics=metrics,
        registry=registry,
        before_metrics=levels.refresh,
        ready=_ready(services),
    )
    pages = environment("aduan_standalone")

    @app.get("/", response_class=HTMLResponse, include_in_schema=False)
    async def landing() -> HTMLResponse:
        described = await asyncio.gather(*(_described(service) for service in services.values()))
        page = pages.get_template("landing.html")
        return HTMLResponse(page.render(services=described, simulators=simulators))

    return app


def _ready(services: Mapping[str, Service]) -> Any:
    async def report() -> dict[str, str]:
        wrong: dict[str, str] = {}
        for name, service in services.items():
            for check, words in (await service.runtime.ready()).items():
                wrong[f"{name}.{check}"] = words
        return wrong

    return report


async def _described(service: Service) -> dict[str, Any]:
    status = await status_of(service.runtime, service.status)
    letters = sum(status["dead_letters"].values())
    numbers: dict[str, Any] = {
        name: value for name, value in status["facts"].items() if isinstance(value, int)
    }
    numbers |= {"pending": status["pending"], "lag": status["lag"], "held": status["held"]}
    return {
        "name": service.name,
        "docs_url": f"/{service.name}/docs",
        "ready": not await service.runtime.ready(),
        "numbers": {**numbers, "dead_letters": letters},
    }
