"""The cost of short dispatches, and how soon Ctrl-C ends a training.

    python bench/dispatch.py       # two minutes; then bench/results/dispatch.json and bench/README.md

`tendigits.fit` ends a dispatch about ten times a second. Epochs of the classic recipe with such dispatches and in one
dispatch take turns; then SIGINT comes at random moments of an epoch, and the time until the training ends is measured.
"""

import argparse
import json
import os
import signal
import statistics
import threading
import time
from pathlib import Path
from typing import Any

import tendigits  # before Keras, whose backend it chooses

# isort: split
import keras
import numpy as np

from documents import replace_between
from tendigits.data.load import load
from tendigits.data.preprocess import one_hot, to_input
from tendigits.engine import dispatch
from tendigits.errors import Interrupted
from tendigits.machine import describe_environment
from tendigits.model.network import build_network, compile_network
from tendigits.model.recipe import Recipe
from tendigits.train.fitting import fit_recipe
from tendigits.train.inputs import Inputs

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "bench" / "results" / "dispatch.json"
README = ROOT / "bench" / "README.md"
BEGIN, END = "<!-- dispatch: written by bench/dispatch.py -->", "<!-- /dispatch -->"
ROUNDS, SIGNALS = 21, 20

Arrays = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]


class Counts(keras.callbacks.Callback):  # type: ignore[misc]
    """Counts the dispatches and seconds of an epoch."""

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Start counting."""
        self.dispatches, self.started = 0, time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Count a dispatch."""
        self.dispatches += 1

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Stop the time."""
        self.seconds = time.perf_counter() - self.started


def model_of(recipe: Recipe) -> keras.Model:
    """The classic network."""
    keras.utils.set_random_seed(0)
    model = build_network(recipe)
    compile_network(model, recipe)
    return model


def cost_of_dispatches(data: Arrays) -> dict[str, Any]:
    """Seconds and dispatches of epochs, in short dispatches and in one, by turns."""
    model, counts, kept = model_of(Recipe()), Counts(), dispatch.DISPATCH_SECONDS
    turns: dict[str, list[tuple[float, int]]] = {"short": [], "whole": []}
    for number in range(1 + ROUNDS):
        for name, tick in (("short", kept), ("whole", 3600.0)):
            dispatch.DISPATCH_SECONDS = tick
            # A call's first epoch finds its pace, so the second is timed.
            tendigits.fit(model, *data, epochs=2, verbose=0, callbacks=[counts])
            if number:
                turns[name].append((counts.seconds, counts.dispatches))
    dispatch.DISPATCH_SECONDS = kept
    return {
        name: {"seconds": [s for s, _ in epochs], "dispatches": [n for _, n in epochs]}
        for name, epochs in turns.items()
    }


def interrupt_delays(data: Arrays) -> list[float]:
    """Seconds from a SIGINT to the end of the training."""
    recipe, rng, seconds = Recipe(epochs=1000, patience=1000), np.random.default_rng(0), []
    validation = (data[0][:1000], data[1][:1000])
    model = model_of(recipe)
    for _ in range(SIGNALS):
        sent: list[float] = []

        def send(sent: list[float] = sent) -> None:
            sent.append(time.perf_counter())
            os.kill(os.getpid(), signal.SIGINT)

        timer = threading.Timer(2 + 2 * rng.random(), send)
        timer.start()
        try:
            fit_recipe(model, Inputs(*data, validation, validation), recipe, save=lambda checkpoint: None)
        except Interrupted:
            seconds.append(time.perf_counter() - sent[0])
        timer.join()
    return seconds


def main() -> None:
    """Measure, save and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="MNIST as an .npz file.")
    digits = load(parser.parse_args().data)
    data = to_input(digits.x_train), one_hot(digits.y_train)
    load_before = os.getloadavg()
    record = {
        "machine": describe_environment(),
        "load": load_before,
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "epochs": cost_of_dispatches(data),
        "answers": interrupt_delays(data),
    }
    RESULTS.write_text(json.dumps(record, indent=1) + "\n")
    replace_between(README, BEGIN, END, table(record))
    print(table(record))


def table(record: dict[str, Any]) -> str:
    """Format the results as Markdown."""
    short, whole = (record["epochs"][name] for name in ("short", "whole"))
    seconds = [statistics.median(part["seconds"]) for part in (short, whole)]
    dispatches = statistics.median(short["dispatches"])
    late = record["answers"]
    return (
        f"An epoch in {dispatches:.0f} dispatches takes {seconds[0]:.2f} s, in one {seconds[1]:.2f} s: "
        f"**{seconds[0] / seconds[1] - 1:+.1%}** (medians of {len(short['seconds'])}, in turns; target: under 2%).\n"
        f"SIGINT at {len(late)} random moments ends the training after {statistics.median(late):.2f} s in the median, "
        f"{max(late):.2f} s at most (target: 1 s)."
    )


if __name__ == "__main__":
    main()
