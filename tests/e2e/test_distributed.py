"""The five services as separate processes, two replicas of each, on a real broker and database."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from aduan_cluster import Cluster
from aduan_harness import eventually
from aduan_servers.choice import KafkaEndpoint, MongoEndpoint

LAMP = "Lampu jalan PJU padam satu gang sejak tiga malam, gelap sekali."


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

        async def in_state(wanted: str) -> None:
            async def reached() -> bool:
                seen = await citizen.get(f"/v1/complaints/{ticket}")
                assert seen.status_code == 200, seen.text
                return bool(seen.json()["state"] == wanted)

            await eventually(reached, within=30)

        await in_state("assigned")
        listed = await operator.get("/v1/cases", params={"state": "assigned"})
        print(listed.status_code, listed.text[:1500])
        print((await citizen.get(f"/v1/complaints/{ticket}")).text)
        for name in ("intake", "routing", "sla", "sync-laporgub", "notify"):
            print((await operator.get(f"/{name}/ops/status")).text)
