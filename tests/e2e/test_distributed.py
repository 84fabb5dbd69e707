"""The five services as separate processes, two replicas of each, on a real broker and database."""

import asyncio
import io
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from aduan_cluster import Cluster
from aduan_faults import Instance
from aduan_harness import eventually
from aduan_metrics import Scrape, agrees
from aduan_real_data import MAP, needs_real_data, the_first_rows
from aduan_servers import tools
from aduan_servers.choice import KafkaEndpoint, MongoEndpoint
from PIL import Image

from aduan_standalone.series import series_of

LAMP: Final = "Lampu jalan PJU padam satu gang sejak tiga malam, gelap sekali."
FEED: Final = (
    "--set",
    "confidential=no",
    "--set",
    "anonymous=no",
    *(f"--map={one}" for one in MAP),
)
SAME: Final = (
    "received",
    "cases",
    "clock_sets",
    "mirror_decisions",
    "notification_decisions",
    "states",
)


@pytest.fixture
async def cluster(
    tmp_path: Path, kafka: KafkaEndpoint, mongo: MongoEndpoint
) -> AsyncIterator[Cluster]:
    """Ten processes, ready."""
    async with Cluster(tmp_path, kafka=kafka.address, mongo=mongo) as opened:
        yield opened


async def portal_key(client: httpx.AsyncClient, code: str) -> str:
    """Make a portal; return its key."""
    body = {"code": code, "name": code, "anonymous": False, "confidential": False}
    made = await client.post("/v1/portals", json=body)
    assert made.status_code == 201, made.text
    return str(made.json()["key"])


async def office_key(client: httpx.AsyncClient, code: str) -> dict[str, str]:
    """Make a key of an office; return the headers that carry it."""
    made = await client.post(f"/v1/offices/{code}/keys", json={"role": "office"})
    assert made.status_code == 201, made.text
    return {"Authorization": f"Bearer {made.json()['key']}"}


async def test_a_canary_comes_through_and_counts_nowhere(cluster: Cluster) -> None:
    """From a process of its own that knows two keys and five addresses."""
    keys = {
        "ADUAN_CANARY_PORTAL_KEY": cluster.canary.portal,
        "ADUAN_CANARY_READ_KEY": cluster.canary.reader,
    }
    said = await cluster.command("canary", *cluster.to(), "--once", "--json", environment=keys)
    report = json.loads(await cluster.command("status", *cluster.to(), "--json"))
    async with cluster.client() as operator:
        listed = (await operator.get("/v1/cases")).json()["items"]

    assert ["ok"] * 5 == [passed["outcome"] for passed in json.loads(said).values()], said
    assert [] == [case for case in listed if case["ticket"].startswith("KNR")]
    # what the province's simulator sends by itself is mirrored there already
    assert [0, 0] == [report["mirror_decisions"]["linked"], report["dead_letters"]]


async def test_a_complaint_walks_through_five_services(cluster: Cluster) -> None:
    """Posted at a portal, it is routed, clocked, mirrored, told of, answered and closed."""
    async with cluster.client() as operator, cluster.client(token=False) as citizen:
        key = await portal_key(operator, "kelurahan")
        posted = await citizen.post(
            "/v1/complaints",
            headers={"Authorization": f"Bearer {key}"},
            json={
                "external_id": "1",
                "text": LAMP,
                "place": {"area_code": "33.74.01.1001"},
                "reporter": {"email": "warga@example.test"},
            },
        )
        assert posted.status_code == 201, posted.text
        ticket = posted.json()["ticket"]

        async def public() -> dict[str, Any]:
            seen = await citizen.get(f"/v1/complaints/{ticket}")
            assert seen.status_code == 200, seen.text
            return dict(seen.json())

        async def in_state(wanted: str) -> None:
            async def reached() -> bool:
                return bool((await public())["state"] == wanted)

            await eventually(reached, within=30)

        await in_state("assigned")
        case = (await operator.get(f"/v1/cases/{ticket}")).json()
        desk = await office_key(operator, case["opd"])
        photo = await citizen.post(
            "/v1/evidence",
            headers={**desk, "Idempotency-Key": "key-of-the-photo"},
            data={"case": case["id"]},
            files={"file": ("x.png", a_photo(), "image/png")},
        )
        assert photo.status_code == 201, photo.text
        words = "Lampu sudah diganti. Terima kasih atas laporannya."
        steps: dict[str, dict[str, Any]] = {
            "accept": {},
            "start": {},
            "answer": {"text": words, "evidence": [photo.json()["id"]]},
        }
        for action, body in steps.items():
            headers = {**desk, "Idempotency-Key": f"key-of-{action}"}
            done = await citizen.post(f"/v1/cases/{ticket}/{action}", headers=headers, json=body)
            assert done.status_code == 200, done.text
        await in_state("answered")

        async def told() -> bool:
            return "LaporGub" in " ".join(line["text"] for line in (await public())["timeline"])

        await eventually(told, within=30)
        clocks = (await operator.get(f"/v1/clocks/{ticket}")).json()["clocks"]
        mirror = (await operator.get(f"/v1/mirrors/{case['id']}")).json()
        assert {clock["name"] for clock in clocks} >= {"verify", "forward", "handle"}
        assert mirror["decision"] == "linked"

        async def letters() -> bool:
            sent = (await operator.get("/v1/deliveries", params={"decision": "delivered"})).json()
            return any(row["complaint_id"] == case["id"] for row in sent["items"])

        await eventually(letters, within=30)
    await every_replica_tells(cluster)


async def every_replica_tells(cluster: Cluster) -> None:
    """Each exports its list, reads its levels from Kafka and MongoDB, and is abreast."""
    async with httpx.AsyncClient(timeout=15) as client:
        for replica in cluster.replicas:

            async def abreast(url: str = replica.url, service: str = replica.service) -> bool:
                found = Scrape((await client.get(f"{url}/metrics")).text)
                agrees(found, series_of(service))
                stale = [found("aduan_metrics_stale", source=one) for one in ("store", "log")]
                behind = found("aduan_pipeline_lag"), found("aduan_pipeline_pending")
                return stale == [0, 0] and behind == (0, 0)

            await eventually(abreast, within=30, every=1)


@needs_real_data
async def test_both_engines_make_the_same_of_real_complaints(
    tmp_path: Path, kafka: KafkaEndpoint, mongo: MongoEndpoint
) -> None:
    """Fed alike, they count alike; and Kafka's own console consumer counts what the ledger has."""
    rows = tmp_path / "rows.jsonl"
    count = the_first_rows(rows)
    async with Instance(tmp_path / "embedded", fast=False, simulators=False) as instance:
        await instance.start_until_ready()
        embedded = await _fed(
            lambda *words: _aduan(*words, "--data", str(instance.data)),
            rows,
            tmp_path / "one",
            count,
        )
        await instance.stop()

    async with Cluster(
        tmp_path / "cluster", kafka=kafka.address, mongo=mongo, simulators=False
    ) as cluster:
        ledger = tmp_path / "two"
        distributed = await _fed(
            lambda *words: cluster.command(*words, *cluster.to()), rows, ledger, count
        )
        keys = await asyncio.to_thread(tools.keys_of, kafka.address, "complaint.created")

    tickets = {json.loads(line)["ticket"] for line in ledger.read_text().splitlines()}
    assert len(tickets) == count == len(set(keys))
    assert distributed["dead_letters"] == 0
    assert {name: distributed[name] for name in SAME} == {name: embedded[name] for name in SAME}


async def _fed(
    command: Callable[..., Awaitable[str]], rows: Path, ledger: Path, count: int
) -> dict[str, Any]:
    """Feed the rows and return the status once everything has come to rest."""
    await command("feed", str(rows), *FEED, "--ledger", str(ledger))
    async with asyncio.timeout(300):
        while True:
            found: dict[str, Any] = json.loads(await command("status", "--json"))
            busy = any(found[name] for name in ("pending", "held", "in_flight", "lag"))
            if not busy and found["clock_sets"] == count:
                return found
            await asyncio.sleep(0.5)


async def _aduan(*arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "aduan_standalone.cli.main", *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    out, _ = await process.communicate()
    # No output of the feed in a message: it may quote a row.
    assert process.returncode == 0, f"`aduan {arguments[0]}` ended with {process.returncode}"
    return out.decode()


def a_photo() -> bytes:
    """A picture of nothing."""
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), "gray").save(buffer, "PNG")
    return buffer.getvalue()
