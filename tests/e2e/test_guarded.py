"""The five services, and the statistics, on a broker that asks everybody who he is: six principals over TLS."""

import contextlib
import json
from pathlib import Path

from aduan_cluster import Cluster
from aduan_harness import eventually
from aduan_server_fixtures import Maker
from aduan_servers.choice import MongoEndpoint
from aduan_statistics_world import Worker

from aduan_standalone.cli.instance import SERVICES


async def test_a_case_walks_through_services_that_may_do_their_own_work_and_nothing_else(
    tmp_path: Path, own_kafka: Maker, mongo: MongoEndpoint
) -> None:
    """With the settings and the access lists that `docs/operations.md` names; nobody is refused.

    And `aduan doctor` finds a whole installation well, as far as it is.
    """
    users = [f"aduan-{name}" for name in (*SERVICES, "statistics")]
    broker = own_kafka(protocol="SASL_SSL", users=users)
    async with (
        Cluster(tmp_path, kafka=broker, mongo=mongo, replicas=1, simulators=False) as cluster,
        cluster.client() as operator,
        cluster.client(token=False) as citizen,
    ):
        made = await operator.post(
            "/v1/portals",
            json={"code": "tls", "name": "tls", "anonymous": False, "confidential": False},
        )
        posted = await citizen.post(
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

        async def reached() -> dict[str, bool]:
            seen = (await citizen.get(f"/v1/complaints/{ticket}")).json()
            clocks = await operator.get(f"/v1/clocks/{ticket}")
            case = await operator.get(f"/v1/cases/{ticket}")
            mirror = await operator.get(f"/v1/mirrors/{case.json().get('id')}")
            letters = await operator.get("/v1/deliveries")
            return {
                "intake": seen["state"] == "assigned",
                "routing": case.status_code == 200,
                "sla": clocks.status_code == 200 and len(clocks.json()["clocks"]) >= 3,
                "sync-laporgub": mirror.status_code == 200,
                "notify": len(letters.json()["items"]) > 0,
            }

        async def went_everywhere() -> bool:
            return all((await reached()).values())

        with contextlib.suppress(AssertionError):
            await eventually(went_everywhere, within=60, every=0.1)
        assert await reached() == dict.fromkeys(SERVICES, True)

        worker = Worker(broker.address, tmp_path, "statistics", cluster.bus("aduan-statistics"))
        await worker.start()
        try:

            async def counted() -> bool:
                found = await worker.series()
                week = {"dimension": "all", "period": "week", "bucket": "current"}
                return 1 == sum(
                    number for (name, labels), number in found.items()
                    if name == "aduan_statistics_inflow" and week.items() <= dict(labels).items()
                )  # fmt: skip

            await worker.ready()
            await eventually(counted, within=30, every=0.2)
            assert await worker.stop() == 0
        finally:
            await worker.kill()
        found = json.loads(await cluster.examined())["findings"]
        logs = "".join(path.read_text() for path in tmp_path.glob("*.log"))
    # one broker, and nobody who takes mail: nothing else is to say of it
    assert {"topics", "connections"} == {o["check"] for o in found if o["severity"] == "warning"}
    assert [] == [one for one in found if one["severity"] == "error"]
    well = {one["check"] for one in found if one["severity"] == "ok"}
    assert {"settings", "connections", "access", "indexes", "keys", "clock", "reference"} <= well
    assert all(secret not in str(found) for secret in broker.doors.passwords.values())
    assert "bus.refused" not in logs
    assert all(password not in logs for password in broker.doors.passwords.values())
