"""Several processes, on one machine or many, train one network together: each runs the same command (SPMD).

    tendigits train --coordinator 10.0.0.1:9876 --processes 2 --process-id 0        # on the other machine: 1

`jax.distributed` connects them. Process 0 keeps the run folder; the others write nothing. They receive the recipe and
the checkpoint from process 0, and must have the same digits. The connections are neither encrypted nor authenticated:
use a private network.
"""

import hashlib
import json
import socket
import tempfile
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
import keras
import numpy as np
from jax.experimental import multihost_utils

from tendigits.data.load import load
from tendigits.engine.devices import data_parallel, waiting_for_processes
from tendigits.errors import DataError, HostError, UserError
from tendigits.files import muted
from tendigits.model.network import build_network, compile_network
from tendigits.model.recipe import Recipe
from tendigits.train.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from tendigits.train.console import Console
from tendigits.train.fitting import fit_recipe, number_of_steps
from tendigits.train.inputs import prepare_inputs

START_TIMEOUT = 120.0
"""Seconds that a process waits for the others to be started."""


def initialize(
    coordinator: str, processes: int, process_id: int, devices: int = 1, timeout: float = START_TIMEOUT
) -> keras.distribution.DataParallel:
    """Connect with the other processes, before JAX has done anything else.

    Args:
        coordinator: HOST:PORT of process 0, as every process reaches it.
        processes: their number.
        process_id: the number of this one, from 0.
        devices: number of devices that each process contributes.
        timeout: in seconds. JAX would abort; instead the process ends with one line.

    Returns:
        The devices of all processes.

    Raises:
        UserError: an argument is wrong, the port is in use, or the processes run different versions.
        HostError: a process was lost.
    """
    host, _, port = coordinator.rpartition(":")
    if not (host and port.isdecimal() and 0 < int(port) < 65536):
        raise UserError(f"--coordinator: expected HOST:PORT, received {coordinator!r}")
    if not 0 <= process_id < processes:
        raise UserError(f"--process-id: expected 0 to {processes - 1}, received {process_id}")
    if process_id == 0:
        try:
            socket.create_server(("", int(port))).close()  # JAX 0.10 may crash where it cannot listen
        except OSError as error:
            raise UserError(f"--coordinator: cannot listen at {coordinator} ({error}); choose another port") from None
    jax.config.update("jax_enable_recoverability", True)  # otherwise JAX aborts when a process is lost
    jax.config.update("jax_num_cpu_devices", devices)
    advice = f"run the same command with each --process-id from 0 to {processes - 1}; each must reach {coordinator}"
    with muted(1), waiting_for_processes("at the start", timeout, advice):  # Gloo prints to the standard output
        jax.distributed.initialize(
            coordinator, processes, process_id, cluster_detection_method="deactivate",
            initialization_timeout=int(2 * timeout) + 1,
        )  # fmt: skip
        _broadcast(b"")  # connects all devices now, not after one process has compiled for minutes
    require_same("versions", [version("tendigits"), version("jax")], UserError)
    return data_parallel(devices)


def require_same(what: str, value: object, error: type[UserError] = DataError) -> None:
    """Raise `error` in every process unless all have the same JSON `value`; raise HostError if one was lost."""
    if jax.process_count() == 1:
        return
    digest = np.frombuffer(hashlib.sha256(json.dumps(value, sort_keys=True).encode()).digest(), np.uint8)
    with waiting_for_processes("before the training"):
        digests: Any = multihost_utils.process_allgather(digest)
    different = [str(number) for number, other in enumerate(digests) if not np.array_equal(other, digests[0])]
    if different:
        _disconnect()
        raise error(
            f"expected the same {what} in every process, found different ones in process {', '.join(different)}"
        )


def send(recipe: Recipe, checkpoint: Checkpoint | None) -> None:
    """Process 0 tells the others what to train next. Raises HostError."""
    if jax.process_count() > 1:
        _broadcast(recipe.model_dump_json().encode())
        _broadcast(b"" if checkpoint is None else _to_bytes(checkpoint))


def finish() -> None:
    """Process 0 tells the others that there is nothing more to train, and waits until they know it."""
    if jax.process_count() > 1:
        with suppress(HostError):  # the training is finished anyway
            _broadcast(b"")
        _disconnect()


def train_along(distribution: keras.distribution.DataParallel, data: str | Path | None, console: Console) -> int:
    """What every process but the first does: train what process 0 sends, and write nothing.

    Returns:
        The number of networks trained.

    Raises:
        DataError: process 0 has different digits.
        HostError: another process was lost.
        TendigitsError: as `fit_recipe`.
    """
    dataset = load(data)
    require_same("digits", dataset.digests)
    trained = 0
    while recipe_json := _broadcast():
        recipe, checkpoint = Recipe(**json.loads(recipe_json)), _from_bytes(_broadcast())
        inputs = prepare_inputs(dataset, recipe)
        model = compile_network(build_network(recipe), recipe, number_of_steps(recipe, len(inputs.x)))
        name = f"process {jax.process_index()} of {jax.process_count()}"
        console.line(f"{name} trains along: {recipe.name}")
        with console.epochs(recipe.epochs, name) as progress:
            fit_recipe(model, inputs, recipe, lambda _: None, checkpoint, [progress], distribution)
        trained += 1
    _disconnect()
    return trained


def _broadcast(content: bytes = b"") -> bytes:
    """The content that process 0 gives, in every process."""
    with waiting_for_processes("before the training"):
        length = int(multihost_utils.broadcast_one_to_all(np.int32(len(content))))
        given = np.frombuffer(content or bytes(length), np.uint8)
        received: bytes = multihost_utils.broadcast_one_to_all(given).tobytes() if length else b""
    return received


def _disconnect() -> None:
    """Process 0 waits until the others have disconnected: they would abort when it ends before them."""
    if jax.process_index() > 0:
        jax.distributed.shutdown()
    with suppress(HostError), waiting_for_processes("after the training"):
        multihost_utils.process_allgather(np.int32(0))


def _to_bytes(checkpoint: Checkpoint) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return save_checkpoint(checkpoint, Path(folder)).read_bytes()


def _from_bytes(content: bytes) -> Checkpoint | None:
    if not content:
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "checkpoint.npz"
        path.write_bytes(content)
        return load_checkpoint(path)
