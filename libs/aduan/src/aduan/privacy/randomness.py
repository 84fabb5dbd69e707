"""Random bytes of the operating system, fetched in pages instead of one call for each few bytes.

A complaint needs a dozen random values (ids, data key, nonces). Each call to the system gives up the
interpreter lock and waits to get it back, which cost the POST more than its encryption. Every byte
is handed out once and then forgotten; a forked process starts with a page of its own.
"""

import os
import threading
from typing import Final

PAGE: Final = 4096


class Pages:
    """A source of random bytes for all threads of a process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._page = b""
        self._used = 0
        os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._page, self._used = b"", 0

    def take(self, count: int) -> bytes:
        """Return `count` random bytes, at most a page, that nobody else gets."""
        with self._lock:
            start, end = self._used, self._used + count
            if end > len(self._page):
                self._page = os.urandom(max(PAGE, count))
                start, end = 0, count
            self._used = end
            return self._page[start:end]


_pages: Final = Pages()


def random_bytes(count: int) -> bytes:
    """Return `count` random bytes, fit for keys and nonces."""
    return _pages.take(count)
