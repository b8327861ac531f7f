"""A Ray cluster: one that is there, or one that is started on this machine and ends with the work.

with connected("local", workers=2) as cores: ...
with connected("10.0.0.1:6379") as cores: ...
"""

import os
import re
import secrets
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from itertools import zip_longest
from typing import Any

from tendigits.errors import HostError, UserError
from tendigits.extras import require
from tendigits.files import muted

LOCAL = "local"

WAIT = 5.0
"""Seconds for a cluster to answer at its port."""

VARIABLES = {
    "RAY_AUTH_MODE": "token",  # whoever runs a cluster without tokens says so: RAY_AUTH_MODE=disabled
    "RAY_BACKEND_LOG_LEVEL": "fatal",  # what goes wrong comes as an error
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
"""Of this process and of a cluster that it starts, where they are not set."""

_ADDRESS = re.compile(r"(?:ray://)?(?P<host>[\w.-]+|\[[\da-fA-F:]+\]):(?P<port>\d{1,5})")


def is_address(text: str) -> bool:
    """Whether it says which cluster: `local`, `auto`, HOST:PORT or ray://HOST:PORT."""
    return text in (LOCAL, "auto") or _ADDRESS.fullmatch(text) is not None


def with_address(arguments: Sequence[str]) -> list[str]:
    """The arguments of a command, with `--ray local` for a `--ray` behind which stands no address."""
    found = []
    for argument, following in zip_longest(arguments, arguments[1:], fillvalue=""):
        found.append(argument)
        if argument == "--ray" and not is_address(following):
            found.append(LOCAL)
    return found


def set_variables() -> None:
    """Say how Ray is to work; before it is loaded, for it reads them but once."""
    for name, value in VARIABLES.items():
        os.environ.setdefault(name, value)


def prepare(address: str) -> None:
    """See that there can be a cluster, and say how Ray is to work.

    Raises:
        UserError: Ray is not installed, or the address is invalid.
    """
    require("--ray", "scale")
    if not is_address(address):
        raise UserError(f"--ray: expected local, auto, HOST:PORT or ray://HOST:PORT, received {address!r}")
    set_variables()
    if address == LOCAL:
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))


@contextmanager
def connected(address: str, *, workers: int | None = None, environment: Mapping[str, str] = {}) -> Iterator[int]:
    """Connect, and disconnect in the end; gives the cores that are there.

    A cluster of this machine is reached by processes that know its token only, and has no dashboard.

    Args:
        address: `local` starts one here, `auto` finds the one of this machine.
        workers: cores of one that is started; None takes all.
        environment: variables of the processes that work.

    Raises:
        UserError: Ray is not installed, or that is no address.
        HostError: there is no cluster, it does not answer, or it has no tendigits of this version.
    """
    prepare(address)
    if address != LOCAL:
        _answer(address)
    import ray

    common = {"logging_level": "ERROR", "log_to_driver": False, "runtime_env": {"env_vars": dict(environment)}}
    try:
        with muted(2):  # it says there that it was told to say nothing
            if address == LOCAL:
                ray.init("local", num_cpus=workers, include_dashboard=False, **common)
            else:
                ray.init(address, **common)
    except (ConnectionError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())[:300]
        raise HostError(f"no Ray cluster at {address}: {reason}") from None
    try:
        _same_version(ray)
        yield int(ray.cluster_resources().get("CPU", 1))
    finally:
        ray.shutdown()


def _answer(address: str) -> None:
    """Ask at the port: Ray itself would try for a minute, and then end the process."""
    found = _ADDRESS.fullmatch(address)
    if found is None:
        return
    try:
        with socket.create_connection((found["host"].strip("[]"), int(found["port"])), timeout=WAIT):
            return
    except (OSError, OverflowError) as error:
        raise HostError(f"no Ray cluster at {address}: {error}; start one: ray start --head") from None


def _same_version(ray: Any) -> None:
    """What is sent to the cluster refers to the tendigits there."""
    ours = version("tendigits")
    try:
        theirs = ray.get(ray.remote(num_cpus=0)(_their_version).remote())
    except ray.exceptions.RayError as error:  # it is not there at all
        theirs = f"none ({type(error).__name__})"
    if theirs != ours:
        raise HostError(f"expected tendigits {ours} on the cluster, found {theirs}; install it on every node")


def _their_version() -> str:
    return version("tendigits")
