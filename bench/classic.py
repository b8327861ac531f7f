"""The classic recipe on the whole of MNIST, seeds 0 to 4: what a person who types `tendigits train` may expect.

    make results DATA=mnist.npz          # or: python bench/classic.py --data mnist.npz

Each seed is a run folder, so the command goes on where it was stopped. It writes bench/results/classic.json and the
table in docs/results.md.
"""

import argparse
import json
import statistics
from pathlib import Path
from typing import Any

from tendigits import Recipe, resume_run, run_recipe
from tendigits.errors import DataError
from tendigits.train.run import Run, open_run
from tendigits.train.screen import TextScreen

ROOT = Path(__file__).parent.parent
SEEDS = range(5)
BEGIN, END = "<!-- classic: written by bench/classic.py -->", "<!-- /classic -->"


def main() -> None:
    """Train, or go on, and write both files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="an .npz or a folder of IDX files; the download where it is left out")
    parser.add_argument("--runs", type=Path, default=ROOT / "runs" / "classic-seeds")
    arguments = parser.parse_args()
    results = [row(train(seed, arguments.data, arguments.runs)) for seed in SEEDS]
    first = open_run(arguments.runs / f"seed-{SEEDS[0]}").record()
    kept = {"recipe": "classic", "machine": first["machine"], "results": results}
    (ROOT / "bench" / "results" / "classic.json").write_text(json.dumps(kept, indent=1) + "\n")
    replace_between(ROOT / "docs" / "results.md", BEGIN, END, table(kept))


def train(seed: int, data: str | None, runs: Path) -> Run:
    """The finished run of one seed: found, resumed or made."""
    path = runs / f"seed-{seed}"
    if not path.exists():
        run = run_recipe(Recipe(seed=seed), data, runs=runs, name=path.name, screen=TextScreen()).run
    elif open_run(path).record()["status"] == "finished":
        run = Run(path)
    else:
        run = resume_run(path, screen=TextScreen()).run
    if (name := run.record()["data"]["name"]) != "MNIST":
        raise DataError(f"expected the whole of MNIST, received {name}; give it with --data")
    return run


def row(run: Run) -> dict[str, Any]:
    """What is kept of one seed."""
    record = run.record()
    return {"seed": record["seed"], **record["result"], "fit_seconds": record["durations"]["fit"]}


def table(kept: dict[str, Any]) -> str:
    """The results as Markdown."""
    results, machine = kept["results"], kept["machine"]
    accuracies = [r["val_accuracy"] for r in results]
    mean, spread = statistics.mean(accuracies), statistics.stdev(accuracies)
    versions = machine["versions"]
    return "\n".join(
        [
            "| seed | epochs | best epoch | val_loss | val_accuracy | fit, seconds |",
            "| ---: | ---: | ---: | ---: | ---: | ---: |",
            *(
                f"| {r['seed']} | {r['epochs']} | {r['best_epoch']} | {r['val_loss']:.4f} | {r['val_accuracy']:.2%} "
                f"| {r['fit_seconds']:.1f} |"
                for r in results
            ),
            "",
            f"val_accuracy at the best epoch: **mean {mean:.2%}, standard deviation {spread:.2%}, n = {len(results)}, "
            f"least {min(accuracies):.2%}**.",
            "",
            f"Machine: {machine['processor']}, {machine['cores']} cores, {machine['device']}; Python "
            f"{machine['python']}, Keras {versions['keras']} on {machine['backend']}, jax {versions['jax']}, "
            f"NumPy {versions['numpy']}.",
        ]
    )


def replace_between(path: Path, begin: str, end: str, text: str) -> None:
    """Put `text` between the two marks in a Markdown file."""
    before, rest = path.read_text().split(begin)
    _, after = rest.split(end)
    path.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}")


if __name__ == "__main__":
    main()
