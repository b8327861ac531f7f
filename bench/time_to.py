"""Seconds from the start of the process to a test accuracy of 98.0, 99.0 and 99.5%.

    python bench/time_to.py                 # about an hour; bench/results/ and docs/results.md
    python bench/time_to.py --contestants tendigits_fast --rounds 1
    python bench/time_to.py --report-only                    # docs/results.md again, from the JSON

It continues where it stopped: only turns that are not in the JSON are run. `--anew` runs them all.

Two well-known examples run beside `tendigits train`, as they were published. All evaluate the 10,000 test digits after
each epoch, and that time counts. `--validation-split 0` makes the recipes do so too; they were chosen without it.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from documents import replace_between
from environments import BENCH, MNIST, ROOT, commit, machine, prepare, python_of, script, variables
from speed import ENVIRONMENTS

RESULTS = ROOT / "bench" / "results" / "time_to.json"
BEGIN, END = "<!-- time-to: written by bench/time_to.py -->", "<!-- /time-to -->"
TARGETS = (0.98, 0.99, 0.995)
RUNS = BENCH / "time-to"


@dataclass(frozen=True)
class Contestant:
    """A training to time."""

    name: str
    about: str
    arguments: tuple[str, ...]
    """Arguments of `tendigits train`, or of the script."""
    script: str | None = None
    environment: str | None = None
    backend: str = "jax"
    first_run: bool = False
    """Compile everything, as the first run on a machine does, instead of using the cache."""

    def command(self, data: Path, seed: int) -> list[str]:
        """Its command line, which prints a JSON line with the test accuracy for each epoch."""
        common = ["--data", str(data), "--seed", str(seed)]
        if self.script is not None:
            return [python_of(self.environment), script(self.script), *self.arguments, *common]
        train = ["-m", "tendigits", "train", "--json", "--validation-split", "0", "--runs", str(RUNS)]
        return [sys.executable, *train, *self.arguments, *common]


CONTESTANTS = {
    contestant.name: contestant
    for contestant in (
        Contestant("tendigits_fast", "tendigits, recipe fast", ("--recipe", "fast")),
        Contestant("tendigits_cnn_2", "tendigits, recipe cnn, 2 epochs", ("--recipe", "cnn", "--epochs", "2")),
        Contestant("tendigits_cnn_8", "tendigits, recipe cnn, 8 epochs", ("--recipe", "cnn", "--epochs", "8")),
        Contestant("tendigits_classic", "tendigits, recipe classic", ("--recipe", "classic")),
        Contestant("first_fast", "tendigits, first run of fast", ("--recipe", "fast"), first_run=True),
        Contestant(
            "first_cnn_2", "tendigits, first run of cnn, 2 epochs", ("--recipe", "cnn", "--epochs", "2"), first_run=True
        ),
        Contestant(
            "first_cnn_8", "tendigits, first run of cnn, 8 epochs", ("--recipe", "cnn", "--epochs", "8"), first_run=True
        ),
        Contestant(
            "keras_tensorflow", "Keras' example mnist_convnet, on TensorFlow", ("--epochs", "15"), "example_keras",
            "tensorflow", "tensorflow",
        ),
        Contestant("pytorch", "PyTorch's example mnist", ("--epochs", "14"), "example_pytorch", "torch"),
    )
}  # fmt: skip


def main() -> None:
    """Run the contestants in turns, save each turn and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=MNIST, help="MNIST as an .npz file.")
    parser.add_argument("--contestants", nargs="+", choices=[*CONTESTANTS], default=[*CONTESTANTS])
    parser.add_argument("--rounds", type=int, default=3, help="Number of rounds, each with another seed.")
    parser.add_argument("--anew", action="store_true", help="Run also the turns that are in the JSON.")
    parser.add_argument("--report-only", action="store_true", help="Write the tables from the JSON.")
    given = parser.parse_args()
    record: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"turns": []}
    if not given.report_only:
        chosen = [CONTESTANTS[name] for name in given.contestants]
        data = given.data.resolve()
        prepare({name: wanted for name, wanted in ENVIRONMENTS.items() if name in {one.environment for one in chosen}})
        record["machine"] = machine()
        if given.anew:
            record["turns"] = [turn for turn in record["turns"] if turn["contestant"] not in given.contestants]
        for contestant, seed in missing(record["turns"], chosen, given.rounds):
            when = {"commit": commit(), "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())}
            record["turns"].append(take_turn(contestant, data, seed) | when)
            RESULTS.write_text(json.dumps(record, indent=1) + "\n")
        shutil.rmtree(RUNS, ignore_errors=True)
    replace_between(ROOT / "docs" / "results.md", BEGIN, END, table(record))


def missing(turns: list[dict[str, Any]], chosen: list[Contestant], rounds: int) -> list[tuple[Contestant, int]]:
    """The turns that are not known yet, each with its seed; the contestants take turns."""
    known = {(turn["contestant"], turn["seed"]) for turn in turns}
    wanted = product(range(rounds), chosen)
    return [(contestant, seed) for seed, contestant in wanted if (contestant.name, seed) not in known]


def variables_of(contestant: Contestant) -> dict[str, str]:
    """The environment variables of its process."""
    shared = variables(contestant.backend, BENCH / "cache", ours=contestant.script is None)
    return shared | {"TENDIGITS_COMPILATION_CACHE": "off"} if contestant.first_run else shared


def take_turn(contestant: Contestant, data: Path, seed: int) -> dict[str, Any]:
    """Run one process; returns the seconds and the test accuracy at the end of each epoch."""
    shutil.rmtree(RUNS, ignore_errors=True)
    epochs, load, started = [], os.getloadavg(), time.perf_counter()
    with subprocess.Popen(
        contestant.command(data, seed), env=variables_of(contestant), cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        for line in process.stdout or ():
            if line.startswith("{") and "epoch" in (printed := json.loads(line)):
                seconds = round(time.perf_counter() - started, 3)
                epochs.append({"seconds": seconds, "accuracy": printed.get("val_accuracy", printed.get("accuracy"))})
                print(f"{contestant.name} seed {seed}: {epochs[-1]}", file=sys.stderr, flush=True)
    if process.returncode:
        raise SystemExit(f"{contestant.name} ended with {process.returncode}")
    return {"contestant": contestant.name, "seed": seed, "load": load, "epochs": epochs}


def first_time(turn: dict[str, Any], target: float) -> float | None:
    """Seconds until an epoch ended with at least this accuracy, or None."""
    return next((epoch["seconds"] for epoch in turn["epochs"] if epoch["accuracy"] >= target), None)


def table(record: dict[str, Any]) -> str:
    """Format the results as Markdown: medians over the turns that reached the target."""
    head = " | ".join(f"seconds to {target:.1%}" for target in TARGETS)
    lines = [f"| | {head} | last epoch | n |", f"| :--- | {'---: | ' * len(TARGETS)}---: | ---: |"]
    for name, contestant in CONTESTANTS.items():
        turns = [turn for turn in record["turns"] if turn["contestant"] == name]
        if turns:
            last = statistics.mean(turn["epochs"][-1]["accuracy"] for turn in turns)
            cells = [cell([first_time(turn, target) for turn in turns]) for target in TARGETS]
            lines.append(f"| {contestant.about} | {' | '.join(cells)} | {last:.2%} | {len(turns)} |")
    if "machine" in record:
        described, versions = record["machine"], record["machine"]["versions"]
        lines += ["", (
            f"Medians, from the start of the process. {described['processor']}, {described['cores']} cores; "
            f"tendigits on Keras {versions['keras']} and jax {versions['jax']}, {ENVIRONMENTS['tensorflow'][1]}, "
            f"{ENVIRONMENTS['torch'][1]}; {max(turn['date'] for turn in record['turns'])}."
        )]  # fmt: skip
    return "\n".join(lines)


def cell(times: list[float | None]) -> str:
    """The median of the turns that reached the target, and their number if it was not all."""
    reached = [seconds for seconds in times if seconds is not None]
    if not reached:
        return "not reached"
    some = "" if len(reached) == len(times) else f" ({len(reached)} of {len(times)})"
    return f"{statistics.median(reached):.1f}{some}"


if __name__ == "__main__":
    main()
