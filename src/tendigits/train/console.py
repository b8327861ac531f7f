"""What a training says while it runs: a live bar on a terminal, plain lines elsewhere, JSON lines, or nothing.

A `Screen` is told of each stage and gives the Keras callback that shows the epochs. This base class is the quiet
one: only warnings, to the standard error.
"""

import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import keras
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from tendigits.model.network import summary


class Screen:
    """Says nothing but warnings; the others say more."""

    def stage(self, number: int, title: str, *lines: str) -> None:
        """A stage of the road has a result, in one or more lines."""

    def line(self, text: str) -> None:
        """One more line of the same stage."""

    def network(self, model: keras.Model) -> None:
        """The network's table of layers."""

    def warn(self, text: str) -> None:
        """A line that must not be missed."""
        print(f"WARNING: {text}", file=sys.stderr, flush=True)

    @contextmanager
    def epochs(self, n: int, run: str) -> Iterator[keras.callbacks.Callback]:
        """A callback that shows the epochs of a training of at most `n`, kept in folder `run`."""
        yield keras.callbacks.Callback()


class TextScreen(Screen):
    """Stages and a line for each epoch; on a terminal a live bar with the time that remains, too."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False)

    def stage(self, number: int, title: str, *lines: str) -> None:
        head, *rest = lines or ("",)
        self.console.print(Text.assemble((f"{number} {title:<9}", "bold cyan"), head), soft_wrap=True)
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
            yield _Lines(self.console, n)
            return
        columns = (
            TextColumn("{task.description}"),
            BarColumn(20),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[metrics]}"),
        )
        with Progress(*columns, console=self.console, transient=True) as progress:
            yield _Bar(self.console, n, progress)


class JsonScreen(Screen):
    """One JSON object a line for each epoch, on the standard output, and nothing else there."""

    @contextmanager
    def epochs(self, n: int, run: str) -> Iterator[keras.callbacks.Callback]:
        yield _Json(n, run)


class _Timed(keras.callbacks.Callback):  # type: ignore[misc]
    """Measures each epoch, validation included."""

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.started = time.perf_counter()

    def seconds(self) -> float:
        return time.perf_counter() - self.started


class _Lines(_Timed):
    def __init__(self, console: Console, n: int) -> None:
        super().__init__()
        self.console, self.n = console, n

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        text = f"{epoch + 1:>2}/{self.n}  {_metrics(logs)}  {self.seconds():.1f} s"
        self.console.print(Text(text), soft_wrap=True)


class _Bar(_Lines):
    """The same lines, and below them the bar of the epoch that runs."""

    def __init__(self, console: Console, n: int, progress: Progress) -> None:
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


class _Json(_Timed):
    def __init__(self, n: int, run: str) -> None:
        super().__init__()
        self.n, self.run = n, run

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        facts = {"run": self.run, "epoch": epoch + 1, "epochs": self.n, **logs, "seconds": round(self.seconds(), 3)}
        print(json.dumps(facts), flush=True)


def _metrics(logs: Mapping[str, float]) -> str:
    """The metrics in the order that people know: loss, accuracy, then the same for validation."""
    names = sorted(logs, key=lambda name: (name.startswith("val_"), "loss" not in name))
    return "  ".join(f"{name} {logs[name]:.4f}" for name in names)
