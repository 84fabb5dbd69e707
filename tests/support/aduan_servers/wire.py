"""One question that no client library passes on: which release of Kafka a broker is.

A broker tells its version nowhere, but the level of its metadata is one that a release introduced.
"""

import socket
import struct
from dataclasses import dataclass
from typing import Final

API_VERSIONS: Final = 18
REQUEST_VERSION: Final = 3
FINALIZED_FEATURES: Final = 2
FEATURE: Final = "metadata.version"
SECONDS: Final = 5.0


def release(address: str) -> str:
    """Return the metadata level of the cluster at host:port,... , for a person to look up."""
    levels = finalized(address)
    return f"with {FEATURE} {levels[FEATURE]}" if FEATURE in levels else "of an unknown release"


def finalized(address: str) -> dict[str, int]:
    """Ask the first broker of an address which feature levels its cluster has settled on."""
    host, _, port = address.split(",", maxsplit=1)[0].rpartition(":")
    client = b"aduan"
    name = bytes([len(client) + 1]) + client
    body = (
        struct.pack(">hhih", API_VERSIONS, REQUEST_VERSION, 1, len(client))
        + client + b"\0" + name + b"\x021" + b"\0"
    )  # fmt: skip
    with socket.create_connection((host, int(port)), SECONDS) as connection:
        connection.sendall(struct.pack(">i", len(body)) + body)
        with connection.makefile("rb") as stream:
            (length,) = struct.unpack(">i", stream.read(4))
            return _features(_Reader(stream.read(length)))


@dataclass
class _Reader:
    """A cursor over an answer."""

    data: bytes
    at: int = 0

    def skip(self, count: int) -> None:
        self.at += count

    def short(self) -> int:
        self.at += 2
        return int(struct.unpack_from(">h", self.data, self.at - 2)[0])

    def varint(self) -> int:
        value = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def text(self) -> str:
        length = self.varint() - 1
        self.at += length
        return self.data[self.at - length : self.at].decode()

    def skip_tags(self) -> None:
        for _ in range(self.varint()):
            self.varint()
            self.skip(self.varint())


def _features(answer: _Reader) -> dict[str, int]:
    answer.skip(4)  # the number of our question
    if answer.short() != 0:
        return {}
    for _ in range(answer.varint() - 1):
        answer.skip(6)
        answer.skip_tags()
    answer.skip(4)  # throttling
    found: dict[str, int] = {}
    for _ in range(answer.varint()):
        tag, length = answer.varint(), answer.varint()
        end = answer.at + length
        if tag == FINALIZED_FEATURES:
            for _ in range(answer.varint() - 1):
                name = answer.text()
                found[name] = answer.short()
                answer.skip(2)
                answer.skip_tags()
        answer.at = end
    return found
