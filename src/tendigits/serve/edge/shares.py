"""How much of something each address has, so that one client cannot take it all.

connections = Shares(total=512, each=64)
if connections.take("192.0.2.7"): ...
connections.give_back("192.0.2.7")
"""

import ipaddress
from collections import Counter
from functools import lru_cache


class Shares:
    """Amounts that addresses have taken, of a total, and each at most a share."""

    def __init__(self, total: int, each: int) -> None:
        self.total, self.each, self.taken = total, each, 0
        self._of: Counter[str] = Counter()

    def take(self, address: str, amount: int = 1) -> bool:
        """Take so much more; False, and nothing is taken, if the address' share or the total would be exceeded."""
        owner = owner_of(address)
        if self.taken + amount > self.total or self._of[owner] + amount > self.each:
            return False
        self.taken += amount
        self._of[owner] += amount
        return True

    def give_back(self, address: str, amount: int = 1) -> None:
        """Give back what was taken."""
        owner = owner_of(address)
        self.taken -= amount
        self._of[owner] -= amount
        if not self._of[owner]:
            del self._of[owner]


@lru_cache(maxsize=1024)
def owner_of(address: str) -> str:
    """Who has an address: of IPv6 the network of 64 bits, for a client gets a whole one and may use all of it."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:  # a socket of the file system has none
        return address
    if parsed.version == 4:
        return address
    if parsed.ipv4_mapped is not None:  # a client by IPv4 of a server that listens on "::"
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(parsed) >> 64 << 64, 64)))
