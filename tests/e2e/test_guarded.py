"""The five services on a broker that asks everybody who he is, as five principals over TLS."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from aduan_cluster import Cluster
from aduan_harness import eventually
from aduan_server_fixtures import Maker
from aduan_servers.choice import MongoEndpoint

from aduan_standalone.cli.instance import SERVICES


async def test_a_case_walks_through_services_that_may_do_their_own_work_and_nothing_else(
    tmp_path: Path, own_kafka: Maker, mongo: MongoEndpoint
) -> None:
    """With the settings and the access lists that `docs/operations.md` names; nobody is refused."""
    broker = own_kafka(protocol="SASL_SSL", users=[f"aduan-{name}" for name in SERVICES])
    async with (
        Cluster(tmp_path, kafka=broker, mongo=mongo, replicas=1, simulators=False) as cluster,
        cluster.client() as operator,
    ):
        made = await operator.post(
            "/v1/portals",
            json={"code": "tls", "name": "tls", "anonymous": False, "confidential": False},
        )
        posted = await operator.post(
            "/v1/complaints",
            headers={"Authorization": f"Bearer {made.json()['key']}"},
            json={
                "external_id": "1",
                "text": "Lampu jalan PJU padam satu gang sejak tiga malam, gelap sekali.",
                "place": {"area_code": "33.74.01.1001"},
                "reporter": {"email": "warga@example.test"},
            },
        )
        assert posted.status_code == 201, posted.text
        ticket = posted.json()["ticket"]

        async def found(path: str, holds: Callable[[dict[str, Any]], bool]) -> bool:
            answer = await operator.get(path)
            return answer.status_code == 200 and holds(answer.json())

        async def went_everywhere() -> bool:
            return (
                await found(f"/v1/complaints/{ticket}", lambda seen: seen["state"] == "assigned")
                and await found(f"/v1/clocks/{ticket}", lambda seen: len(seen["clocks"]) >= 3)
                and await found("/v1/deliveries", lambda seen: len(seen["items"]) > 0)
                and await found("/sync-laporgub/ops/status", lambda seen: seen["documents"] == 1)
            )

        await eventually(went_everywhere, within=60)
        logs = "".join(path.read_text() for path in tmp_path.glob("*.log"))
    assert "bus.refused" not in logs
    assert all(password not in logs for password in broker.doors.passwords.values())
