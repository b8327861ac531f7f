"""How many connections an address has, so that one client cannot take them all.

addresses = AddressCounter(most=64)
if addresses.admit("192.0.2.7"): ...
addresses.release("192.0.2.7")
"""

import ipaddress
from collections import Counter


class AddressCounter:
    """The open connections of each address."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._open: Counter[str] = Counter()

    def admit(self, address: str) -> bool:
        """Count one more connection; False, and nothing is counted, if the address has `most` already."""
        owner = owner_of(address)
        if self._open[owner] >= self.most:
            return False
        self._open[owner] += 1
        return True

    def release(self, address: str) -> None:
        """An admitted connection has ended."""
        owner = owner_of(address)
        self._open[owner] -= 1
        if not self._open[owner]:
            del self._open[owner]


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
