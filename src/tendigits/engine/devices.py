"""Several devices train one network: each takes its part of every batch, and all have the same weights.

distribution = data_parallel(4)                       # Keras' own, over four devices
tendigits.fit(model, ..., distribution=distribution)  # the weights of one device, to float tolerance

The digits lie on every device, as bytes, and each picks its share of a shuffled batch itself; XLA adds up the
gradients. Devices of other processes take part, too: see tendigits.train.hosts.
"""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import jax
import keras
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec

from tendigits.errors import HostError, UserError

SILENCE = 300.0
"""Seconds of one dispatch after which another host is taken for lost: its machine, or the network, is down."""


def data_parallel(devices: int) -> keras.distribution.DataParallel:
    """Keras' distribution over the first so many devices of each process.

    Where there is only a CPU these are virtual ones, which share its cores: for tests, not for speed.

    Raises:
        UserError: this machine has fewer, or JAX has begun before with fewer virtual ones.
    """
    with suppress(RuntimeError):  # JAX has begun: then it is as it is
        jax.config.update("jax_num_cpu_devices", devices)
    found = jax.local_device_count()
    if found < devices:
        kind = jax.local_devices()[0].platform
        hint = "; JAX has begun with so many: restart Python" if kind == "cpu" else ""
        raise UserError(f"expected {devices} devices, found {found} of the kind {kind}{hint}")
    chosen = [
        f"{device.platform}:{device.id}"
        for process in range(jax.process_count())
        for device in jax.local_devices(process)[:devices]
    ]
    return keras.distribution.DataParallel(devices=chosen)


@dataclass(frozen=True)
class Placement:
    """Where arrays lie while a model is trained: as JAX puts them, or on all devices of a mesh."""

    mesh: jax.sharding.Mesh | None = None

    @classmethod
    def of(cls, distribution: keras.distribution.DataParallel | None) -> "Placement":
        """The one that a distribution asks for."""
        return cls() if distribution is None else cls(distribution.device_mesh.backend_mesh)

    @property
    def has_hosts(self) -> bool:
        """Whether other processes take part: all must then dispatch the same steps."""
        return self.mesh is not None and self.mesh.is_multi_process

    def whole(self, tree: Any) -> Any:
        """Every device has all of every array."""
        if self.mesh is None:
            return tree
        everywhere = NamedSharding(self.mesh, PartitionSpec())
        return jax.tree.map(lambda array: _put(array, everywhere), tree)

    def parted(self, order: Any) -> Any:
        """Rows (steps, batch) for the steps: each device has its columns, or all where these do not go up evenly."""
        if self.mesh is None:
            return order
        even = order.shape[1] % self.mesh.size == 0
        parts = PartitionSpec(None, self.mesh.axis_names[0]) if even else PartitionSpec()
        return _put(order, NamedSharding(self.mesh, parts))

    def bring_back(self, model: keras.Model) -> None:
        """Move the model's variables to where JAX puts them by itself, but for those that a distribution has placed."""
        if self.mesh is not None:
            for variable in (*model.variables, *model.optimizer.variables, *model.metrics_variables):
                if variable._layout is None:
                    variable.assign(np.asarray(variable.value))

    @contextmanager
    def dispatch(self, epoch: int) -> Iterator[None]:
        """Around what needs every host. One that is gone is an error; one that is silent ends this process.

        Raises:
            HostError: another host is gone.
        """
        if not self.has_hosts:
            yield
            return
        timer = threading.Timer(SILENCE, _give_up, (epoch,))
        timer.daemon = True
        timer.start()
        try:
            yield
        except jax.errors.JaxRuntimeError as error:
            reason = str(error).splitlines()[0][:200]
            raise HostError(f"lost another host in epoch {epoch + 1} ({reason})") from None
        finally:
            timer.cancel()


def _give_up(epoch: int) -> None:
    """Nothing else ends a thread that waits within XLA; all that is kept is on the disk already."""
    print(  # noqa: T201
        f"tendigits: no answer from another host for {SILENCE:g} s in epoch {epoch + 1}; go on from the last epoch "
        "with: tendigits train --resume",
        file=sys.stderr,
        flush=True,
    )
    os._exit(1)


def _put(array: Any, sharding: NamedSharding) -> jax.Array:
    """The array as the sharding says; of other processes, which have the same array, without asking them."""
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
