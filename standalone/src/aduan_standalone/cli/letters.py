"""`aduan dlq` and `aduan replay`: what an operator does with events that could not be applied."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from rich.table import Table

from aduan_standalone.cli.api import Api
from aduan_standalone.cli.instance import SERVICES
from aduan_standalone.cli.refusal import Refusal


def listed(api: Api, service: str | None) -> list[dict[str, Any]]:
    """Return all open letters of one service, or of all; each has `service`."""
    found: list[dict[str, Any]] = []
    for name in _chosen(service):
        cursor: str | None = None
        while True:
            page = api.get(name, f"/{name}/ops/dlq", {"cursor": cursor} if cursor else None)
            found += [{"service": name, **letter} for letter in page["items"]]
            cursor = page["next"]
            if cursor is None:
                break
    return found


def shown(api: Api, letter: str, service: str | None) -> dict[str, Any]:
    """Return one letter. Raises Refusal when there is none, or two services have one of this id."""
    return _one(api, letter, service)


def replay(api: Api, letter: str, service: str | None) -> dict[str, Any]:
    """Run the owner's handler on a letter again; {"service", "id", "closed"}."""
    owner = _one(api, letter, service)["service"]
    answer = api.post(owner, f"/{owner}/ops/dlq/{quote(letter, safe='')}/replay")
    return {"service": owner, "id": letter, **answer}


def skip(api: Api, letter: str, service: str | None, reason: str) -> dict[str, Any]:
    """Give a letter up; {"service", "id", "closed"}."""
    owner = _one(api, letter, service)["service"]
    body = {"reason": reason}
    answer = api.post(owner, f"/{owner}/ops/dlq/{quote(letter, safe='')}/skip", body)
    return {"service": owner, "id": letter, **answer}


def replay_case(api: Api, case_id: str, service: str | None) -> dict[str, int]:
    """Replay a case's letters in order, in every service that has some: service -> closed."""
    return {
        name: int(api.post(name, f"/{name}/ops/replay", {"case_id": case_id})["closed"])
        for name in _chosen(service)
    }


def table(letters: list[dict[str, Any]]) -> Table:
    """Return the listing for people."""
    found = Table(box=None, pad_edge=False)
    for heading in ("service", "kind", "id", "topic", "seq", "since", "reason"):
        found.add_column(heading)
    for letter in letters:
        found.add_row(
            letter["service"],
            letter["kind"],
            letter["id"],
            letter["topic"],
            str(letter["seq"]),
            letter["created_at"][:19],
            letter["reason"],
        )
    return found


def fields(record: Mapping[str, Any]) -> Table:
    """Return one record, a line a field."""
    found = Table(box=None, pad_edge=False, show_header=False)
    for name, value in record.items():
        if isinstance(value, Mapping):
            for inner, words in value.items():
                found.add_row(f"{name}.{inner}", str(words))
        else:
            found.add_row(name, str(value))
    return found


def _chosen(service: str | None) -> tuple[str, ...]:
    if service is None:
        return SERVICES
    if service not in SERVICES:
        raise Refusal(f"{service} is not a service; they are {', '.join(SERVICES)}.")
    return (service,)


def _one(api: Api, letter: str, service: str | None) -> dict[str, Any]:
    owners = [
        {"service": name, **found}
        for name in _chosen(service)
        if (found := api.find(name, f"/{name}/ops/dlq/{quote(letter, safe='')}")) is not None
    ]
    if not owners:
        raise Refusal(f"There is no open dead letter {letter}.")
    if len(owners) > 1:
        names = " and ".join(str(owner["service"]) for owner in owners)
        raise Refusal(f"{names} each have a letter {letter}; say which with --service.")
    return owners[0]
