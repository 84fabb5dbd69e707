"""Runs the parts of an examination at once, each in a bounded time, whatever they meet."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from aduan.errors import AduanError
from aduan_standalone.cli.refusal import Refusal
from aduan_standalone.doctor.findings import Finding, not_checked

# Beside the answers of others: loading all five services and their reference data on a busy machine.
GRACE_SECONDS: Final = 15.0


@dataclass(frozen=True, slots=True)
class Check:
    """One part. name: as in its findings. where: what it looks at, for when it cannot."""

    name: str
    where: str
    run: Callable[[], Sequence[Finding]]


def examine(checks: Sequence[Check], *, patience: float) -> list[Finding]:
    """Run all and return their findings in the order of the checks.

    patience: seconds that each may wait for somebody's answer. One that does not come back for so long
    and a little more counts as not checked.
    """
    results: dict[int, Sequence[Finding]] = {}

    def work(number: int, check: Check) -> None:
        results[number] = _findings(check)

    # Daemons: one that hangs in a system call must not keep the command from ending.
    threads = [
        threading.Thread(target=work, args=(number, check), daemon=True)
        for number, check in enumerate(checks)
    ]
    for thread in threads:
        thread.start()
    limit = patience + GRACE_SECONDS
    deadline = time.monotonic() + limit
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    found: list[Finding] = []
    for number, check in enumerate(checks):
        late = [not_checked(check.name, f"no answer within {limit:g} s", check.where)]
        found += results.get(number, late)
    return found


def _findings(check: Check) -> Sequence[Finding]:
    try:
        return check.run()
    except Refusal as refusal:
        return [not_checked(check.name, refusal.sentence, check.where)]
    except AduanError as error:
        return [not_checked(check.name, f"{error}", check.where)]
    except Exception as error:  # noqa: BLE001 - its words may quote an address with its password
        reason = f"an unexpected {type(error).__name__}"
        return [not_checked(check.name, reason, check.where)]
