"""What is spoken to over HTTP and SMTP: whether it answers, and what its clock says."""

import asyncio
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from aduan.clock import Clock
from aduan_notify.adapters.smtp import Account, SmtpMailer
from aduan_notify.ports import MailAway
from aduan_standalone.doctor.clocks import skew
from aduan_standalone.doctor.findings import Finding, not_checked, ok

BROKEN: Final = 500


def place(url: str) -> str:
    """Return host and port of an address: what stands before or behind them may be a secret."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)


def partner(name: str, url: str, variable: str, clock: Clock, *, patience: float) -> list[Finding]:
    """Ask a partner's address without credentials: any answer shows that it can be reached."""
    where = f"{name} at {place(url)}"
    answer, seconds = _asked(url, clock, patience)
    if not isinstance(answer, httpx.Response):
        remedy = f"correct {variable}, or the way to it; until then what is for it waits"
        return [Finding("connections", "warning", f"no answer ({answer})", where, remedy)]
    if answer.status_code >= BROKEN:
        remedy = "ask whoever runs it; until then what is for it waits"
        return [
            Finding("connections", "warning", f"it answers {answer.status_code}", where, remedy)
        ]
    return [ok("connections", "it answers", where), _clock(seconds, where)]


def service(name: str, base: str, clock: Clock, *, patience: float) -> list[Finding]:
    """Ask a service of ours whether it is ready."""
    where = f"{name} at {place(base)}"
    answer, seconds = _asked(f"{base.rstrip('/')}/{name}/health/ready", clock, patience)
    if not isinstance(answer, httpx.Response):
        remedy = f"start {name}, or correct the address"
        return [Finding("connections", "error", f"no answer ({answer})", where, remedy)]
    checks = _checks(answer)
    if checks is None:
        words = f"what answers there is not {name} (status {answer.status_code})"
        return [Finding("connections", "error", words, where, "correct the address")]
    wrong = {check: words for check, words in checks.items() if words != "ok"}
    if wrong:
        words = "; ".join(f"{check}: {said}" for check, said in wrong.items())
        remedy = "`aduan status` and `aduan dlq list`; docs/operations.md says what each means"
        return [Finding("connections", "error", f"it is not ready: {words}", where, remedy)]
    return [ok("connections", "it is ready", where), _clock(seconds, where)]


def mail(account: Account, clock: Clock, *, remedy: str, patience: float) -> list[Finding]:
    """Connect, encrypt and sign in as notify does, and send nothing."""
    where = f"mail server {account.host}:{account.port}"
    try:
        asyncio.run(_greeted(account, clock, patience))
    except (MailAway, TimeoutError) as error:
        reason = f"{error}" or type(error).__name__
        return [Finding("connections", "warning", f"no answer ({reason})", where, remedy)]
    return [ok("connections", "it answers and lets us in", where)]


async def _greeted(account: Account, clock: Clock, patience: float) -> None:
    mailer = SmtpMailer(account, wall=clock.wall, monotonic=clock.monotonic)
    async with asyncio.timeout(patience):
        async with mailer.line():
            pass
        await mailer.close()


def _asked(url: str, clock: Clock, patience: float) -> tuple[httpx.Response | str, float | None]:
    """Return the answer, or why there is none; and by how many seconds its clock is ahead."""
    before = clock.wall()
    try:
        with httpx.Client(trust_env=False, timeout=patience) as http:
            answer = http.get(url)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return type(error).__name__, None
    middle = before + (clock.wall() - before) / 2
    try:
        said = parsedate_to_datetime(answer.headers.get("date", ""))
        return answer, (said - middle).total_seconds()
    except (TypeError, ValueError):
        return answer, None


def _clock(seconds: float | None, where: str) -> Finding:
    if seconds is None:
        return not_checked("clock", "its answers carry no date", where)
    return skew(seconds, where)


def _checks(answer: httpx.Response) -> Mapping[str, str] | None:
    try:
        found: Any = answer.json()
        return {str(name): str(words) for name, words in found["checks"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
