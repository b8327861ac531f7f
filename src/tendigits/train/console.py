"""The output of a training: a live progress bar on a terminal, plain lines elsewhere, JSON lines, or only warnings.

A `Console` receives the result of each stage, and has a Keras callback that shows the epochs.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import keras
import rich.console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn
from rich.text import Text

from tendigits.model.network import summary

Show = Callable[[int, Mapping[str, float], float], None]  # (epoch from 1, metrics, seconds)


class Console:
    """Prints only warnings, to the standard error. Base class of the other consoles."""

    def stage(self, number: int, title: str, *lines: str) -> None:
        """Show the result of a stage of the training."""

    def line(self, text: str) -> None:
        """Show another line about the same stage."""

    def network(self, model: keras.Model) -> None:
        """Show the table of the network's layers."""

    def warn(self, text: str) -> None:
        """Show a warning. All consoles do."""
        print(f"WARNING: {text}", file=sys.stderr, flush=True)

    @contextmanager
    def epochs(self, n: int, run: str) -> Iterator[keras.callbacks.Callback]:
        """A callback that shows the epochs of a training: at most `n`, in the folder `run`."""
        yield keras.callbacks.Callback()


class TextConsole(Console):
    """Prints the stages and a line for each epoch, with a live progress bar on a terminal."""

    def __init__(self, console: rich.console.Console | None = None) -> None:
        self.console = console or rich.console.Console(highlight=False)

    def stage(self, number: int, title: str, *lines: str) -> None:
        first, *rest = lines or ("",)
        self.console.print(Text.assemble((f"{number} {title:<9}", "bold cyan"), first), soft_wrap=True)
        for text in rest:
            self.line(text)

    def line(self, text: str) -> None:
        self.console.print(Text("           " + text), soft_wrap=True)

    def network(self, model: keras.Model) -> None:
        self.console.print(Text(summary(model)), soft_wrap=True)

    def warn(self, text: str) -> None:
        self.console.print(Text(f"WARNING: {text}", style="bold black on yellow"), soft_wrap=True)

    @contextmanager
    def epochs(self, n: int, run: str) -> Iterator[keras.callbacks.Callback]:
        def show(epoch: int, logs: Mapping[str, float], seconds: float) -> None:
            self.console.print(Text(f"{epoch:>2}/{n}  {_metrics(logs)}  {seconds:.1f} s"), soft_wrap=True)

        bar = BarColumn(20), MofNCompleteColumn(), TimeRemainingColumn()
        columns = "{task.description}", *bar, "{task.fields[metrics]}"
        is_shown = self.console.is_terminal
        with Progress(*columns, console=self.console, transient=True, disable=not is_shown) as progress:
            yield _Epochs(show, n, progress)


class JsonConsole(Console):
    """Prints one line of JSON for each epoch to the standard output."""

    @contextmanager
    def epochs(self, n: int, run: str) -> Iterator[keras.callbacks.Callback]:
        def show(epoch: int, logs: Mapping[str, float], seconds: float) -> None:
            line = {"run": run, "epoch": epoch, "epochs": n, **logs, "seconds": round(seconds, 3)}
            print(json.dumps(line), flush=True)

        yield _Epochs(show, n, Progress(disable=True))


class _Epochs(keras.callbacks.Callback):  # type: ignore[misc]
    """Shows a progress bar for the current epoch, and calls `show` after the epoch and its validation."""

    def __init__(self, show: Show, n: int, progress: Progress) -> None:
        super().__init__()
        self.show, self.n, self.progress = show, n, progress

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.started = time.perf_counter()
        self.task = self.progress.add_task(f"{epoch + 1:>2}/{self.n}", total=self.params["steps"], metrics="")

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.progress.update(self.task, completed=batch + 1, metrics=_metrics(logs))

    def on_test_begin(self, logs: Any = None) -> None:
        self.progress.update(self.task, description="validating")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.progress.remove_task(self.task)
        self.show(epoch + 1, logs, time.perf_counter() - self.started)


def _metrics(logs: Mapping[str, float]) -> str:
    """The metrics in Keras' order: loss, accuracy and others, then the same for validation."""
    names = sorted(logs, key=lambda name: (name.startswith("val_"), "loss" not in name))
    return "  ".join(f"{name} {logs[name]:.4f}" for name in names)
