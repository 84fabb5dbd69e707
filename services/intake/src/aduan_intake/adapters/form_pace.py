"""How many forms one address may send: against a machine that floods the form, not against people.

A whole kampung may share one address, so the limit is generous. No address is kept: it is hashed,
with a key of this process, into one of 65,536 places. That bounds the memory; two addresses that
meet in one place share its limit. Each replica counts for itself.
"""

import hashlib
import hmac
import secrets
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Final

from limits import RateLimitItemPerHour
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

_PLACE_BYTES: Final = 2


class FormPace:
    """Counts forms by address over the last hour."""

    def __init__(self, per_hour: int) -> None:
        """per_hour: at least 1."""
        self._limit = RateLimitItemPerHour(per_hour)
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._key = secrets.token_bytes(32)

    def take(self, address: str) -> bool:
        """Whether this address may send one more form now; it then counts.

        address: as the server saw it. Anything that is no IP address (a socket file, say) is one
        address; of IPv6 the first 64 bits count, because a household has all the rest.
        """
        return self._limiter.hit(self._limit, self._place(address))

    def _place(self, address: str) -> str:
        try:
            found = ip_address(address)
        except ValueError:
            network = "other"
        else:
            wide = isinstance(found, IPv6Address)
            network = str(IPv6Network((int(found) >> 64 << 64, 64)) if wide else found)
        return hmac.new(self._key, network.encode(), hashlib.sha256).digest()[:_PLACE_BYTES].hex()
