"""What becomes of deeper networks: the recipe deep with 2 to 24 hidden layers, plain, normalised and residual.

    python bench/depth.py                      # about half an hour; bench/results/depth.json and docs/results.md
    python bench/depth.py --networks residual  # trains these alone and keeps the others' results
    python bench/depth.py --report-only        # docs/results.md again, from the JSON

Each network is trained with three seeds. It is evaluated on the held-out training digits; the test digits are not used.
"""

import argparse
import json
import statistics
import tempfile
from itertools import product
from pathlib import Path
from typing import Any

from documents import replace_between
from environments import MNIST, ROOT, commit, machine
from tendigits import run_recipe
from tendigits.model.recipe_files import RECIPES

RESULTS = ROOT / "bench" / "results" / "depth.json"
BEGIN, END = "<!-- depth: written by bench/depth.py -->", "<!-- /depth -->"
DEPTHS, SEEDS = (2, 6, 12, 24), 3
NETWORKS: dict[str, dict[str, bool]] = {
    "plain": {"batch_norm": False},
    "normalised": {"batch_norm": True},
    "residual": {"batch_norm": False, "residual": True},
    "residual, normalised": {"batch_norm": True, "residual": True},
}


def main() -> None:
    """Train, save and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=MNIST, help="MNIST as an .npz file.")
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=[*NETWORKS], help="Networks to train.")
    parser.add_argument("--report-only", action="store_true", help="Write the table from the JSON.")
    given = parser.parse_args()
    record = json.loads(RESULTS.read_text())
    if not given.report_only:
        kept = [row for row in record["runs"] if row["network"] not in given.networks]
        runs = kept + measure(given.data, given.networks)
        record = {"machine": machine(), "commit": commit(), "runs": runs}
        RESULTS.write_text(json.dumps(record, indent=1) + "\n")
    replace_between(ROOT / "docs" / "results.md", BEGIN, END, table(record))


def measure(data: Path, networks: list[str]) -> list[dict[str, Any]]:
    """A row for each network that was trained."""
    deep, rows = RECIPES["deep"], []
    with tempfile.TemporaryDirectory() as runs:
        for seed, depth, network in product(range(SEEDS), DEPTHS, networks):
            recipe = deep.with_changes(hidden=deep.hidden[:1] * depth, seed=seed, **NETWORKS[network])
            run = run_recipe(recipe, data, runs=runs, name=f"{depth}-{network.replace(', ', '-')}-{seed}").run
            accuracy = run.history()["val_accuracy"]
            rows.append({
                "depth": depth, "network": network, "seed": seed, "first": accuracy[0], "best": max(accuracy),
                "seconds": run.record()["durations"]["fit"],
            })  # fmt: skip
            print(rows[-1], flush=True)
    return rows


def table(record: dict[str, Any]) -> str:
    """The results as Markdown, a line for each depth and network."""
    lines = [
        "| hidden layers | network | after one epoch | at its best | seconds |",
        "| ---: | :--- | ---: | ---: | ---: |",
    ]
    for depth, network in product(DEPTHS, NETWORKS):
        rows = [row for row in record["runs"] if (row["depth"], row["network"]) == (depth, network)]
        if rows:
            seconds = statistics.mean(row["seconds"] for row in rows)
            first, best = ([row[key] for row in rows] for key in ("first", "best"))
            lines.append(f"| {depth} | {network} | {share(first)} | {share(best)} | {seconds:.0f} |")
    return "\n".join(lines)


def share(values: list[float]) -> str:
    """Mean and range."""
    return f"{statistics.mean(values):.2%} ({min(values):.1%} to {max(values):.1%})"


if __name__ == "__main__":
    main()
