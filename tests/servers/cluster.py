"""`make cluster`: the distributed engine in small, on one machine, until Ctrl-C.

A Kafka and a MongoDB of the project's own, topics and databases made, two replicas of each service in
processes of their own, simulated partners and mail; then the written samples are fed. For looking and
trying: everything is in a temporary folder and gone afterwards.
"""

import argparse
import asyncio
import json
import signal
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from aduan_cluster import ROOT, Cluster
from aduan_servers import choice

from aduan_standalone.cli.instance import SERVICES

SAMPLES = ROOT / "reference" / "samples" / "complaints.jsonl"


async def show(folder: Path, replicas: int, *, leave: bool) -> None:
    """Start everything, feed, tell where to look; stay until told to stop."""
    kafka = await asyncio.to_thread(choice.kafka, folder / "kafka")
    print(kafka.facts)
    mongo = await asyncio.to_thread(choice.mongodb, folder / "mongod")
    print(mongo.facts)
    try:
        cluster = Cluster(folder, kafka=kafka.address, mongo=mongo, replicas=replicas)
        async with cluster:
            for name in SERVICES:
                print(f"{name}: {cluster.url_of(name)} for {replicas} processes")
            await cluster.command("feed", str(SAMPLES), *cluster.to())
            print(await cluster.command("status", *cluster.to()))
            print(
                f"citizens: {cluster.url_of('intake')}/lapor   desk: {cluster.url_of('routing')}/meja"
            )
            print(f"letters: {cluster.url_of('notify')}/notify/outbox   logs: {folder}")
            print(f"again: ADUAN_TOKEN={cluster.token} aduan status {' '.join(cluster.to())}")
            if not leave:
                stopped = asyncio.Event()
                for how in (signal.SIGINT, signal.SIGTERM):
                    asyncio.get_running_loop().add_signal_handler(how, stopped.set)
                print("Ctrl-C ends it.", flush=True)
                await stopped.wait()
            else:
                await settled(cluster)
    finally:
        kafka.end()
        mongo.end()


async def settled(cluster: Cluster) -> None:
    """Wait until nothing is on its way, and print the numbers."""
    async with asyncio.timeout(300):
        while True:
            found = json.loads(await cluster.command("status", "--json", *cluster.to()))
            if not any(found[name] for name in ("pending", "held", "in_flight", "lag")):
                break
            await asyncio.sleep(1.0)
    print(await cluster.command("status", *cluster.to()))


def main() -> None:
    """Run until Ctrl-C; with --exit until everything has come to rest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicas", type=int, default=2)
    parser.add_argument("--exit", action="store_true", help="leave once everything is at rest")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="aduan-cluster-") as folder:
        asyncio.run(show(Path(folder), asked.replicas, leave=asked.exit))


if __name__ == "__main__":
    main()
