"""How often one network may ask, kept in memory: a restart forgives, and nothing about a visitor is stored."""

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

# A house or an office behind one address signs up a few at a time; more is a machine.
BURST = 20
PER_SECOND = 30 / 3600
MOST_NETWORKS = 50_000
# What one customer of an internet provider holds.
PREFIX = {4: 32, 6: 56}


class Limiter:
    """A token bucket a network: `burst` at once, `per_second` after. Real seconds; safe from several threads."""

    def __init__(
        self, now: Callable[[], float] = time.monotonic, *, burst: int = BURST, per_second: float = PER_SECOND
    ) -> None:
        self._now, self._guard = now, threading.Lock()
        self._burst, self._per_second = float(burst), per_second
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allows(self, host: str) -> bool:
        """Whether `host` may ask now; counts it if so. Hosts that are no IP address share one bucket."""
        network, at = _network(host), self._now()
        with self._guard:
            left, since = self._buckets.pop(network, (self._burst, at))
            left = min(self._burst, left + (at - since) * self._per_second)
            allowed = left >= 1
            self._buckets[network] = (left - allowed, at)
            if len(self._buckets) > MOST_NETWORKS:
                self._buckets.popitem(last=False)
        return allowed


def _network(host: str) -> str:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return str(ipaddress.ip_network((address, PREFIX[address.version]), strict=False))
