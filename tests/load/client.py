"""Load from a process of its own: keep-alive connections, each one request at a time.

    python -m tests.load.client PORT KEY CONNECTIONS COUNT PREFIX [RATE]

A client library would cost more than the servers that it measures, so this speaks just enough
HTTP/1.1. Prints one line of JSON. RATE: requests per second over all connections, else as fast as
answers come. Latency is counted from when a request was due, so a stall is not hidden.
"""

import asyncio
import json
import random
import sys
import time
from dataclasses import dataclass, field

TEXTS = (
    "Lampu jalan di depan balai RW padam sejak tiga malam, mohon dicek. Hubungi 0812-3456-7890.",
    "Saluran air di gang kami tersumbat sampah, setiap hujan sore air masuk ke teras rumah warga.",
    "Jalan berlubang cukup dalam dekat pasar, kemarin ada pengendara motor yang terjatuh di situ.",
    "Sampah di pinggir kali sudah seminggu tidak diangkut, baunya sampai ke sekolah. Email w@ex.test",
    "Pohon besar di tikungan sudah miring ke arah kabel, kami khawatir roboh kalau angin kencang.",
)


def body_of(number: int, prefix: str) -> bytes:
    """A complaint with a reporter, as a portal sends it."""
    given = {
        "external_id": f"{prefix}-{number}",
        "text": TEXTS[number % len(TEXTS)],
        "title": "Laporan warga",
        "anonymous": False,
        "confidential": False,
        "place": {"area_code": "33.74.08.1001", "text": "depan balai RW"},
        "reporter": {
            "name": "Sekar Larasati",
            "email": "sekar@ex.test",
            "phone": "081200000000",
        },
    }
    return json.dumps(given).encode()


def request_of(port: int, key: str, body: bytes) -> bytes:
    """The bytes of one POST."""
    head = (
        f"POST /v1/complaints HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        f"Authorization: Bearer {key}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


@dataclass
class Run:
    """What is to be sent, and what came of it."""

    requests: list[bytes]
    rate: float = 0.0
    next: int = 0
    began: float = 0.0
    statuses: dict[int, int] = field(default_factory=dict)
    latencies: list[float] = field(default_factory=list)

    def take(self) -> tuple[bytes, float] | None:
        """Return the next request and the moment at which it is due."""
        if self.next >= len(self.requests):
            return None
        number, self.next = self.next, self.next + 1
        due = self.began + number / self.rate if self.rate else time.perf_counter()
        return self.requests[number], due


async def _answer(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    low = head.lower()
    at = low.find(b"content-length:")
    length = int(low[at + 15 : low.index(b"\r\n", at)]) if at >= 0 else 0
    if length:
        await reader.readexactly(length)
    return int(head[9:12])


async def _connection(port: int, run: Run) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while (taken := run.take()) is not None:
        request, due = taken
        if (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        writer.write(request)
        status = await _answer(reader)
        run.latencies.append(time.perf_counter() - due)
        run.statuses[status] = run.statuses.get(status, 0) + 1
    writer.close()
    await writer.wait_closed()


async def main(port: int, key: str, connections: int, count: int, prefix: str, rate: float) -> None:
    """Send, and print what was seen."""
    requests = [request_of(port, key, body_of(n, prefix)) for n in range(count)]
    random.Random(prefix).shuffle(requests)
    run = Run(requests, rate)
    run.began = time.perf_counter()
    await asyncio.gather(*(_connection(port, run) for _ in range(connections)))
    seconds = time.perf_counter() - run.began
    run.latencies.sort()
    told = {
        "seconds": seconds,
        "statuses": run.statuses,
        "p50": run.latencies[len(run.latencies) // 2],
        "p99": run.latencies[int(len(run.latencies) * 0.99)],
    }
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    import uvloop

    _port, _key, _connections, _count, _prefix, *_rate = sys.argv[1:]
    uvloop.run(
        main(int(_port), _key, int(_connections), int(_count), _prefix, float((_rate or ["0"])[0]))
    )
