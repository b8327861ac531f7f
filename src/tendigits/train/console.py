"""The output of a training: a live progress bar on a terminal, plain lines elsewhere, JSON lines, or only warnings.

A `Console` receives the result of each stage, and has a Keras callback that shows the epochs.
"""

import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import keras
import rich.console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from tendigits.model.network import summary


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
        if not self.console.is_terminal:
            yield _EpochLines(self.console, n)
            return
        columns = (
            TextColumn("{task.description}"),
            BarColumn(20),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[metrics]}"),
        )
        with Progress(*columns, console=self.console, transient=True) as progress:
            yield _ProgressBar(self.console, n, progress)


class JsonConsole(Console):
    """Prints one line of JSON for each epoch to the standard output."""

    @contextmanager
    def epochs(self, n: int, run: str) -> Iterator[keras.callbacks.Callback]:
        yield _JsonLines(n, run)


class _Timer(keras.callbacks.Callback):  # type: ignore[misc]
    """Measures each epoch, including validation."""

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.started = time.perf_counter()

    def seconds(self) -> float:
        return time.perf_counter() - self.started


class _EpochLines(_Timer):
    def __init__(self, console: rich.console.Console, n: int) -> None:
        super().__init__()
        self.console, self.n = console, n

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        text = f"{epoch + 1:>2}/{self.n}  {_metrics(logs)}  {self.seconds():.1f} s"
        self.console.print(Text(text), soft_wrap=True)


class _ProgressBar(_EpochLines):
    """The same lines, with a progress bar for the current epoch below them."""

    def __init__(self, console: rich.console.Console, n: int, progress: Progress) -> None:
        super().__init__(console, n)
        self.progress = progress

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        super().on_epoch_begin(epoch)
        self.task = self.progress.add_task(f"{epoch + 1:>2}/{self.n}", total=self.params["steps"], metrics="")

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.progress.update(self.task, completed=batch + 1, metrics=_metrics(logs))

    def on_test_begin(self, logs: Any = None) -> None:
        self.progress.update(self.task, description="validating")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.progress.remove_task(self.task)
        super().on_epoch_end(epoch, logs)


class _JsonLines(_Timer):
    def __init__(self, n: int, run: str) -> None:
        super().__init__()
        self.n, self.run = n, run

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        facts = {"run": self.run, "epoch": epoch + 1, "epochs": self.n, **logs, "seconds": round(self.seconds(), 3)}
        print(json.dumps(facts), flush=True)


def _metrics(logs: Mapping[str, float]) -> str:
    """The metrics in Keras' order: loss, accuracy and others, then the same for validation."""
    names = sorted(logs, key=lambda name: (name.startswith("val_"), "loss" not in name))
    return "  ".join(f"{name} {logs[name]:.4f}" for name in names)
