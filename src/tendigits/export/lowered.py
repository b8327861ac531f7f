"""A network as a StableHLO module, by JAX: what the formats `stablehlo` and `litert` begin with.

lowered(source, batch=None).mlir_module()
"""

from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from tendigits.export.source import Source

if TYPE_CHECKING:
    from jax.export import Exported

PLATFORMS = ("cpu", "cuda", "rocm", "tpu")


def lowered(source: Source, batch: int | None, platforms: tuple[str, ...] = PLATFORMS) -> "Exported":
    """The network with its weights as constants, from float32 (batch, ...); with None for any number of digits."""
    from jax import export

    n: Any = export.symbolic_shape("n")[0] if batch is None else batch

    def answer(image: Any) -> Any:
        return source.model(image, training=False)

    answer.__name__ = source.output
    return export.export(jax.jit(answer), platforms=platforms)(jax.ShapeDtypeStruct((n, *source.shape), np.float32))
