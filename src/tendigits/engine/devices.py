"""Data-parallel training: each device computes its share of every batch, and all have the same weights.

distribution = data_parallel(4)                       # Keras' own, over four devices
tendigits.fit(model, ..., distribution=distribution)  # the same weights as on one device, within float tolerance

Every device holds all digits, as bytes, and picks its share of a shuffled batch; XLA sums the gradients. Devices of
other processes can take part: see tendigits.train.spmd.
"""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from typing import Any

import jax
import keras
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec

from tendigits.errors import HostError, UserError

PROCESS_TIMEOUT = 300.0
"""Seconds without an answer after which another process counts as lost: its machine, or the network, is down."""
RESUME = "resume with: tendigits train --resume"


def data_parallel(devices: int) -> keras.distribution.DataParallel:
    """Keras' distribution over the first `devices` devices of each process.

    Without a GPU they are virtual CPU devices, which share the cores: for tests, not for speed.

    Raises:
        UserError: this machine has fewer devices, or JAX has started with fewer virtual ones.
    """
    with suppress(RuntimeError):  # JAX has started: its number of devices is fixed
        jax.config.update("jax_num_cpu_devices", devices)
    found = jax.local_device_count()
    if found < devices:
        kind = jax.local_devices()[0].platform
        hint = "; JAX has already started: restart Python" if kind == "cpu" else ""
        raise UserError(f"expected {devices} devices, found {found} ({kind}){hint}")
    chosen = [
        f"{device.platform}:{device.id}"
        for process in range(jax.process_count())
        for device in jax.local_devices(process)[:devices]
    ]
    return keras.distribution.DataParallel(devices=chosen)


@dataclass(frozen=True)
class Placement:
    """Where arrays are while a model is trained: on JAX's default device, or on all devices of a mesh."""

    mesh: jax.sharding.Mesh | None = None

    @classmethod
    def of(cls, distribution: keras.distribution.DataParallel | None) -> "Placement":
        """The placement of a distribution."""
        return cls() if distribution is None else cls(distribution.device_mesh.backend_mesh)

    @property
    def is_multi_process(self) -> bool:
        """Whether other processes take part; all must dispatch the same steps."""
        return self.mesh is not None and self.mesh.is_multi_process

    def replicate(self, tree: Any) -> Any:
        """Copy every array to every device."""
        if self.mesh is None:
            return tree
        everywhere = NamedSharding(self.mesh, PartitionSpec())
        return jax.tree.map(lambda array: _put(array, everywhere), tree)

    def shard(self, order: Any) -> Any:
        """Split rows (steps, batch) by columns between the devices; where they do not divide evenly, copy them all."""
        if self.mesh is None:
            return order
        even = order.shape[1] % self.mesh.size == 0
        parts = PartitionSpec(None, self.mesh.axis_names[0]) if even else PartitionSpec()
        return _put(order, NamedSharding(self.mesh, parts))

    def release(self, model: keras.Model) -> None:
        """Move the model's variables back to the default device, except those that a distribution has placed."""
        if self.mesh is not None:
            for variable in (*model.variables, *model.optimizer.variables, *model.metrics_variables):
                if variable._layout is None:
                    variable.assign(np.asarray(variable.value))

    def dispatch(self, epoch: int) -> AbstractContextManager[None]:
        """Around a computation that every process takes part in. Raises HostError, or ends this process."""
        return waiting_for_processes(f"in epoch {epoch + 1}") if self.is_multi_process else nullcontext()


@contextmanager
def waiting_for_processes(when: str, timeout: float | None = None, advice: str = RESUME) -> Iterator[None]:
    """Around what needs every process: one that is lost raises HostError, one that is silent ends this process.

    Args:
        when: completes "lost another process ...", such as "in epoch 3".
        timeout: seconds until a process counts as silent; None is PROCESS_TIMEOUT.
        advice: what to do about a silent process.
    """
    seconds = timeout or PROCESS_TIMEOUT
    message = f"no answer from another process for {seconds:g} s {when}; {advice}"
    timer = threading.Timer(seconds, _give_up, (message,))
    timer.daemon = True
    timer.start()
    try:
        yield
    except jax.errors.JaxRuntimeError as error:
        raise HostError(f"lost another process {when} ({str(error).splitlines()[0][:200]})") from None
    finally:
        timer.cancel()


def _give_up(message: str) -> None:
    """End this process: nothing else ends a thread that waits within XLA, and all checkpoints are on the disk."""
    print(f"tendigits: {message}", file=sys.stderr, flush=True)  # noqa: T201
    os._exit(1)


def _put(array: Any, sharding: NamedSharding) -> jax.Array:
    """Place an array. Other processes have the same array, so nothing is sent to them."""
    if isinstance(array, jax.Array):
        if array.sharding.is_equivalent_to(sharding, array.ndim):
            return array
        if jax.dtypes.issubdtype(array.dtype, jax.dtypes.prng_key):
            return jax.random.wrap_key_data(_put(jax.random.key_data(array), sharding))
    if sharding.is_fully_addressable:
        placed: jax.Array = jax.device_put(array, sharding)
        return placed
    host = np.asarray(array)
    return jax.make_array_from_callback(host.shape, sharding, lambda part: host[part])
