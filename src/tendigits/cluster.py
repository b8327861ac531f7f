"""Connect to a Ray cluster, or start one on this machine that ends with the work.

with connected("local", workers=2) as cores: ...
with connected("10.0.0.1:6379") as cores: ...
"""

import os
import re
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import zip_longest

from tendigits.errors import HostError, UserError, reason_of
from tendigits.extras import require
from tendigits.files import muted

LOCAL = "local"
CONNECT_TIMEOUT_SECONDS = 5.0
VARIABLES = {  # defaults of environment variables, for this process and for a cluster that it starts
    "RAY_AUTH_MODE": "token",  # a cluster without tokens needs RAY_AUTH_MODE=disabled
    "RAY_BACKEND_LOG_LEVEL": "fatal",  # failures are raised as exceptions
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_health_check_failure_threshold": "40",  # a busy machine fails some in a row, and is not dead
}
_ADDRESS = re.compile(r"(?:ray://)?(?P<host>[\w.-]+|\[[\da-fA-F:]+\]):(?P<port>\d{1,5})")


def is_address(text: str) -> bool:
    """Whether `text` is `local`, `auto`, HOST:PORT or ray://HOST:PORT."""
    return text in (LOCAL, "auto") or _ADDRESS.fullmatch(text) is not None


def with_address(arguments: Sequence[str]) -> list[str]:
    """The arguments of a command, with `--ray local` for `--ray` without an address."""
    found = []
    for argument, following in zip_longest(arguments, arguments[1:], fillvalue=""):
        found.append(argument)
        if argument == "--ray" and not is_address(following):
            found.append(LOCAL)
    return found


def prepare(address: str) -> None:
    """Check the address and set Ray's environment variables, before Ray is imported. Raises UserError."""
    require("--ray", "scale")
    if not is_address(address):
        raise UserError(f"--ray: expected local, auto, HOST:PORT or ray://HOST:PORT, received {address!r}")
    for name, value in VARIABLES.items():
        os.environ.setdefault(name, value)
    if address == LOCAL:
        os.environ.setdefault("RAY_AUTH_TOKEN", os.urandom(32).hex())


@contextmanager
def connected(address: str, *, workers: int | None = None, environment: Mapping[str, str] = {}) -> Iterator[int]:
    """Connect to a cluster, and disconnect at the end. Yields its number of cores.

    A cluster that is started here has no dashboard, and accepts only processes with its token.

    Args:
        address: `local` starts a cluster; `auto` finds the one that this machine is part of.
        workers: cores of a cluster that is started; None is all.
        environment: environment variables of the worker processes.

    Raises:
        UserError: Ray is not installed, or the address is invalid.
        HostError: the cluster cannot be reached, or has another version of tendigits.
    """
    prepare(address)
    if (parts := _ADDRESS.fullmatch(address)) is not None:
        try:  # where the port does not answer Ray would try for a minute, and then end the process
            socket.create_connection((parts["host"].strip("[]"), int(parts["port"])), CONNECT_TIMEOUT_SECONDS).close()
        except (OSError, OverflowError) as error:
            raise HostError(f"no Ray cluster at {address}: {error}; start one: ray start --head") from None
    from importlib.metadata import version

    import ray

    options = {"logging_level": "ERROR", "log_to_driver": False, "runtime_env": {"env_vars": dict(environment)}}
    if address == LOCAL:
        options |= {"num_cpus": workers, "include_dashboard": False}
    try:
        with muted(2):  # Ray prints there before it reads its log level
            ray.init(address, **options)
    except Exception as error:  # Ray raises many classes, and Exception itself if a node does not start
        raise HostError(f"no Ray cluster at {address}: {reason_of(error) or type(error).__name__}") from None
    try:
        try:
            found = ray.get(ray.remote(num_cpus=0)(version).remote("tendigits"))
        except ray.exceptions.RayError as error:
            found = f"none ({type(error).__name__})"
        if found != (expected := version("tendigits")):  # tasks are sent by name, so the nodes need the same code
            raise HostError(f"expected tendigits {expected} on the cluster, found {found}; install it on every node")
        yield int(ray.cluster_resources().get("CPU", 1))
    finally:
        ray.shutdown()
