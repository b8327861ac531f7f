"""Every recipe of the package on MNIST, with several seeds: the accuracy and time to expect.

    make results                                  # hours; continues where it stopped
    python bench/recipes.py --recipes classic   # some of them
    python bench/recipes.py --report-only                        # docs/results.md and README.md again, from the JSON

Each seed is a run folder in runs/results. If a recipe has changed, it is measured again. The 10,000 test digits are
read once for each run, when its training has ended; only `classic` validates on them, as the tutorial does. The results
are in bench/results/recipes.json.
"""

import json
import statistics
from pathlib import Path
from typing import Any

from environments import ROOT, options, replace_between, save
from tendigits import Recipe, resume_run, run_recipe
from tendigits.errors import DataError
from tendigits.model.network import count_parameters
from tendigits.model.recipe_files import RECIPES
from tendigits.runs.run import Run, open_run
from tendigits.train.console import TextConsole

RESULTS = ROOT / "bench" / "results" / "recipes.json"
SEEDS = {name: 5 if name in ("classic", "cnn") else 3 for name in RECIPES}
BEGIN, END = "<!-- recipes: written by bench/recipes.py -->", "<!-- /recipes -->"


def main() -> None:
    """Train or resume, and save after each run."""
    parser = options(__doc__)
    parser.add_argument("--runs", type=Path, default=ROOT / "runs" / "results")
    parser.add_argument("--recipes", nargs="+", choices=[*RECIPES], default=[*RECIPES])
    given = parser.parse_args()
    kept: dict[str, list[dict[str, Any]]] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for name in () if given.report_only else given.recipes:
        wanted = [RECIPES[name].with_changes(seed=seed) for seed in range(SEEDS[name])]
        rows = {row["seed"]: row for row in kept.get(name, ()) if Recipe(**row["recipe"]) in wanted}
        for recipe in wanted:
            if recipe.seed not in rows:
                rows[recipe.seed] = row(train(recipe, given.data, given.runs))
            kept[name] = [rows[seed] for seed in sorted(rows)]
            save(kept, RESULTS)
    replace_between(ROOT / "docs" / "results.md", BEGIN, END, table(kept))
    replace_between(ROOT / "README.md", BEGIN, END, short_table(kept))


def train(recipe: Recipe, data: Path, runs: Path) -> Run:
    """The finished run of a recipe and seed: found, resumed or trained."""
    path = runs / f"{recipe.name}-seed-{recipe.seed}"
    if not path.exists():
        run = run_recipe(recipe, data, runs=runs, name=path.name, console=TextConsole()).run
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
        fit = statistics.mean(row["seconds"]["fit"] for row in rows) / 60
        epochs = statistics.mean(row["epochs"] for row in rows)
        least = min(row["test_accuracy"] for row in rows)
        lines.append(
            f"| {name} | {rows[0]['parameters']:,} | {accuracy(rows)} | {corrected(rows)} | {len(rows)} "
            f"| {least:.2%} | {epochs:.3g} | {fit:.1f} | {minutes(rows):.1f} |"
        )
    machines: dict[str, list[str]] = {}
    for name, rows in finished.items():
        for sentence in dict.fromkeys(describe(row["machine"]) for row in rows):
            machines.setdefault(sentence, []).append(name)
    corrections = "Of the test labels 10 are corrected and 5 left out (Northcutt, Athalye, Mueller, 2021)"
    lines += ["", f"± is the standard deviation over seeds. {corrections}. Measured on:", ""]
    lines += [f"- {', '.join(names)}: {sentence}." for sentence, names in machines.items()]
    return "\n".join(lines)


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
        lines.append(f"| `{name}` | {rows[0]['parameters']:,} | {accuracy(rows)} ({len(rows)}) | {minutes(rows):.1f} |")
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


def minutes(rows: list[dict[str, Any]]) -> float:
    """Mean time of a whole run, from data to report."""
    return float(statistics.mean(sum(row["seconds"].values()) for row in rows)) / 60


if __name__ == "__main__":
    main()
