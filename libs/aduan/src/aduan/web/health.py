"""Two questions an orchestrator asks, with two different answers.

live: is this process still progressing? No means restart it. It never looks at dependencies: a
restart does not bring a database back. ready: can it do its work now? The truth, check by check, so
that an operator sees at once which part is missing.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import structlog
from starlette.responses import JSONResponse

Check = Callable[[], Awaitable[str | None] | str | None]
"""Returns None when all is well, else a few words for the operator: no value, no personal data."""

Report = Callable[[], Awaitable[Mapping[str, str]]]
"""All checks in one: returns what is wrong, by name; empty when all is well (Runtime.ready)."""

TIMEOUT_SECONDS: Final = 2.0

log = structlog.get_logger("aduan.web")


async def run(checks: Mapping[str, Check] | Report) -> dict[str, str]:
    """Ask all checks at once. Returns name -> "ok" or what is wrong; none can fail the page."""
    if not isinstance(checks, Mapping):
        return await _report(checks)
    words = await asyncio.gather(*(_ask(name, check) for name, check in checks.items()))
    return dict(zip(checks, words, strict=True))


async def _ask(name: str, check: Check) -> str:
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            found = check()
            words = await found if inspect.isawaitable(found) else found
    except TimeoutError:
        return f"no answer within {TIMEOUT_SECONDS:.0f} s"
    except Exception as error:  # noqa: BLE001  # a broken check is the answer "not ready", logged
        log.warning("health_check_failed", check=name, error=type(error).__name__)
        return f"check failed: {type(error).__name__}"
    return words or "ok"


async def _report(report: Report) -> dict[str, str]:
    wrong: dict[str, str] = {}

    async def ask() -> str | None:
        wrong.update(await report())
        return None

    words = await _ask("report", ask)
    return wrong if words == "ok" else wrong | {"report": words}


async def answer(checks: Mapping[str, Check] | Report) -> JSONResponse:
    """Return 200 when every check is ok, else 503; the body names each check."""
    found = await run(checks)
    good = all(words == "ok" for words in found.values())
    return JSONResponse(
        {"status": "ok" if good else "unavailable", "checks": found},
        status_code=200 if good else 503,
    )
