"""Asks a Prometheus over HTTP."""

import json
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import Any, Final

TIMEOUT_SECONDS: Final = 30
Labels = dict[str, str]
Points = list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Prometheus:
    """Where it answers, without a slash at the end."""

    url: str

    def now(self, expr: str) -> list[tuple[Labels, float]]:
        """Return (labels, value) of each series at this moment; a scalar has no labels.

        Raises urllib.error.HTTPError where the expression is refused.
        """
        data = self.get("query", query=expr)
        if data["resultType"] == "scalar":
            return [({}, float(data["result"][1]))]
        return [(row["metric"], float(row["value"][1])) for row in data["result"]]

    def between(
        self, expr: str, *, start: float, end: float, step: float
    ) -> list[tuple[Labels, Points]]:
        """Return (labels, [(unix seconds, value)]) of each series. Raises like `now`."""
        data = self.get("query_range", query=expr, start=start, end=end, step=step)
        return [
            (row["metric"], [(float(at), float(value)) for at, value in row["values"]])
            for row in data["result"]
        ]

    def get(self, what: str, **parameters: object) -> Any:
        """Return the data of an answer of /api/v1."""
        query = urllib.parse.urlencode(parameters)
        address = f"{self.url}/api/v1/{what}?{query}"
        with urllib.request.urlopen(address, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
            return json.load(answer)["data"]
