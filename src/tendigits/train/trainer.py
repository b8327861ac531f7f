"""Stages 2 to 8 of a run whose lock is held: prepare, network, compile, fit, curves, save, report.

trained = Walk(run, recipe, dataset, prepare_input(dataset, recipe), record, screen).go(checkpoint=None)
"""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import keras
import numpy as np

from tendigits.data import preprocess
from tendigits.data.dataset import Dataset, stratified_split
from tendigits.engine.loop import use_compilation_cache
from tendigits.errors import DivergedError, HostError, Interrupted
from tendigits.model.calibration import Calibration, calibrate
from tendigits.model.file import save_model
from tendigits.model.network import build_network, compile_network, predict
from tendigits.model.recipe import Recipe
from tendigits.report import messages
from tendigits.report.curves import draw_curves, save_figure
from tendigits.report.evaluate import report_on
from tendigits.report.metrics import Report, accuracy_text
from tendigits.report.run import Record, Run
from tendigits.train.augment import augmenter, draw_augmented
from tendigits.train.callbacks import fit_recipe
from tendigits.train.checkpoint import Checkpoint, load_last_checkpoint, save_checkpoint
from tendigits.train.console import Screen
from tendigits.train.hosts import Team

Array = np.ndarray[Any, Any]

HELD_OUT_SEED = 0
"""The same digits are held out whatever a recipe's seed, so that results of several seeds can be compared or joined."""


@dataclass(frozen=True)
class Trained:
    """A finished run: its folder, the live model, Keras' History and the report on the test digits."""

    run: Run
    model: keras.Model
    history: keras.callbacks.History
    report: Report | None
    """On the test digits, where these were looked at."""


@dataclass(frozen=True)
class Input:
    """What the network is fed: float32 (n, 784) in [0, 1] and one-hot float32 (n, 10)."""

    x: Array
    y: Array
    validation: tuple[Array, Array]
    test: tuple[Array, Array]


def prepare_input(dataset: Dataset, recipe: Recipe) -> Input:
    """Stage 2: pixels to network input, after a share is held out where the recipe says so."""
    test = preprocess.to_input(dataset.x_test), preprocess.one_hot(dataset.y_test)
    if not recipe.validation_split:
        return Input(preprocess.to_input(dataset.x_train), preprocess.one_hot(dataset.y_train), test, test)
    x, y, x_held, y_held = stratified_split(dataset.x_train, dataset.y_train, recipe.validation_split, HELD_OUT_SEED)
    held = preprocess.to_input(x_held), preprocess.one_hot(y_held)
    return Input(preprocess.to_input(x), preprocess.one_hot(y), held, test)


@dataclass(frozen=True)
class Walk:
    """Stages 2 to 8 of one run, whose lock is held."""

    run: Run
    recipe: Recipe
    dataset: Dataset
    ready: Input
    record: Record
    screen: Screen
    team: Team | None = None
    """The devices and hosts that train together; None is this process's first device."""

    @property
    def is_judged(self) -> bool:
        """Whether it ends with a report on the test digits, which a search leaves alone."""
        return bool(self.record.get("evaluated", True))

    def go(self, checkpoint: Checkpoint | None) -> Trained:
        """All stages, from `checkpoint` on where there is one; an interruption is kept in the run folder."""
        try:
            trained = self._stages(checkpoint)
        except (KeyboardInterrupt, Interrupted) as error:
            self._write_status("interrupted")
            raise interrupted(error, self.run, self.record) from None
        except HostError as error:
            self._write_status("interrupted")
            raise HostError(_how_to_resume(str(error), self.run, self.record)) from None
        except DivergedError as error:
            self._write_status("failed")
            kept = f"; {next(iter(self.record['models']))} is the best before" if "models" in self.record else ""
            remedies = messages.remedies(self.recipe)
            raise DivergedError(f"{self.run.path}: {error}; in this recipe {remedies}{kept}") from None
        self._write_status("finished")
        self.run.remove_checkpoints()
        self.screen.line(f"{self.run.path}, in {sum(self.record['durations'].values()):.1f} s")
        return trained

    def _stages(self, checkpoint: Checkpoint | None) -> Trained:
        """Stages 2 to 5, and the rest."""
        recipe, ready, screen, durations = self.recipe, self.ready, self.screen, self.record["durations"]
        screen.stage(2, "Prepare", f"train {ready.x.shape} {ready.y.shape}  float32 in [0, 1], one-hot")
        screen.line(f"test  {ready.test[0].shape} {ready.test[1].shape}")
        use_compilation_cache()  # before the first weights are drawn: that compiles, too
        with timed(durations, "network"):
            model = self._build()
        screen.stage(3, "Network", f"{model.count_params():,} parameters")
        screen.network(model)
        with timed(durations, "compile"):
            self._compile(model, steps_of(recipe, len(ready.x)))
        screen.stage(4, "Compile", *messages.compile_lines(recipe))
        self._show_augmented()
        with timed(durations, "fit"):
            history = self._fit(model, checkpoint)
        screen.line(messages.end_line(history.history, recipe))
        return self._conclude(model, history)

    def _build(self) -> keras.Model:
        return build_network(self.recipe)

    def _compile(self, model: keras.Model, steps: int) -> None:
        compile_network(model, self.recipe, steps)

    def _onlookers(self, model: keras.Model) -> tuple[keras.callbacks.Callback, ...]:
        """Callbacks that look on while it is trained."""
        return ()

    def _conclude(self, model: keras.Model, history: keras.callbacks.History) -> Trained:
        """Stages 6 to 8, of a model that is trained."""
        recipe, screen, durations = self.recipe, self.screen, self.record["durations"]
        with timed(durations, "curves"):
            self._save_curves(history.history)
        screen.stage(6, "Curves", "curves.svg, curves.png")
        with timed(durations, "save"):
            self._save_models(model)
        if not self.is_judged:
            self.record["result"] = messages.result_record(history.history, recipe, None)
            return Trained(self.run, model, history, None)
        with timed(durations, "report"):
            report = report_on(model, self.dataset, self.run, self.record, self.run.path)
        files = "report.html, report.md, report.json, confusion.png, mistakes.png"
        screen.stage(8, "Report", f"accuracy {accuracy_text(report)}", files)
        self.record["result"] = messages.result_record(history.history, recipe, report)
        return Trained(self.run, model, history, report)

    def _fit(self, model: keras.Model, checkpoint: Checkpoint | None) -> keras.callbacks.History:
        """Stage 5. Where it is cut short, the best model so far is saved before the error goes on."""
        ready, recipe, screen = self.ready, self.recipe, self.screen
        on = "held-out training digits" if recipe.validation_split else "test digits, as the walk-through does"
        screen.stage(5, "Fit", f"{len(ready.x):,} digits, validated on {len(ready.validation[0]):,} {on}")
        if checkpoint is not None:
            screen.line(f"resumed after epoch {checkpoint.epoch}")
        with screen.epochs(recipe.epochs, str(self.run.path)) as shown:
            looking = (shown, *self._onlookers(model))
            try:
                if self.team is not None:
                    self.team.announce(recipe, self.record["data"]["sha256"], checkpoint)
                return fit_recipe(
                    model, ready.x, ready.y, ready.validation, recipe, self._keep, checkpoint, looking,
                    None if self.team is None else self.team.distribution,
                )  # fmt: skip
            except (Interrupted, DivergedError, HostError):
                if (last := load_last_checkpoint(self.run.checkpoints, screen.warn)) is not None:
                    self._save_curves(last.history)
                    self._save_models(model)
                    self.record["best_epoch"] = last.best_epoch + 1
                raise

    def _show_augmented(self) -> None:
        if (change := augmenter(self.recipe.augmentation)) is not None:
            figure = draw_augmented(self.ready.x, change, self.recipe.seed)
            figure.savefig(self.run.path / "augmented.png", dpi=100)
            self.screen.line("64 digits as a step changes them: augmented.png")

    def _keep(self, checkpoint: Checkpoint) -> None:
        save_checkpoint(checkpoint, self.run.checkpoints)
        self.run.write_history(checkpoint.history)

    def _save_curves(self, history: dict[str, list[float]]) -> None:
        save_figure(draw_curves(history, messages.validation_name(self.recipe)), self.run.path / "curves")

    def _save_models(self, model: keras.Model) -> None:
        """Stage 7."""
        calibration = self._calibrate(model)
        self.record["calibration"] = None if calibration is None else asdict(calibration)
        saved = save_model(model, self.run.path, *self._proof, calibration)
        self.record["models"] = {file.path.name: file.sha256 for file in saved}
        self.screen.stage(7, "Save", *map(messages.saved_line, saved), *messages.calibration_lines(calibration))
        self.screen.line(f"both compiled with {self.recipe.optimizer} and able to go on training")

    @property
    def _proof(self) -> tuple[Array, Array]:
        """What a saved model is compared on."""
        return self.ready.test if self.is_judged else self.ready.validation

    def _calibrate(self, model: keras.Model) -> Calibration | None:
        """On the held-out digits; where there are none, validation is on the test digits, and nothing is fitted."""
        if not self.recipe.validation_split:
            return None
        x, y = self.ready.validation
        return calibrate(predict(model, x), y.argmax(axis=1))

    def _write_status(self, status: str) -> None:
        self.record["status"] = status
        self.run.write_record(self.record)


def steps_of(recipe: Recipe, n: int) -> int:
    """Steps of the whole training of n digits."""
    return recipe.epochs * -(-n // recipe.batch_size)


def interrupted(error: BaseException, run: Run, record: Record) -> Interrupted:
    """The error that says what was kept and how to go on."""
    number = error.signal_number if isinstance(error, Interrupted) else signal.SIGINT
    return Interrupted(_how_to_resume(f"interrupted {error}".strip(), run, record), number)


def _how_to_resume(what: str, run: Run, record: Record) -> str:
    if "best_epoch" in record:
        best = run.path / next(iter(record["models"]))
        what += f"; the best model so far, of epoch {record['best_epoch']}, is {best}"
    return f"{what}; go on with: tendigits train --resume {run.path}"


@contextmanager
def timed(durations: dict[str, float], stage: str) -> Iterator[None]:
    """Add the seconds that the block takes to the stage's: a resumed run goes on counting."""
    started = time.perf_counter()
    try:
        yield
    finally:
        durations[stage] = round(durations.get(stage, 0.0) + time.perf_counter() - started, 3)
