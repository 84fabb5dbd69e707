"""`make compose-smoke`: complaints through a running stack, until they are answered.

One matter of the city: its office answers over HTTP, as officers do; the partner shows it and the
citizen's letter reaches the mail server. One national matter: the coordinator forwards it, and the
partner answers. Then each process's own numbers. Prints a table; exit code 1 with the reason where a
step fails.
"""

import argparse
import io
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx
from PIL import Image
from prometheus_client.parser import text_string_to_metric_families

from aduan_standalone.deployment import OPERATOR, values_in

ROOT: Final = Path(__file__).resolve().parent.parent
# What is published where .env says nothing else, as in docker-compose.yml.
PORTS: Final = {
    "intake": 8001,
    "routing": 8002,
    "sla": 8003,
    "sync-laporgub": 8004,
    "notify": 8005,
    "statistics": 8006,
    "prometheus": 9090,
}
SERVICES: Final = ("intake", "routing", "sla", "sync-laporgub", "notify")
WORKER: Final = "statistics"
COORDINATOR_AT: Final = "DISKOMINFO"
LAMP: Final = "Lampu jalan PJU padam satu gang sejak tiga malam, gelap sekali."
POWER: Final = "Listrik padam sejak kemarin sore di kampung kami, meteran PLN mati semua."
REPAIRED: Final = "Lampu sudah diganti. Terima kasih atas laporannya."


class Failed(Exception):
    """A step did not go as it must; the words say what was seen."""


@dataclass(slots=True)
class Stack:
    """Where the services answer, and what the run has learned. urls: by service."""

    urls: Mapping[str, str]
    token: str
    patience: float
    client: httpx.Client
    seen: dict[str, Any] = field(default_factory=dict)

    def ask(
        self, service: str, method: str, path: str, key: str | None = None, **options: Any
    ) -> Any:
        """Return the answer. key: the operator's by default, none where it is empty. Raises Failed."""
        headers = dict(options.pop("headers", {}))
        shown = self.token if key is None else key
        if shown:
            headers["Authorization"] = f"Bearer {shown}"
        try:
            answer = self.client.request(
                method, self.urls[service] + path, headers=headers, **options
            )
        except httpx.TransportError as error:
            raise Failed(
                f"{service} at {self.urls[service]} does not answer: {type(error).__name__}"
            ) from None
        if not answer.is_success:
            raise Failed(f"{service}: {method} {path}: {answer.status_code} {answer.text[:300]}")
        return answer.json() if "json" in answer.headers.get("content-type", "") else answer.text

    def until(self, what: str, look: Callable[[], Any]) -> Any:
        """Return what `look` finds as soon as it finds something. Raises Failed."""
        end, said = time.monotonic() + self.patience, ""
        while time.monotonic() < end:
            try:
                if found := look():
                    return found
            except Failed as error:
                said = f": {error}"
            time.sleep(0.25)
        raise Failed(f"not within {self.patience:.0f} s: {what}{said}")


def ready(stack: Stack) -> str:
    """All five and the worker say that they can do their work."""
    for name in (*SERVICES, WORKER):

        def look(name: str = name) -> bool:
            return bool(stack.ask(name, "GET", "/health/ready", "")["status"] == "ok")

        stack.until(f"{name} is ready", look)
    return ", ".join((*SERVICES, WORKER))


def portal(stack: Stack) -> str:
    """The operator makes a portal and gets its key."""
    code = f"smoke-{uuid4().hex[:8]}"
    body = {"code": code, "name": code, "anonymous": False, "confidential": False}
    stack.seen["portal"] = stack.ask("intake", "POST", "/v1/portals", json=body)["key"]
    return code


def _post(stack: Stack, text: str) -> str:
    posted = stack.ask(
        "intake", "POST", "/v1/complaints", stack.seen["portal"],
        json={
            "external_id": uuid4().hex, "text": text, "place": {"area_code": "33.74.01.1001"},
            "reporter": {"email": "warga@example.test"},
        },
    )  # fmt: skip
    return str(posted["ticket"])


def _public(stack: Stack, ticket: str, state: str) -> Any:
    def look() -> Any:
        seen = stack.ask("intake", "GET", f"/v1/complaints/{ticket}", "")
        return seen if seen["state"] == state else None

    return stack.until(f"{ticket} is {state}", look)


def _command(stack: Stack, ticket: str, action: str, key: str, body: Mapping[str, Any]) -> None:
    headers = {"Idempotency-Key": uuid4().hex}
    path = f"/v1/cases/{ticket}/{action}"
    stack.ask("routing", "POST", path, key, json=body, headers=headers)


def _key(stack: Stack, office: str, role: str) -> str:
    made = stack.ask("routing", "POST", f"/v1/offices/{office}/keys", json={"role": role})
    return str(made["key"])


def assigned(stack: Stack) -> str:
    """A citizen's complaint is taken and finds its office."""
    ticket = _post(stack, LAMP)
    _public(stack, ticket, "assigned")
    case = stack.ask("routing", "GET", f"/v1/cases/{ticket}")
    stack.seen |= {"ticket": ticket, "case": case["id"], "opd": case["opd"]}
    return f"{ticket} at {case['opd']}"


def clocked(stack: Stack) -> str:
    """Its deadlines run."""
    ticket = stack.seen["ticket"]

    def look() -> list[str]:
        clocks = stack.ask("sla", "GET", f"/v1/clocks/{ticket}")["clocks"]
        names = {str(clock["name"]) for clock in clocks}
        return sorted(names) if names >= {"verify", "forward", "handle"} else []

    return ", ".join(stack.until("the clocks run", look))


def answered(stack: Stack) -> str:
    """The office answers with a photo, and the citizen reads it."""
    ticket, key = stack.seen["ticket"], _key(stack, stack.seen["opd"], "office")
    picture = io.BytesIO()
    Image.new("RGB", (64, 48), "gray").save(picture, "PNG")
    photo = stack.ask(
        "routing", "POST", "/v1/evidence", key,
        headers={"Idempotency-Key": uuid4().hex}, data={"case": stack.seen["case"]},
        files={"file": ("foto.png", picture.getvalue(), "image/png")},
    )  # fmt: skip
    _command(stack, ticket, "accept", key, {})
    _command(stack, ticket, "start", key, {})
    _command(stack, ticket, "answer", key, {"text": REPAIRED, "evidence": [photo["id"]]})
    _public(stack, ticket, "answered")
    return f"{ticket} is answered"


def mirrored(stack: Stack) -> str:
    """The partner has it, linked to its own ticket."""

    def look() -> Any:
        mirror = stack.ask("sync-laporgub", "GET", f"/v1/mirrors/{stack.seen['case']}")
        return mirror if mirror["decision"] == "linked" else None

    return str(stack.until("LaporGub has a ticket of it", look)["links"][0]["remote_ticket"])


def told(stack: Stack) -> str:
    """The citizen's letter was taken by the mail server."""

    def look() -> int:
        sent = stack.ask("notify", "GET", "/v1/deliveries?decision=delivered")["items"]
        return sum(row["complaint_id"] == stack.seen["case"] for row in sent)

    return f"{stack.until('a letter was delivered', look)} delivered"


def forwarded(stack: Stack) -> str:
    """A national matter goes to SP4N-LAPOR!, whose answer comes back to the citizen."""
    ticket = _post(stack, POWER)
    _public(stack, ticket, "triage")
    key = _key(stack, COORDINATOR_AT, "coordinator")
    body = {"partner": "sp4n", "reason": "Kewenangan pemerintah pusat."}
    _command(stack, ticket, "forward", key, body)
    _public(stack, ticket, "answered")
    return f"{ticket} is answered by SP4N-LAPOR!"


def at_rest(stack: Stack) -> str:
    """Nothing is on its way, nothing waits, nothing failed."""

    def look() -> str:
        wrong = []
        for name in SERVICES:
            status = stack.ask(name, "GET", f"/{name}/ops/status")
            counts = {key: status[key] for key in ("pending", "held", "in_flight", "lag")}
            counts |= status["dead_letters"]
            wrong += [f"{name} {key} {count}" for key, count in counts.items() if count]
        if wrong:
            raise Failed(", ".join(wrong))
        return "pending, held, in flight, lag and dead letters: 0"

    return str(stack.until("all is at rest", look))


# A series of each process that this run must have moved; labels are summed.
MOVED: Final = {
    "intake": "aduan_intake_received_total",
    "routing": "aduan_routing_commands_total",
    "sla": "aduan_http_request_seconds_count",
    "sync-laporgub": "aduan_sync_calls_total",
    "notify": "aduan_notify_deliveries_total",
}


def _sum(text: str, series: str) -> float:
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == series
    )


def measured(stack: Stack) -> str:
    """Each service's own numbers have moved."""
    found = []
    for name, series in MOVED.items():
        value = _sum(stack.ask(name, "GET", "/metrics", ""), series)
        if value <= 0:
            raise Failed(f"{name}: {series} is {value:g} after all this")
        found.append(f"{series} {value:g}")
    return ", ".join(found)


def counted(stack: Stack) -> str:
    """The statistics worker has seen both complaints; its sums are of all that it was told."""

    def look() -> str:
        text = stack.ask(WORKER, "GET", "/metrics", "")
        cases = _sum(text, "aduan_statistics_cases")
        inflow = _sum(text, "aduan_statistics_inflow")
        return f"{cases:g} cases" if cases >= 2 and inflow > 0 else ""

    return str(stack.until("statistics has counted both", look))


def scraped(stack: Stack) -> str:
    """Prometheus reaches every process."""
    wanted = {*SERVICES, WORKER, "canary"}

    def look() -> str:
        answer = stack.ask("prometheus", "GET", "/api/v1/query?query=up{job='aduan'}", "")
        up = {
            row["metric"].get("component", ""): row["value"][1] for row in answer["data"]["result"]
        }
        down = sorted(name for name in wanted if up.get(name) != "1")
        if down:
            raise Failed(f"not scraped: {', '.join(down)}")
        return f"{len(wanted)} targets up"

    return str(stack.until("Prometheus reaches all", look))


STEPS: Final[tuple[tuple[str, Callable[[Stack], str]], ...]] = (
    ("services are ready", ready),
    ("a portal has a key", portal),
    ("a complaint is assigned", assigned),
    ("its clocks run", clocked),
    ("its office answers", answered),
    ("LaporGub mirrors it", mirrored),
    ("the citizen has a letter", told),
    ("a national matter is answered", forwarded),
    ("all is at rest", at_rest),
    ("metrics have moved", measured),
    ("statistics has counted them", counted),
)
OBSERVED: Final = (("Prometheus sees all", scraped),)


def run(stack: Stack, *, observability: bool) -> bool:
    """Take the steps, print the table; whether all went well. The first failure ends the run."""
    failed = ""
    for name, step in (*STEPS, *(OBSERVED if observability else ())):
        if failed:
            print(f"{name:<32} not tried")
            continue
        began = time.monotonic()
        try:
            outcome, words = "ok", step(stack)
        except Failed as error:
            outcome, words, failed = "FAILED", str(error), name
        print(f"{name:<32} {outcome:<6} {time.monotonic() - began:5.1f} s  {words}", flush=True)
    if failed:
        print(f"\ncompose-smoke FAILED at: {failed}. Look at `docker compose ps` and `logs`.")
    else:
        print("\ncompose-smoke ok")
    return not failed


def main() -> int:
    """Return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env", type=Path, default=ROOT / ".env", help="what compose was given")
    parser.add_argument("--patience", type=float, default=60.0, help="seconds for a step")
    parser.add_argument("--observability", action="store_true", help="ask Prometheus too")
    given = parser.parse_args()
    try:
        values = values_in(given.env.read_text("utf-8"))
        token = values[OPERATOR]
    except (OSError, KeyError):
        sys.stderr.write(f"{given.env} says no {OPERATOR}: make env\n")
        return 2
    ports = {
        name: values.get(f"{name.upper().replace('-', '_')}_PORT", port)
        for name, port in PORTS.items()
    }
    urls = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    profiles = values.get("COMPOSE_PROFILES", "")
    with httpx.Client(timeout=15) as client:
        stack = Stack(urls, token, given.patience, client)
        good = run(stack, observability=given.observability or "observability" in profiles)
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
