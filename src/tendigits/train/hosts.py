"""Several processes, on one machine or many, train one network together: the same command is called on each.

    tendigits train --hosts 10.0.0.1:9876,10.0.0.2        # on both

The first host has the recipe, the run folder and every decision; it tells the others what to train, from which
checkpoint, and they follow. JAX connects them, unencrypted and open to who reaches the ports: in a network of your own.
"""

import json
import socket
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
import keras
import numpy as np
from jax.experimental import multihost_utils

from tendigits.engine.devices import Placement, data_parallel
from tendigits.errors import DataError, HostError, UserError
from tendigits.files import muted
from tendigits.model.recipe import Recipe
from tendigits.train.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from tendigits.train.meet import meet

WAIT = 120
"""Seconds that a host waits for the others to be started."""

Digests = dict[str, str]


@dataclass(frozen=True)
class Team:
    """Devices of one or more hosts that train together."""

    distribution: keras.distribution.DataParallel
    hosts: int = 1
    host: int = 0

    def announce(self, recipe: Recipe, digests: Digests, checkpoint: Checkpoint | None) -> None:
        """On the first host: let the others begin this training.

        Raises:
            DataError: one of them has other digits.
            HostError: one of them is gone.
        """
        if self.hosts > 1:
            about = {"recipe": recipe.model_dump(mode="json"), "digests": digests}
            _broadcast(json.dumps(about).encode(), b"" if checkpoint is None else _packed(checkpoint))
            self.agree(are_same=True)

    def dismiss(self) -> None:
        """On the first host: there is nothing more to train. Returns when the others have left."""
        if self.hosts > 1:
            with suppress(HostError):  # who is gone needs not be told
                _broadcast(b"", b"")
                self.agree(are_same=True)

    def hear(self) -> tuple[Recipe, Digests, Checkpoint | None] | None:
        """On the others: what the first announces; None where it dismisses. Raises HostError."""
        with _explaining():
            lengths = multihost_utils.broadcast_one_to_all(np.zeros(2, np.int32))
            content = multihost_utils.broadcast_one_to_all(np.zeros(int(lengths.sum()), np.uint8)).tobytes()
        if not content:
            jax.distributed.shutdown()  # before the first host ends, which would end this process with an abort
            self.agree(are_same=True)
            return None
        about = json.loads(content[: lengths[0]])
        return Recipe(**about["recipe"]), about["digests"], _unpacked(content[lengths[0] :])

    def agree(self, *, are_same: bool) -> None:
        """Say whether the digits here are those of the first host, and hear it of the others.

        Raises:
            DataError: on every host, where one of them has others.
            HostError: one of them is gone.
        """
        with _explaining():
            answers: Any = multihost_utils.process_allgather(np.array([are_same]))
        others = ", ".join(str(number) for number, (answer,) in enumerate(answers) if not answer)
        if others:
            raise DataError(
                f"expected the same digits on every host, found others on host {others}; give them with --data"
            )


def join(hosts: Sequence[str], host: int | None = None, devices: int = 1, wait: int = WAIT) -> Team:
    """Wait until every host is there, before JAX has begun.

    Args:
        hosts: names or addresses; of the first also the port, as HOST:PORT.
        host: which of them this process is, from 0; None finds the one that is an address of this machine.
        devices: of each host.
        wait: seconds.

    Raises:
        UserError: a host is unclear, or has another version.
        HostError: not all of them came.
    """
    first, colon, port = hosts[0].rpartition(":")
    if len(hosts) < 2 or not (colon and first and port.isdecimal()):
        raise UserError(f"--hosts: expected FIRST:PORT,SECOND,..., received {','.join(hosts)!r}")
    number = _own_number([first, *hosts[1:]]) if host is None else host
    if not 0 <= number < len(hosts):
        raise UserError(f"--host: expected 0 to {len(hosts) - 1}, received {number}")
    meet((first, int(port)), number, len(hosts), f"tendigits {version('tendigits')} and jax {version('jax')}", wait)
    jax.config.update("jax_enable_recoverability", True)  # else a lost host ends this one with an abort
    with suppress(RuntimeError):
        jax.config.update("jax_num_cpu_devices", devices)
    with muted(1), _explaining():  # Gloo greets on the standard output, where a program may wait for our JSON
        jax.distributed.initialize(hosts[0], len(hosts), number, cluster_detection_method="deactivate")
        team = Team(data_parallel(devices), len(hosts), number)
        _greet(team)
    return team


def _own_number(names: Sequence[str]) -> int:
    """The one host of these whose address is one of this machine's: a socket can be bound to it."""
    own = [number for number, name in enumerate(names) if _is_here(name)]
    if len(own) != 1:
        here = f"{len(own)} of them are" if own else "none of them is"
        raise UserError(f"--hosts: {here} this machine; say which one this is with --host, from 0")
    return own[0]


def _is_here(name: str) -> bool:
    try:
        found = socket.getaddrinfo(name, 0, type=socket.SOCK_DGRAM)
    except OSError as error:
        raise UserError(f"--hosts: {name!r} cannot be found: {error}") from None
    for family, kind, _, _, address in found:
        with suppress(OSError), socket.socket(family, kind) as probe:
            probe.bind(address)
            return True
    return False


def _broadcast(about: bytes, packed: bytes) -> None:
    with _explaining():
        multihost_utils.broadcast_one_to_all(np.array([len(about), len(packed)], np.int32))
        multihost_utils.broadcast_one_to_all(np.frombuffer(about + packed, np.uint8))


@contextmanager
def _explaining() -> Iterator[None]:
    try:
        yield
    except jax.errors.JaxRuntimeError as error:
        raise HostError(f"lost another host before the training ({str(error).splitlines()[0][:200]})") from None


def _packed(checkpoint: Checkpoint) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return save_checkpoint(checkpoint, Path(folder)).read_bytes()


def _unpacked(content: bytes) -> Checkpoint | None:
    if not content:
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "checkpoint.npz"
        path.write_bytes(content)
        return load_checkpoint(path)


def _greet(team: Team) -> None:
    """Let every device meet the others, in each way in which they will."""
    placement = Placement.of(team.distribution)
    ones = placement.parted(np.ones((1, team.distribution.num_model_replicas), np.float32))
    jax.block_until_ready(jax.jit(jax.numpy.sum)(ones))
    multihost_utils.broadcast_one_to_all(np.zeros(1, np.int32))
