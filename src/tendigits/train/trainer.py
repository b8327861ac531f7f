"""Train one network in a locked run folder: stages 2 to 8 of a run.

training = Training(run, recipe, dataset, inputs, record, console)
with recorded(training):
    trained = train_network(training, checkpoint=None)
"""

import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass

import keras
import numpy as np

from tendigits.data.dataset import Dataset
from tendigits.engine.loop import use_compilation_cache
from tendigits.errors import DivergedError, Interrupted
from tendigits.files import replacing
from tendigits.model.calibration import Calibration, calibrate
from tendigits.model.file import MODELS, save_model
from tendigits.model.network import build_network, compile_network, predict
from tendigits.model.recipe import Recipe
from tendigits.pool.pool import WorkerPool
from tendigits.report import messages
from tendigits.report.curves import write_curves
from tendigits.report.evaluate import report_on
from tendigits.report.html import write_report
from tendigits.report.metrics import Report, accuracy_text, own_digits_text
from tendigits.runs.run import Record, Run
from tendigits.train.augment import augmenter, draw_augmented
from tendigits.train.checkpoint import Checkpoint, load_last_checkpoint, save_checkpoint
from tendigits.train.console import Console
from tendigits.train.fitting import fit_recipe, number_of_steps
from tendigits.train.inputs import Inputs


@dataclass(frozen=True)
class Training:
    """A network to train: its recipe and data, the run folder, and the console that shows the progress."""

    run: Run
    recipe: Recipe
    dataset: Dataset
    inputs: Inputs
    record: Record
    console: Console
    drawing: WorkerPool | None = None  # process that draws curves and report; None draws them here

    @property
    def is_evaluated(self) -> bool:
        """Whether it ends with a report on the test digits; a hyperparameter search does not use them."""
        return bool(self.record.get("evaluated", True))


@dataclass(frozen=True)
class Trained:
    """A finished run: its folder, the model, Keras' History and, if it was evaluated, the report on the test digits."""

    run: Run
    model: keras.Model
    history: keras.callbacks.History
    report: Report | None


@contextmanager
def recorded(training: Training) -> Iterator[None]:
    """Write run.json at the beginning and the end of a training, and add to an error how to resume."""
    run, record = training.run, training.record
    try:
        run.write_record(record)
        yield
        record["status"] = "finished"
    except (KeyboardInterrupt, Interrupted) as error:
        record["status"] = "interrupted"
        with suppress(KeyboardInterrupt):  # a second Ctrl-C
            run.write_record(record)
        message = f"interrupted {error}".strip()
        if "best_epoch" in record:
            best = run.path / next(iter(record["models"]))
            message += f"; the best model so far, from epoch {record['best_epoch']}, is {best}"
        number = getattr(error, "signal_number", signal.SIGINT)
        raise Interrupted(f"{message}; resume with: tendigits train --resume {run.path}", number) from None
    except DivergedError as error:
        record["status"] = "failed"
        run.write_record(record)
        best = f"; the best model before that is {next(iter(record['models']))}" if "models" in record else ""
        raise DivergedError(f"{run.path}: {error}; in this recipe {messages.remedies(training.recipe)}{best}") from None
    run.write_record(record)
    shutil.rmtree(run.checkpoints, ignore_errors=True)
    training.console.line(f"{run.path}, in {sum(record['durations'].values()):.1f} s")


def train_network(training: Training, checkpoint: Checkpoint | None) -> Trained:
    """Stages 2 to 8: prepare, network, compile, fit from the checkpoint or the first epoch, curves, save, report."""
    recipe, inputs, console = training.recipe, training.inputs, training.console
    durations = training.record["durations"]
    console.stage(2, "Prepare", f"train {inputs.x.shape} {inputs.y.shape}  float32 in [0, 1], one-hot")
    console.line(f"test  {inputs.test[0].shape} {inputs.test[1].shape}")
    if (own := training.dataset.own_digits) is not None:
        console.line(f"own   {len(own.x_train):,} learned {inputs.own_copies:,} times each, {len(own.x_test):,} tested")
    use_compilation_cache()  # before the first weights are drawn: that compiles, too
    with timed(durations, "network"):
        model = build_network(recipe)
    console.stage(3, "Network", f"{model.count_params():,} parameters")
    console.network(model)
    with timed(durations, "compile"):
        compile_network(model, recipe, number_of_steps(recipe, len(inputs.x)))
    console.stage(4, "Compile", *messages.compile_lines(recipe))
    if (augment := augmenter(recipe.augmentation)) is not None:
        with replacing(training.run.path / "augmented.png") as temporary:
            draw_augmented(inputs.x, augment, recipe.seed).savefig(temporary, dpi=100)
        console.line("64 augmented digits: augmented.png")
    with timed(durations, "fit"):
        history = _fit(training, model, checkpoint)
    console.line(messages.end_line(history.history, recipe))
    return finish(training, model, history)


def finish(training: Training, model: keras.Model, history: keras.callbacks.History) -> Trained:
    """Stages 6 to 8 of a trained model: curves, save, report. The report is drawn while the model is saved."""
    run, recipe, record, console = training.run, training.recipe, training.record, training.console
    durations = record["durations"]
    with timed(durations, "curves"):
        finish_curves = _draw(training, write_curves, history.history, recipe, run.path)
    console.stage(6, "Curves", "curves.svg, curves.png")
    report = None
    with timed(durations, "report"):
        x, probabilities, calibration = _predict(training, model)
        if training.is_evaluated:
            evaluation = report_on(model, probabilities, training.dataset, calibration, run, record)
            report, finish_report = evaluation.report, _draw(training, write_report, evaluation, run.path, MODELS)
    with timed(durations, "save"):
        _save(training, model, x, probabilities, calibration)
    with timed(durations, "report"):
        finish_curves()
        if report is not None:
            finish_report()
            lines = f"accuracy {accuracy_text(report)}", own_digits_text(report), "report.html, report.json"
            console.stage(8, "Report", *filter(None, lines))
    record["result"] = messages.result_record(history.history, recipe, report)
    return Trained(run, model, history, report)


def _fit(training: Training, model: keras.Model, checkpoint: Checkpoint | None) -> keras.callbacks.History:
    """Stage 5. If it is interrupted or diverges, the best model so far is saved before the error is raised again."""
    run, inputs, recipe, console = training.run, training.inputs, training.recipe, training.console
    on = "held-out training digits" if recipe.validation_split else "test digits, as the tutorial does"
    console.stage(5, "Fit", f"{len(inputs.x):,} digits, validated on {len(inputs.validation[0]):,} {on}")
    if checkpoint is not None:
        console.line(f"resumed after epoch {checkpoint.epoch}")

    def save(reached: Checkpoint) -> None:
        save_checkpoint(reached, run.checkpoints)
        run.write_history(reached.history)

    with console.epochs(recipe.epochs, str(run.path)) as progress:
        try:
            return fit_recipe(model, inputs, recipe, save, checkpoint, [progress])
        except (Interrupted, DivergedError):
            if (last := load_last_checkpoint(run.checkpoints, console.warn)) is not None:
                finish_curves = _draw(training, write_curves, last.history, recipe, run.path)
                _save(training, model, *_predict(training, model))
                finish_curves()
                training.record["best_epoch"] = last.best_epoch + 1
            raise


def _draw(training: Training, work: Callable[..., None], *arguments: object) -> Callable[[], None]:
    """Draw, or begin to in the other process. Returns a function that waits until it is done."""
    if training.drawing is not None:
        return training.drawing.submit(work, *arguments).result
    work(*arguments)
    return lambda: None


def _predict(training: Training, model: keras.Model) -> tuple[np.ndarray, np.ndarray, Calibration | None]:
    """Test digits, or validation digits in a search, their probabilities, and a calibration if digits are held out."""
    inputs, calibration = training.inputs, None
    x, _ = inputs.test if training.is_evaluated else inputs.validation
    probabilities = predict(model, x)
    if training.recipe.validation_split:
        held_out, y = inputs.validation
        on_held_out = predict(model, held_out) if training.is_evaluated else probabilities
        calibration = calibrate(on_held_out, y.argmax(axis=1))
    return x, probabilities, calibration


def _save(
    training: Training, model: keras.Model, x: np.ndarray, probabilities: np.ndarray, calibration: Calibration | None
) -> None:
    """Stage 7."""
    record, console = training.record, training.console
    record["calibration"] = None if calibration is None else asdict(calibration)
    saved = save_model(model, training.run.path, x, calibration, expected=probabilities)
    record["models"] = {file.path.name: file.sha256 for file in saved}
    n_held_out = len(training.inputs.validation[0]) if training.recipe.validation_split else 0
    calibrated = messages.calibration_lines(calibration, n_held_out)
    console.stage(7, "Save", *map(messages.saved_line, saved), *calibrated)
    console.line(f"both compiled with {training.recipe.optimizer}, ready for more training")


@contextmanager
def timed(durations: dict[str, float], stage: str) -> Iterator[None]:
    """Add the seconds of the block to the stage's total, which a resumed run continues."""
    started = time.perf_counter()
    try:
        yield
    finally:
        durations[stage] = round(durations.get(stage, 0.0) + time.perf_counter() - started, 3)
