"""bfloat16 beside float32: test accuracy over five seeds, seconds of an epoch, and products of matrices.

    python bench/precision.py                       # ten minutes; bench/results/precision.json and bench/README.md
    python bench/precision.py --parts seconds       # one part
    python bench/precision.py --report-only         # bench/README.md again, from the JSON

What is in the JSON already is not measured again, so it continues where it was stopped. The accuracy is that of the
10,000 test digits when a run has ended; `classic` chooses its epoch by their loss, as the tutorial does.
"""

import argparse
import json
import statistics
import tempfile
import timeit
from functools import partial
from pathlib import Path
from typing import Any

import tendigits  # before Keras, whose backend it chooses

# isort: split
import jax
import jax.numpy as jnp
import numpy as np

from documents import replace_between
from environments import MNIST, README, ROOT, commit, machine
from layers import Clock
from tendigits.data.preprocess import one_hot, to_input
from tendigits.engine.matmul import matmul
from tendigits.model.network import build_network, compile_network
from tendigits.model.recipe_files import RECIPES
from tendigits.train.augment import augmenter

RESULTS = ROOT / "bench" / "results" / "precision.json"
BEGIN, END = "<!-- precision: written by bench/precision.py -->", "<!-- /precision -->"
PRECISIONS = ("float32", "bfloat16")
TRAINED, SEEDS = ("fast", "classic"), range(5)
TIMED = {
    "classic": RECIPES["classic"], "2048-2048": RECIPES["classic"].with_changes(hidden=(2048, 2048)),
    "cnn": RECIPES["cnn"],
}  # fmt: skip
BATCHES = {"classic": (32, 128, 512, 1024), "2048-2048": (128, 1024), "cnn": (64,)}
DIGITS = {"classic": 32_768, "2048-2048": 8_192, "cnn": 4_096}
"""In a timed epoch; the table has seconds for 60,000."""
TURNS = 2
SHAPES = ((32, 784, 512), (1024, 784, 512), (2048, 2048, 2048))
"""Rows, inputs and outputs of a product."""

CASES: dict[str, list[dict[str, Any]]] = {
    "accuracy": [{"recipe": recipe, "seed": seed} for recipe in TRAINED for seed in SEEDS],
    "seconds": [{"network": name, "batch_size": size} for name in TIMED for size in BATCHES[name]],
    "products": [{"shape": [*shape]} for shape in SHAPES],
}
"""What each part measures, with both precisions in turns."""


def main() -> None:
    """Measure what is missing, save after each case, and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=MNIST, help="MNIST as an .npz file.")
    parser.add_argument("--parts", nargs="+", choices=CASES, default=[*CASES])
    parser.add_argument("--report-only", action="store_true", help="Write the tables from the JSON.")
    given = parser.parse_args()
    measures = {"accuracy": train, "seconds": time_epochs, "products": time_products}
    record: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {part: [] for part in CASES}
    for part in () if given.report_only else given.parts:
        record |= {"machine": machine(), "commit": commit()}
        for case in CASES[part]:
            if not any(case.items() <= row.items() for row in record[part]):
                record[part].append(case | measures[part](case, given.data))
                print(record[part][-1], flush=True)
                RESULTS.write_text(json.dumps(record, indent=1) + "\n")
    replace_between(README, BEGIN, END, table(record))


def train(case: dict[str, Any], data: Path) -> dict[str, Any]:
    """Train a recipe; its test accuracy, epochs, and seconds of training."""
    found = {}
    for precision in PRECISIONS:
        recipe = RECIPES[case["recipe"]].with_changes(seed=case["seed"], precision=precision)
        with tempfile.TemporaryDirectory() as runs:
            record = tendigits.run_recipe(recipe, data, runs=runs).run.record()
        result = {key: record["result"][key] for key in ("test_accuracy", "epochs")}
        found[precision] = result | {"seconds": record["durations"]["fit"]}
    return found


def time_epochs(case: dict[str, Any], data: Path) -> dict[str, Any]:
    """Seconds of an epoch of 60,000 digits, the augmentation included; the first of each does not count."""
    n, recipe = DIGITS[case["network"]], TIMED[case["network"]]
    with np.load(data) as file:
        x, y = to_input(file["x_train"][:n]), one_hot(file["y_train"][:n])
    fit = partial(tendigits.fit, batch_size=case["batch_size"], verbose=0, augment=augmenter(recipe.augmentation))
    models = {name: compile_network(build_network(recipe.with_changes(precision=name)), recipe) for name in PRECISIONS}
    seconds: dict[str, list[float]] = {name: [] for name in PRECISIONS}
    for turn in range(1 + TURNS):
        for name, model in models.items():
            clock = Clock()
            fit(model, x, y, callbacks=[clock])
            if turn:
                seconds[name].append(clock.seconds[0] * 60_000 / n)
    return seconds


def time_products(case: dict[str, Any], data: Path) -> dict[str, Any]:
    """GFLOP/s of a product, the median of 20; "plain" is JAX's own of bfloat16."""
    rows, inputs, outputs = case["shape"]
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((rows, inputs)), rng.standard_normal((inputs, outputs))
    found = {}
    for name, precision, function in (
        ("float32", "float32", jnp.matmul), ("bfloat16", "bfloat16", matmul), ("plain", "bfloat16", jnp.matmul),
    ):  # fmt: skip
        x, w, multiply = jnp.asarray(a, precision), jnp.asarray(b, precision), jax.jit(function)
        times = timeit.repeat(lambda: multiply(x, w).block_until_ready(), number=1, repeat=21)  # noqa: B023
        found[name] = 2 * a.size * outputs / statistics.median(times[1:]) / 1e9
    return found


def table(record: dict[str, Any]) -> str:
    """Format the results as Markdown."""
    lines = [
        "| recipe | seeds | test accuracy, float32 | bfloat16 | seconds of training, float32 | bfloat16 |",
        "| :--- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for recipe in TRAINED:
        if sum(row["recipe"] == recipe for row in record["accuracy"]) < 2:
            continue  # no spread yet
        runs = [[row[name] for row in record["accuracy"] if row["recipe"] == recipe] for name in PRECISIONS]
        cells = [mean_and_spread([run["test_accuracy"] for run in same]) for same in runs]
        cells += [f"{statistics.mean(run['seconds'] for run in same):.1f}" for same in runs]
        lines.append(f"| {recipe} | {len(runs[0])} | {' | '.join(cells)} |")
    lines += [
        "",
        "| seconds an epoch | batch size | float32 | bfloat16 | ratio |",
        "| :--- | ---: | ---: | ---: | ---: |",
    ]
    for row in record["seconds"]:
        exact, mixed = (statistics.median(row[name]) for name in PRECISIONS)
        lines.append(f"| {row['network']} | {row['batch_size']} | {exact:.2f} | {mixed:.2f} | {mixed / exact:.2f} |")
    lines += ["", "| product, GFLOP/s | float32 | bfloat16 | bfloat16, JAX's own |", "| :--- | ---: | ---: | ---: |"]
    for row in record["products"]:
        rows, inputs, outputs = row["shape"]
        speeds = " | ".join(f"{row[name]:.0f}" for name in (*PRECISIONS, "plain"))
        lines.append(f"| {rows} x {inputs} by {inputs} x {outputs} | {speeds} |")
    versions = record["machine"]["versions"]
    lines += [
        "",
        f"± is the standard deviation over the seeds. {record['machine']['processor']}, {record['machine']['cores']} "
        f"cores; Keras {versions['keras']}, jax {versions['jax']}.",
    ]
    return "\n".join(lines)


def mean_and_spread(values: list[float]) -> str:
    """Mean and standard deviation."""
    return f"{statistics.mean(values):.2%} ± {statistics.stdev(values):.2%}"


if __name__ == "__main__":
    main()
