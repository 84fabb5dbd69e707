"""What both simulators share on the HTTP side: guarding, answering, and the `/_sim` switchboard."""

import argparse
from collections.abc import Awaitable, Callable
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from aduan.clock import Clock, SystemClock, parse_iso
from aduan_simulators.laporgub.faults import FaultPlan, Faults, PartnerError

M = TypeVar("M", bound=BaseModel)
Endpoint = Callable[[Request], Awaitable[Response]]

BODY_LIMIT = 1 << 20


async def partner_error(_: Request, error: Exception) -> Response:
    """Turn a PartnerError into the partner's error body: `message` and `errors` by field."""
    if not isinstance(error, PartnerError):
        raise error
    return JSONResponse(
        {"message": error.message, "errors": error.errors}, status_code=error.status
    )


async def read_json(request: Request, model: type[M]) -> M:
    """Read and check a JSON body. Raises PartnerError 413 or 422 that names the fields."""
    raw = await request.body()
    if len(raw) > BODY_LIMIT:
        raise PartnerError(413, "Isi terlalu besar")
    return check(model, raw)


def check(model: type[M], raw: bytes | dict[str, object]) -> M:
    """Check JSON bytes or a form. Raises PartnerError 422 that names the fields."""
    try:
        return (
            model.model_validate_json(raw) if isinstance(raw, bytes) else model.model_validate(raw)
        )
    except ValidationError as error:
        fields: dict[str, list[str]] = {}
        for item in error.errors(include_input=False, include_url=False, include_context=False):
            fields.setdefault(".".join(map(str, item["loc"])) or "body", []).append(item["type"])
        raise PartnerError(422, "Data tidak lengkap atau tidak sah", fields) from None


def number(request: Request, name: str, *, default: int, low: int, high: int) -> int:
    """Read a whole number from the query. Raises PartnerError 422."""
    raw = request.query_params.get(name, str(default))
    if not raw.isascii() or not raw.isdigit() or not low <= int(raw) <= high:
        raise PartnerError(422, "Parameter tidak sah", {name: ["out_of_range"]})
    return int(raw)


def add_clock_options(parser: argparse.ArgumentParser) -> None:
    """Add the options by which a simulator writes the dates of a demo's own clock."""
    parser.add_argument("--clock-wall", help="ISO moment of real time at which the clock stood")
    parser.add_argument("--clock-domain", help="at this moment of the demo's time")
    parser.add_argument("--clock-speed", type=float, default=1.0)


def clock_of(given: argparse.Namespace) -> Clock:
    """Return the clock that the options say; without them, the machine's own."""
    if given.clock_wall is None or given.clock_domain is None:
        return SystemClock()
    return SystemClock(
        parse_iso(given.clock_wall), parse_iso(given.clock_domain), given.clock_speed
    )


def fault_routes(faults: Faults) -> list[Route]:
    """Return GET and POST /_sim/faults, the switchboard of the tests."""

    async def show(_: Request) -> Response:
        return JSONResponse((await faults.plan()).model_dump())

    async def change(request: Request) -> Response:
        plan = await read_json(request, FaultPlan)
        await faults.set(plan)
        return JSONResponse(plan.model_dump())

    return [
        Route("/_sim/faults", show, methods=["GET"]),
        Route("/_sim/faults", change, methods=["POST"]),
    ]
