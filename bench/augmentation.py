"""Data augmentation in the compiled step: tendigits' single warp beside Keras' layers for the same changes.

    python bench/augmentation.py     # a minute or two; bench/results/augmentation.json and bench/README.md

Each augments all training digits once, batch by batch, in one compiled loop, as in training. They take turns.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tendigits  # noqa: F401 - before Keras, whose backend it chooses

# isort: split
import jax
import jax.numpy as jnp
import keras
import numpy as np

from documents import replace_between
from environments import MNIST, README, ROOT, commit, machine
from tendigits.model.recipe import Augmentation
from tendigits.model.recipe_files import RECIPES
from tendigits.train.augment import augmenter

RESULTS = ROOT / "bench" / "results" / "augmentation.json"
BEGIN, END = "<!-- augmentation: written by bench/augmentation.py -->", "<!-- /augmentation -->"
BATCH, ROUNDS = 128, 3
NEEDS_A_NUMBER = (
    jax.errors.ConcretizationTypeError,
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerIntegerConversionError,
)
Augment = Callable[[jax.Array, jax.Array], jax.Array]


def augmentations() -> dict[str, Augment]:
    """Name -> function of float32 (n, 28, 28, 1) and a key."""
    settings = RECIPES["mlp"].augmentation
    affine = settings.model_copy(update={"elastic": 0.0, "thickness": 0.0})
    layers = keras.layers
    of_keras = [
        layers.RandomTranslation(settings.shift / 28, settings.shift / 28, fill_mode="constant"),
        layers.RandomRotation(settings.rotate / 360, fill_mode="constant"),
        layers.RandomZoom(settings.scale, settings.scale, fill_mode="constant"),
        layers.RandomShear(settings.shear, 0.0, fill_mode="constant"),
    ]
    elastic = layers.RandomElasticTransform(factor=1.0, scale=1.0)

    def through(chain: list[keras.layers.Layer]) -> Augment:
        model = keras.Sequential([keras.Input((28, 28, 1)), *chain])
        shapes = [state.shape for state in model.non_trainable_variables]

        def change(x: jax.Array, key: jax.Array) -> jax.Array:
            states = [jax.random.key_data(jax.random.fold_in(key, i)).reshape(s) for i, s in enumerate(shapes)]
            changed: jax.Array = model.stateless_call([], states, x, training=True)[0]
            return changed

        return change

    def ours(wanted: Augmentation) -> Augment:
        change = augmenter(wanted)
        if change is None:
            raise SystemExit("expected a recipe with augmentation")
        return change

    return {
        "tendigits, affine": ours(affine),
        "Keras' RandomTranslation, RandomRotation, RandomZoom, RandomShear": through(of_keras),
        "tendigits, affine, elastic and stroke thickness": ours(settings),
        "Keras' four and RandomElasticTransform": through([*of_keras, elastic]),
    }


def compiled(change: Augment) -> Augment:
    """All batches in one program; XLA cannot skip the work, for its sum is returned."""

    def run(batches: jax.Array, key: jax.Array) -> jax.Array:
        def body(i: Any, total: jax.Array) -> jax.Array:
            return total + change(batches[i], jax.random.fold_in(key, i)).sum()

        return jax.lax.fori_loop(0, len(batches), body, jnp.float32(0))

    program: Augment = jax.jit(run)
    return program


def main() -> None:
    """Measure, save and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=MNIST, help="MNIST as an .npz file.")
    given = parser.parse_args()
    keras.config.disable_traceback_filtering()  # it would make another exception of JAX's
    with np.load(given.data) as file:
        x = file["x_train"]
    batches = jnp.asarray(x[: len(x) // BATCH * BATCH].reshape(-1, BATCH, 28, 28, 1) / np.float32(255))
    programs = {name: compiled(change) for name, change in augmentations().items()}
    seconds: dict[str, list[float]] = {name: [] for name in programs}
    for name, program in [*programs.items()]:
        try:
            program(batches, jax.random.key(0)).block_until_ready()
        except NEEDS_A_NUMBER:  # Keras' elastic transform converts a random number to an int
            del programs[name]
    for turn in range(ROUNDS):
        for name, program in programs.items():
            started = time.perf_counter()
            program(batches, jax.random.key(turn)).block_until_ready()
            seconds[name].append(time.perf_counter() - started)
    record = {"machine": machine(), "commit": commit(), "digits": batches.shape[0] * BATCH, "seconds": seconds}
    RESULTS.write_text(json.dumps(record, indent=1) + "\n")
    replace_between(README, BEGIN, END, table(record))


def table(record: dict[str, Any]) -> str:
    """Format the results as Markdown."""
    lines = [f"| {record['digits']:,} digits | seconds, median | range |", "| :--- | ---: | ---: |"]
    for name, times in record["seconds"].items():
        if not times:
            lines.append(f"| {name} | cannot be compiled on JAX | |")
            continue
        middle = statistics.median(times)
        lines.append(f"| {name} | {middle:.2f} | {min(times):.2f} to {max(times):.2f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
