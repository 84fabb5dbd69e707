"""The two shortcuts of the hot path give what the library would give."""

import hashlib
import hmac
import os
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aduan.privacy.mac import Mac
from aduan.privacy.randomness import PAGE, Pages, random_bytes


@given(st.binary(max_size=64), st.binary(max_size=5000))
def test_a_prepared_key_gives_the_same_as_the_library(key: bytes, message: bytes) -> None:
    """HMAC-SHA256, for any key of a block and any message."""
    assert hmac.digest(key, message, hashlib.sha256) == Mac(key).digest(message)


def test_a_key_over_a_block_is_refused() -> None:
    """The standard would hash it first; none of ours is that long."""
    with pytest.raises(ValueError, match="64 bytes"):
        Mac(b"k" * 65)


def test_no_byte_is_handed_out_twice() -> None:
    """Neither within a page nor over its end, from eight threads at a time."""
    pages = Pages()
    found: list[bytes] = []

    def take() -> None:
        found.extend(pages.take(12) for _ in range(2_000))

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 16_000 == len(set(found))


@pytest.mark.parametrize("count", [0, 1, 56, PAGE, PAGE + 1])
def test_as_many_bytes_come_as_were_asked_for(count: int) -> None:
    """More than a page too."""
    assert count == len(random_bytes(count))


def test_a_forked_process_gets_bytes_of_its_own() -> None:
    """Parent and child would otherwise use the same nonces."""
    pages = Pages()
    pages.take(1)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, pages.take(32))
        os._exit(0)
    os.waitpid(child, 0)

    assert pages.take(32) != os.read(reading, 32)
