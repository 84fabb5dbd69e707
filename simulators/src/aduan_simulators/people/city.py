"""The cast's hands: officers, the coordinator and reporters as they use Aduan over public HTTP."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final, Protocol
from uuid import uuid4

import httpx

from aduan.clock import WIB, parse_iso
from aduan_simulators.people.evidence import photograph
from aduan_simulators.people.script import Step
from aduan_simulators.people.town import NotNow, SeenCase

PAGE: Final = 200
REMARK: Final = "Pekerjaan memerlukan perencanaan."


class Keys(Protocol):
    """Who may do what: the API keys of the people on the stage."""

    async def office(self, code: str) -> str:
        """Return the key of an office. Raises NotNow."""
        ...

    async def coordinator(self) -> str:
        """Return the coordinator's key. Raises NotNow."""
        ...

    def reader(self) -> str:
        """Return a key that may look at deadlines."""
        ...


class City:
    """See Town. urls: base addresses of intake, routing and sla."""

    def __init__(self, client: httpx.AsyncClient, urls: Mapping[str, str], keys: Keys) -> None:
        self._client = client
        self._urls = urls
        self._keys = keys
        self._opds: dict[str, str | None] = {}
        # How far into its entries a case was read: a wait looks only at what came since.
        self._read: dict[str, int] = {}

    async def undecided(self) -> list[SeenCase]:
        """See Town."""
        found: list[SeenCase] = []
        key = await self._keys.coordinator()
        for state in ("triage", "assigned"):
            query: dict[str, Any] = {"state": state, "limit": PAGE}
            while True:
                page = await self._ask("routing", "GET", "/v1/cases", key, params=query)
                found += [_seen(item) for item in page["items"]]
                if page["next"] is None:
                    break
                query = {**query, "cursor": page["next"]}
        return found

    async def act(self, case: SeenCase, step: Step) -> None:
        """See Town."""
        if step.by == "coordinator":
            key = await self._keys.coordinator()
        else:
            key = await self._keys.office(self._opds.get(case.id, case.opd) or "")
        action, body = await self._command(case, step, key)
        done = await self._ask(
            "routing", "POST", f"/v1/cases/{case.id}/{action}", key, json=body,
            headers={"Idempotency-Key": str(uuid4())},
        )  # fmt: skip
        self._opds[case.id] = done["opd"]
        told = [n for n, entry in enumerate(done["entries"]) if entry["action"] == action]
        self._read[case.id] = told[-1] if told else len(done["entries"])

    async def reply(self, case: SeenCase, step: Step, token: str) -> None:
        """See Town."""
        body: dict[str, Any] = {"kind": step.do, "text": step.text or None}
        if step.rating is not None:
            body["rating"] = step.rating
        await self._ask(
            "intake", "POST", f"/v1/complaints/{case.ticket}/replies", None, json=body,
            headers={"X-Reporter-Token": token, "Idempotency-Key": str(uuid4())},
        )  # fmt: skip

    async def was_in(self, case: SeenCase, state: str) -> bool:
        """See Town."""
        now = await self._case(case)
        start = self._read.get(case.id, 0)
        for number, entry in enumerate(now["entries"][start:], start=start):
            if entry["to"] == state:
                self._read[case.id] = number + 1
                self._opds[case.id] = now["opd"]
                return True
        return False

    async def breached(self, case: SeenCase) -> bool:
        """See Town."""
        found = await self._ask("sla", "GET", f"/v1/clocks/{case.id}", self._keys.reader())
        return any(notice["kind"] == "breach" for notice in found["notices"])

    async def _case(self, case: SeenCase) -> Any:
        key = await self._keys.coordinator()
        return await self._ask("routing", "GET", f"/v1/cases/{case.id}", key)

    async def _command(self, case: SeenCase, step: Step, key: str) -> tuple[str, Mapping[str, Any]]:
        """Return the name of routing's action and its body."""
        match step.do:
            case "answer":
                ids = (
                    [await self._photograph(case, key)]
                    if await self._wants_photo(case, step)
                    else []
                )
                return "answer", {"text": step.text, "evidence": ids}
            case "ask":
                return "ask", {"question": step.text}
            case "return":
                opd = self._opds.get(case.id, case.opd)
                proposed = step.proposed_else if step.proposed == opd else step.proposed
                return "return", {"reason": step.text, "proposed": proposed}
            case "conditionally_close":
                return "close-conditionally", await self._promise(case, step)
            case "assign_suggested" | "assign_proposed":
                return "assign", {"opd": await self._next_office(case, step), "note": step.text}
            case "forward":
                return "forward", {"partner": step.partner, "reason": step.text}
            case "archive":
                return "archive", {"reason": step.text}
            case _:
                return step.do, {}

    async def _wants_photo(self, case: SeenCase, step: Step) -> bool:
        return step.evidence and bool((await self._case(case))["physical"])

    async def _photograph(self, case: SeenCase, key: str) -> str:
        # A second answer shows a second picture of the same place.
        number = self._read.get(case.id, 0)
        picture = photograph(f"{case.id}/{number}")
        made = await self._ask(
            "routing", "POST", "/v1/evidence", key, data={"case": case.id},
            files={"file": ("foto.jpg", picture, "image/jpeg")},
            headers={"Idempotency-Key": str(uuid4())},
        )  # fmt: skip
        return str(made["id"])

    async def _promise(self, case: SeenCase, step: Step) -> dict[str, Any]:
        """Return the debt's body: so many days after what last happened to the case, in WIB."""
        entries = (await self._case(case))["entries"]
        today: date = parse_iso(entries[-1]["at"]).astimezone(WIB).date()
        on = today + timedelta(days=step.due_in_days or 1)
        return {
            "reason": step.text or REMARK,
            "on": on.isoformat(),
            "fiscal_year": on.year,
            "unit": "Bidang Perencanaan",
        }

    async def _next_office(self, case: SeenCase, step: Step) -> str:
        found = await self._case(case)
        if step.do == "assign_proposed" and found["proposed"]:
            return str(found["proposed"])
        for suggestion in found["suggestions"]:
            if suggestion["opd"] != step.avoid:
                return str(suggestion["opd"])
        raise NotNow("nobody is suggested")

    async def _ask(
        self, service: str, method: str, path: str, key: str | None, **options: Any
    ) -> Any:
        headers = dict(options.pop("headers", {}))
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        try:
            answer = await self._client.request(
                method, self._urls[service] + path, headers=headers, **options
            )
        except httpx.TransportError as error:
            raise NotNow(f"{service}: {type(error).__name__}") from None
        if not answer.is_success:
            raise NotNow(f"{service}: HTTP {answer.status_code} {_code(answer)}")
        return answer.json()


def _seen(item: Mapping[str, Any]) -> SeenCase:
    return SeenCase(item["id"], item["ticket"], item["state"], item["opd"], item["text"] or "")


def _code(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["code"])
    except (ValueError, KeyError, TypeError):
        return ""
