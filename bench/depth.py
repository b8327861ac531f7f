"""What becomes of deeper networks, with and without normalisation: the recipe deep with 2 to 24 hidden layers.

    python bench/depth.py --data mnist.npz      # about ten minutes; bench/results/depth.json and docs/results.md
    python bench/depth.py --report-only         # docs/results.md again, from the JSON

Each kind is trained with three seeds. It is judged on the held-out training digits: the test digits are not looked at.
"""

import argparse
import json
import statistics
import tempfile
from pathlib import Path
from typing import Any

from documents import replace_between
from environments import MNIST, ROOT, commit, machine
from tendigits import run_recipe
from tendigits.model.recipe import RECIPES

RESULTS = ROOT / "bench" / "results" / "depth.json"
BEGIN, END = "<!-- depth: written by bench/depth.py -->", "<!-- /depth -->"
DEPTHS, SEEDS = (2, 6, 12, 24), 3


def main() -> None:
    """Train, keep, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=MNIST, help="MNIST as an .npz")
    parser.add_argument("--report-only", action="store_true", help="from the JSON")
    given = parser.parse_args()
    if given.report_only:
        record = json.loads(RESULTS.read_text())
    else:
        record = {"machine": machine(), "commit": commit(), "runs": measure(given.data)}
        RESULTS.write_text(json.dumps(record, indent=1) + "\n")
    replace_between(ROOT / "docs" / "results.md", BEGIN, END, table(record))


def measure(data: Path) -> list[dict[str, Any]]:
    """A row for each network that was trained."""
    deep, rows = RECIPES["deep"], []
    with tempfile.TemporaryDirectory() as runs:
        for seed in range(SEEDS):
            for depth in DEPTHS:
                for batch_norm in (False, True):
                    hidden = (deep.hidden[0],) * depth
                    recipe = deep.with_changes(hidden=hidden, batch_norm=batch_norm, seed=seed)
                    run = run_recipe(recipe, data, runs=runs, name=f"{depth}-{batch_norm}-{seed}").run
                    history = run.history()
                    rows.append({
                        "depth": depth, "batch_norm": batch_norm, "seed": seed,
                        "first": history["val_accuracy"][0], "best": max(history["val_accuracy"]),
                        "seconds": run.record()["durations"]["fit"],
                    })  # fmt: skip
                    print(rows[-1], flush=True)
    return rows


def table(record: dict[str, Any]) -> str:
    """The results as Markdown, a line for each depth."""
    lines = [
        "| hidden layers | plain, after an epoch | at its best | seconds | normalised, after an epoch | at its best "
        "| seconds |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for depth in DEPTHS:
        cells = []
        for batch_norm in (False, True):
            rows = [row for row in record["runs"] if (row["depth"], row["batch_norm"]) == (depth, batch_norm)]
            cells += [share([row["first"] for row in rows]), share([row["best"] for row in rows])]
            cells.append(f"{statistics.mean(row['seconds'] for row in rows):.0f}")
        lines.append(f"| {depth} | {' | '.join(cells)} |")
    return "\n".join(lines)


def share(values: list[float]) -> str:
    """Mean, and from the least to the most."""
    return f"{statistics.mean(values):.2%} ({min(values):.1%} to {max(values):.1%})"


if __name__ == "__main__":
    main()
