"""Hosts find each other before JAX connects them: JAX itself would end the process where one of them does not come.

meet(("10.0.0.1", 9876), host=0, hosts=2, about="tendigits 0.1.0", wait=120)      # returns when all are there
"""

import json
import socket
import time
from contextlib import ExitStack, suppress
from typing import Any

from tendigits.errors import HostError, UserError

PAUSE = 0.2
"""Seconds between two tries to reach the first host."""

PATIENCE = 5
"""Seconds for a visitor to say who it is, and for an answer to be on its way."""

LONGEST = 1000
"""Bytes of what one host says to another."""


def meet(first: tuple[str, int], host: int, hosts: int, about: str, wait: float) -> None:
    """Wait until every host has come to the first one, and all say the same of themselves.

    Args:
        first: name or address, and port, of host 0.
        host: which this one is.
        hosts: how many they are.
        about: what must be the same on all.
        wait: seconds that host 0 waits for the others, and each of them for it.

    Raises:
        HostError: one did not come, or host 0 could not be reached.
        UserError: the port is taken, two are the same host, or one says something else of itself.
    """
    until = time.monotonic() + wait
    if host == 0:
        _receive(first, hosts, about, until, wait)
    else:
        _report(first, {"host": host, "hosts": hosts, "about": about}, until, wait)


def _receive(first: tuple[str, int], hosts: int, about: str, until: float, wait: float) -> None:
    with ExitStack() as stack:
        listener = stack.enter_context(_listener(first))
        came: dict[int, socket.socket] = {}
        while len(came) < hosts - 1:
            listener.settimeout(max(0.01, until - time.monotonic()))
            try:
                visitor = stack.enter_context(listener.accept()[0])
            except TimeoutError:
                missing = ", ".join(str(number) for number in range(1, hosts) if number not in came)
                _answer([*came.values()], "the others did not come")
                raise HostError(
                    f"waited {wait:g} s for host {missing} to come to {first[0]}:{first[1]}; start the same command on "
                    "each, and let this one be reached at that port"
                ) from None
            said = _heard(visitor, min(until, time.monotonic() + PATIENCE))
            if said is None:  # a stranger, such as a port scan
                continue
            wrong = _what_is_wrong(said, hosts, about, came)
            if wrong:
                _answer([visitor, *came.values()], wrong)
                raise UserError(wrong)
            came[said["host"]] = visitor
        _answer([*came.values()], "")


def _report(first: tuple[str, int], said: dict[str, Any], until: float, wait: float) -> None:
    where = f"{first[0]}:{first[1]}"
    while True:
        try:
            with socket.create_connection(first, timeout=max(0.01, until - time.monotonic())) as connection:
                connection.sendall(json.dumps(said).encode() + b"\n")
                # The first waits `wait` from its own start, which is before now: outlast it, to hear what it says.
                answer = _heard(connection, time.monotonic() + wait + PATIENCE)
        except OSError as error:
            if time.monotonic() + PAUSE > until:
                reason = error.strerror or str(error)
                raise HostError(
                    f"waited {wait:g} s for host 0 at {where} ({reason}); start the same command there"
                ) from None
            time.sleep(PAUSE)
            continue
        if answer is None:
            raise HostError(f"host 0 at {where} has gone, or is no tendigits; start the same command there")
        if wrong := answer.get("wrong"):
            raise UserError(str(wrong))
        return


def _listener(first: tuple[str, int]) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(*first, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family)
    except OSError as error:
        raise UserError(f"--hosts: cannot listen at {first[0]}:{first[1]} ({error}); choose another") from None


def _heard(connection: socket.socket, until: float) -> dict[str, Any] | None:
    """One line of JSON; None where nothing came, or something else."""
    received = b""
    with suppress(OSError, ValueError):
        while not received.endswith(b"\n") and len(received) < LONGEST:
            connection.settimeout(max(0.01, until - time.monotonic()))
            if not (more := connection.recv(LONGEST)):
                return None
            received += more
        said = json.loads(received)
        return said if isinstance(said, dict) else None
    return None


def _what_is_wrong(said: dict[str, Any], hosts: int, about: str, came: dict[int, socket.socket]) -> str:
    number = said.get("host")
    if said.get("hosts") != hosts or number not in range(1, hosts):
        return f"expected the same --hosts everywhere, host {number!r} has {said.get('hosts')!r} and host 0 has {hosts}"
    if number in came:
        return f"expected one host {number}, two came; say which one each is with --host"
    if said.get("about") != about:
        return f"expected {about} on every host, found {str(said.get('about'))[:100]} on host {number}"
    return ""


def _answer(connections: list[socket.socket], wrong: str) -> None:
    for connection in connections:
        with suppress(OSError):
            connection.sendall(json.dumps({"wrong": wrong}).encode() + b"\n")
