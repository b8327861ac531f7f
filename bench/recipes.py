"""Every recipe of the package on MNIST, with several seeds: the accuracy and time to expect.

    make results                                  # hours; continues where it stopped
    python bench/recipes.py --recipes classic   # some of them
    python bench/recipes.py --report-only                        # docs/results.md and README.md again, from the JSON

Each seed is a run folder in runs/results. If a recipe has changed, or the kernel that trains `classic`, it is measured
again. The 10,000 test digits are read once for each run, when its training has ended; only `classic` validates on them,
as the tutorial does. It is trained by the compiled loop, too, with the same seeds: is the difference luck? The results
are in bench/results/recipes.json.
"""

import json
import os
import shutil
import statistics
from hashlib import sha256
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from environments import ROOT, options, replace_between, save, watched
from tendigits import Recipe, resume_run, run_recipe
from tendigits.errors import DataError
from tendigits.model.network import count_parameters
from tendigits.model.recipe_files import RECIPES
from tendigits.runs.run import Run, open_run
from tendigits.train.console import TextConsole

RESULTS = ROOT / "bench" / "results" / "recipes.json"
CLASSIC, LOOP = "classic", "classic without the kernel"
KERNEL = sha256((ROOT / "src" / "tendigits" / "engine" / "dense.c").read_bytes()).hexdigest()[:12]
SEEDS = {name: {CLASSIC: 11, LOOP: 11, "cnn": 5, "residual": 5}.get(name, 3) for name in (*RECIPES, LOOP)}
MAX_OTHERS = 0.3  # cores that other programs used during a run: its time counts
BEGIN, END = "<!-- recipes: written by bench/recipes.py -->", "<!-- /recipes -->"


def main() -> None:
    """Train or resume, and save after each run."""
    parser = options(__doc__)
    parser.add_argument("--runs", type=Path, default=ROOT / "runs" / "results")
    parser.add_argument("--recipes", nargs="+", choices=[*SEEDS], default=[*SEEDS])
    parser.add_argument("--again", action="store_true", help="Also what has been measured.")
    given = parser.parse_args()
    kept: dict[str, list[dict[str, Any]]] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for name in () if given.report_only else given.recipes:
        os.environ["TENDIGITS_KERNEL"] = "off" if name == LOOP else "on"
        kernel = {"kernel": KERNEL} if name == CLASSIC else {}
        wanted = [RECIPES[CLASSIC if name == LOOP else name].with_changes(seed=seed) for seed in range(SEEDS[name])]
        rows = {
            row["seed"]: row
            for row in (() if given.again else kept.get(name, ()))
            if Recipe(**row["recipe"]) in wanted and row.get("kernel") == kernel.get("kernel")
        }
        for recipe in wanted:
            if recipe.seed not in rows:
                folder = "-".join([*name.split(), *kernel.values(), f"seed-{recipe.seed}"])
                if given.again:
                    shutil.rmtree(given.runs / folder, ignore_errors=True)
                with watched() as seen:
                    run = train(recipe, given.data, given.runs / folder)
                rows[recipe.seed] = row(run) | kernel | {"others": seen["others"]}
            kept[name] = [rows[seed] for seed in sorted(rows)]
            save(kept, RESULTS)
    replace_between(ROOT / "docs" / "results.md", BEGIN, END, table(kept))
    replace_between(ROOT / "README.md", BEGIN, END, short_table(kept))


def train(recipe: Recipe, data: Path, path: Path) -> Run:
    """The finished run of a recipe and seed in a folder: found, resumed or trained."""
    if not path.exists():
        run = run_recipe(recipe, data, runs=path.parent, name=path.name, console=TextConsole()).run
    elif (run := open_run(path)).recipe() != recipe:
        raise DataError(f"expected {path} to be of the recipe {recipe.name} as it is now; delete it")
    elif run.record()["status"] != "finished":
        run = resume_run(path, console=TextConsole()).run
    if (name := run.record()["data"]["name"]) != "MNIST":
        raise DataError(f"expected the whole of MNIST, received {name}; give it with --data")
    return run


def row(run: Run) -> dict[str, Any]:
    """The results of one run."""
    record = run.record()
    return {
        "seed": record["seed"],
        **record["result"],
        "parameters": count_parameters(run.recipe()),
        "seconds": record["durations"],
        "machine": record["machine"],
        "recipe": run.recipe().model_dump(mode="json"),
    }


def table(kept: dict[str, list[dict[str, Any]]]) -> str:
    """Format the results as Markdown: a line for each recipe, then the machines."""
    lines = [
        "| recipe | parameters | test accuracy | on corrected labels | n | least | epochs | training, minutes "
        "| whole run, minutes |",
        "| :--- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    finished = {name: kept[name] for name in RECIPES if kept.get(name)}
    for name, rows in finished.items():
        epochs = statistics.mean(row["epochs"] for row in rows)
        least = min(row["test_accuracy"] for row in rows)
        lines.append(
            f"| {name} | {rows[0]['parameters']:,} | {accuracy(rows)} | {corrected(rows)} | {len(rows)} "
            f"| {least:.2%} | {epochs:.3g} | {minutes(rows, 'fit')} | {minutes(rows)} |"
        )
    machines: dict[str, list[str]] = {}
    for name, rows in finished.items():
        for sentence in dict.fromkeys(describe(row["machine"]) for row in rows):
            machines.setdefault(sentence, []).append(name)
    corrections = "Of the test labels 10 are corrected and 5 left out (Northcutt, Athalye, Mueller, 2021)"
    lines += ["", f"± is the standard deviation over seeds. {corrections}. Measured on:", ""]
    lines += [f"- {', '.join(names)}: {sentence}." for sentence, names in machines.items()]
    return "\n".join([*lines, *([""] if kept.get(LOOP) else []), *by_the_loop(kept)])


def by_the_loop(kept: dict[str, list[dict[str, Any]]]) -> list[str]:
    """The default seed, and whether the kernel's networks read otherwise than those of the compiled loop."""
    if not kept.get(LOOP):
        return []
    kernel, loop = ({row["seed"]: row["test_accuracy"] for row in kept[name]} for name in (CLASSIC, LOOP))
    pairs = np.array([kernel[seed] - loop[seed] for seed in kernel.keys() & loop.keys()])
    difference, p = 100 * pairs.mean(), paired_p(pairs)
    return [
        f"The default seed, {median_seed(kept)}, is the one whose `classic` reads as well as the median of the "
        f"{len(kernel)}: {statistics.median(kernel.values()):.2%}. With the same seeds and the "
        f"compiled loop in place of the kernel (`TENDIGITS_KERNEL=off`) `classic` reaches {accuracy(kept[LOOP])}: the "
        f"kernel's networks differ by {difference:+.2f} points on average, p = {p:.2f} "
        "(exact permutation test of the pairs)."
    ]


def paired_p(differences: np.ndarray) -> float:
    """The probability, if only chance decides each difference's sign, of a mean at least as far from 0."""
    sums = np.array(list(product((-1, 1), repeat=len(differences)))) @ differences
    return float((np.abs(sums) >= abs(differences.sum()) - 1e-12).mean())


def median_seed(kept: dict[str, list[dict[str, Any]]]) -> int:
    """The seed with the median accuracy of `classic`."""
    rows = sorted(kept[CLASSIC], key=lambda row: (row["test_accuracy"], row["seed"]))
    return int(rows[len(rows) // 2]["seed"])


def describe(machine: dict[str, Any]) -> str:
    """A machine and its versions in one sentence."""
    versions = machine["versions"]
    return (
        f"{machine['processor']}, {machine['cores']} cores, {machine['device']}; Python {machine['python']}, "
        f"Keras {versions['keras']} on {machine['backend']}, jax {versions['jax']}, NumPy {versions['numpy']}"
    )


def short_table(kept: dict[str, list[dict[str, Any]]]) -> str:
    """Format a short table for README.md."""
    lines = ["| recipe | parameters | test accuracy (n) | minutes on two cores |", "| :--- | ---: | ---: | ---: |"]
    for name in (name for name in RECIPES if kept.get(name)):
        rows = kept[name]
        lines.append(f"| `{name}` | {rows[0]['parameters']:,} | {accuracy(rows)} ({len(rows)}) | {minutes(rows)} |")
    return "\n".join(lines)


def accuracy(rows: list[dict[str, Any]]) -> str:
    """Mean and standard deviation over the seeds."""
    values = [row["test_accuracy"] for row in rows]
    spread = f" ± {statistics.stdev(values):.2%}" if len(values) > 1 else ""
    return f"**{statistics.mean(values):.2%}**{spread}"


def corrected(rows: list[dict[str, Any]]) -> str:
    """Mean accuracy on the corrected labels; runs of before 2026-11-27 have none."""
    values = [row["corrected_accuracy"] for row in rows if "corrected_accuracy" in row]
    return f"{statistics.mean(values):.2%}" if len(values) == len(rows) else ""


def minutes(rows: list[dict[str, Any]], *stages: str) -> str:
    """Mean time of some stages, or of a whole run, from data to report, without runs on a machine that was busy."""
    quiet = [row["seconds"] for row in rows if (row.get("others", row.get("load", 0)) or 0) < MAX_OTHERS]
    times = [sum(seconds[stage] for stage in stages or seconds) / 60 for seconds in quiet]
    return f"{statistics.mean(times):.1f}" if times else "-"


if __name__ == "__main__":
    main()
