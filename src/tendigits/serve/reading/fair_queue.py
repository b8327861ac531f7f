"""Who is next: of the addresses that wait, the one whose work runs least now, and has had least time of late.

queue = FairQueue(capacity=64, per_address=16)
queue.put(("192.0.2.7", 50123), item)       # raises QueueFull
sender, item = queue.take()
queue.done(sender, seconds=0.3)

The connections of an address take turns, and to open a new one for each picture gains nothing: slow pictures hold up
only further ones on the same connection. Nothing here knows of time-outs, threads or processes.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Generic, TypeVar

Item = TypeVar("Item")
Sender = tuple[str, int]
"""Address and port of a connection."""

HALF_LIFE = 10.0
"""Seconds after which half of the time that somebody has had is forgotten."""

FORGOTTEN = 0.001
"""Seconds that are as good as none: who has had no more is new."""


class QueueFull(Exception):
    """Too much work is waiting; the client should retry later."""


@dataclass
class _Account:
    """What an address has had."""

    running: int = 0
    seconds: float = 0.0
    at: float = 0.0
    """When `seconds` was right."""


class FairQueue(Generic[Item]):
    """Work that waits, by sender."""

    def __init__(self, capacity: int, per_address: int, now: Callable[[], float] = time.monotonic) -> None:
        self._capacity, self._per_address, self._now = capacity, per_address, now
        self._waiting: dict[str, dict[Sender, deque[tuple[int, Item]]]] = {}
        """By address, then by connection; the numbers of the first ones say whose turn it is."""
        self._accounts: dict[str, _Account] = {}
        self._numbers = count()

    def __len__(self) -> int:
        return sum(self._waiting_of(address) for address in self._waiting)

    def put(self, sender: Sender, item: Item) -> None:
        """Let it wait. Raises QueueFull if too many wait, in all or of this address."""
        if len(self) >= self._capacity or self._waiting_of(sender[0]) >= self._per_address:
            raise QueueFull
        own = self._waiting.setdefault(sender[0], {}).setdefault(sender, deque())
        own.append((next(self._numbers), item))

    def take(self) -> tuple[Sender, Item]:
        """Whose turn it is, and for what; it counts as running until `done`. Raises LookupError if nothing waits."""
        if not self._waiting:
            raise LookupError("nothing waits")
        address = min(self._waiting, key=lambda each: (*self._had(each), self._first(each)))
        lines = self._waiting[address]
        sender = min(lines, key=lambda each: lines[each][0][0])
        _, item = lines[sender].popleft()
        self._drop_empty(sender)
        self._put_last(sender)
        self._accounts.setdefault(address, _Account(at=self._now())).running += 1
        return sender, item

    def remove(self, sender: Sender, item: Item) -> bool:
        """Take out what is no longer wanted; whether it waited still."""
        own = self._waiting.get(sender[0], {}).get(sender, deque())
        found = next((each for each in own if each[1] is item), None)
        if found is not None:
            own.remove(found)
            self._drop_empty(sender)
        return found is not None

    def done(self, sender: Sender, seconds: float) -> None:
        """What was taken has ended; it took so long."""
        own = self._accounts[sender[0]]
        own.running -= 1
        own.seconds, own.at = self._seconds(own) + seconds, self._now()
        self._put_last(sender)
        for address, account in [*self._accounts.items()]:
            if not account.running and not self._seconds(account):
                del self._accounts[address]

    def _waiting_of(self, address: str) -> int:
        return sum(map(len, self._waiting.get(address, {}).values()))

    def _first(self, address: str) -> int:
        return min(own[0][0] for own in self._waiting[address].values())

    def _had(self, address: str) -> tuple[int, float]:
        account = self._accounts.get(address, _Account())
        return account.running, self._seconds(account)

    def _seconds(self, account: _Account) -> float:
        left = account.seconds * 0.5 ** ((self._now() - account.at) / HALF_LIFE)
        return float(left) if left >= FORGOTTEN else 0.0

    def _put_last(self, sender: Sender) -> None:
        """Who has had a turn comes after all others of the address who wait."""
        own = self._waiting.get(sender[0], {}).get(sender)
        if own:
            own[0] = next(self._numbers), own[0][1]

    def _drop_empty(self, sender: Sender) -> None:
        lines = self._waiting.get(sender[0], {})
        if sender in lines and not lines[sender]:
            del lines[sender]
        if not lines:
            self._waiting.pop(sender[0], None)
