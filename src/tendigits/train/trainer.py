"""Train one network: stages 2 to 8 of a run, whose folder is locked.

training = Training(run, recipe, dataset, prepare_inputs(dataset, recipe), record, console)
with recorded(training):
    trained = train_network(training, checkpoint=None)
"""

import shutil
import signal
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass

import keras
import numpy as np

from tendigits.data.dataset import Dataset
from tendigits.engine.loop import use_compilation_cache
from tendigits.errors import DivergedError, HostError, Interrupted
from tendigits.files import replacing
from tendigits.model.calibration import Calibration, calibrate
from tendigits.model.file import MODELS, save_model
from tendigits.model.network import build_network, compile_network, predict
from tendigits.model.recipe import Recipe
from tendigits.report import messages
from tendigits.report.curves import write_curves
from tendigits.report.evaluate import report_on
from tendigits.report.html import write_report
from tendigits.report.metrics import Report, accuracy_text
from tendigits.runs.run import Record, Run
from tendigits.train import spmd
from tendigits.train.augment import augmenter, draw_augmented
from tendigits.train.checkpoint import Checkpoint, History, load_last_checkpoint, save_checkpoint
from tendigits.train.console import Console
from tendigits.train.fitting import fit_recipe, number_of_steps
from tendigits.train.inputs import Inputs


@dataclass(frozen=True)
class Training:
    """What is trained, on what, where it is kept and where its progress is shown."""

    run: Run
    recipe: Recipe
    dataset: Dataset
    inputs: Inputs
    record: Record
    console: Console
    distribution: keras.distribution.DataParallel | None = None
    """The devices that share each batch; None is this process's first device."""

    @property
    def is_evaluated(self) -> bool:
        """Whether it ends with a report on the test digits; a hyperparameter search never looks at them."""
        return bool(self.record.get("evaluated", True))


@dataclass(frozen=True)
class Trained:
    """A finished run: its folder, the live model, Keras' History and the report on the test digits, if there is one."""

    run: Run
    model: keras.Model
    history: keras.callbacks.History
    report: Report | None


def train_network(training: Training, checkpoint: Checkpoint | None) -> Trained:
    """Stages 2 to 8: prepare, network, compile, fit, curves, save, report; None starts from the first epoch."""
    recipe, inputs, console = training.recipe, training.inputs, training.console
    durations = training.record["durations"]
    console.stage(2, "Prepare", f"train {inputs.x.shape} {inputs.y.shape}  float32 in [0, 1], one-hot")
    console.line(f"test  {inputs.test[0].shape} {inputs.test[1].shape}")
    use_compilation_cache()  # before the first weights are drawn, which compiles too
    with timed(durations, "network"):
        model = build_network(recipe)
    console.stage(3, "Network", f"{model.count_params():,} parameters")
    console.network(model)
    with timed(durations, "compile"):
        compile_network(model, recipe, number_of_steps(recipe, len(inputs.x)))
    console.stage(4, "Compile", *messages.compile_lines(recipe))
    _save_augmented(training)
    with timed(durations, "fit"):
        history = _fit(training, model, checkpoint)
    console.line(messages.end_line(history.history, recipe))
    return finish(training, model, history)


def finish(training: Training, model: keras.Model, history: keras.callbacks.History) -> Trained:
    """Stages 6 to 8 of a trained model: curves, save, report. The report is drawn while the model is saved."""
    run, record, console = training.run, training.record, training.console
    durations = record["durations"]
    report = None
    with ThreadPoolExecutor(1) as background:
        with timed(durations, "curves"):
            writing = [_write_curves(training, history.history, background)]
        console.stage(6, "Curves", "curves.svg, curves.png")
        with timed(durations, "report"):
            predictions = _predict(training, model)
            if training.is_evaluated:
                evaluation = report_on(
                    model, predictions.probabilities, training.dataset, predictions.calibration, run, record
                )
                report = evaluation.report
                writing.append(background.submit(write_report, evaluation, run.path, coming=MODELS))
        with timed(durations, "save"):
            _save_models(training, model, predictions)
        with timed(durations, "report"):
            for each in writing:
                each.result()
    if report is not None:
        console.stage(8, "Report", f"accuracy {accuracy_text(report)}", "report.html, report.json")
    record["result"] = messages.result_record(history.history, training.recipe, report)
    return Trained(run, model, history, report)


@contextmanager
def recorded(training: Training) -> Iterator[None]:
    """Write into run.json how the training ended, and add to an error what was kept and how to resume."""
    run, record = training.run, training.record

    def write(status: str) -> None:
        record["status"] = status
        run.write_record(record)

    try:
        yield
    except (KeyboardInterrupt, Interrupted) as error:
        write("interrupted")
        raise interrupted(error, run, record) from None
    except HostError as error:
        write("interrupted")
        raise HostError(_how_to_resume(str(error), run, record)) from None
    except DivergedError as error:
        write("failed")
        kept = f"; the best model before that is {next(iter(record['models']))}" if "models" in record else ""
        remedies = messages.remedies(training.recipe)
        raise DivergedError(f"{run.path}: {error}; in this recipe {remedies}{kept}") from None
    write("finished")
    shutil.rmtree(run.checkpoints, ignore_errors=True)
    training.console.line(f"{run.path}, in {sum(record['durations'].values()):.1f} s")


def interrupted(error: BaseException, run: Run, record: Record) -> Interrupted:
    """The error that says what was kept and how to resume."""
    number = error.signal_number if isinstance(error, Interrupted) else signal.SIGINT
    return Interrupted(_how_to_resume(f"interrupted {error}".strip(), run, record), number)


def _how_to_resume(message: str, run: Run, record: Record) -> str:
    if "best_epoch" in record:
        best = run.path / next(iter(record["models"]))
        message += f"; the best model so far, from epoch {record['best_epoch']}, is {best}"
    return f"{message}; resume with: tendigits train --resume {run.path}"


def _fit(training: Training, model: keras.Model, checkpoint: Checkpoint | None) -> keras.callbacks.History:
    """Stage 5. If it is interrupted, the best model so far is saved before the error is raised again."""
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
            spmd.send(recipe, checkpoint)
            return fit_recipe(model, inputs, recipe, save, checkpoint, [progress], training.distribution)
        except (Interrupted, DivergedError, HostError):
            if (last := load_last_checkpoint(run.checkpoints, console.warn)) is not None:
                with ThreadPoolExecutor(1) as background:
                    curves = _write_curves(training, last.history, background)
                    _save_models(training, model, _predict(training, model))
                    curves.result()
                training.record["best_epoch"] = last.best_epoch + 1
            raise


def _save_augmented(training: Training) -> None:
    if (augment := augmenter(training.recipe.augmentation)) is not None:
        figure = draw_augmented(training.inputs.x, augment, training.recipe.seed)
        with replacing(training.run.path / "augmented.png") as temporary:
            figure.savefig(temporary, dpi=100)
        training.console.line("64 augmented digits: augmented.png")


def _write_curves(training: Training, history: History, background: ThreadPoolExecutor) -> "Future[None]":
    return background.submit(write_curves, history, messages.validation_name(training.recipe), training.run.path)


@dataclass(frozen=True, eq=False)
class _Predictions:
    """What a trained model predicts for digits that it was not trained on."""

    x: np.ndarray
    """The test digits; validation digits in a search, which never looks at the others. float32 (n, 784)."""
    probabilities: np.ndarray
    """float32 (n, 10)."""
    calibration: Calibration | None
    """Fitted on the held-out digits; None if there are none."""


def _predict(training: Training, model: keras.Model) -> _Predictions:
    x, _ = training.inputs.test if training.is_evaluated else training.inputs.validation
    probabilities, calibration = predict(model, x), None
    if training.recipe.validation_split:
        held_out, y = training.inputs.validation
        on_held_out = probabilities if held_out is x else predict(model, held_out)
        calibration = calibrate(on_held_out, y.argmax(axis=1))
    return _Predictions(x, probabilities, calibration)


def _save_models(training: Training, model: keras.Model, predictions: _Predictions) -> None:
    """Stage 7."""
    record, console, calibration = training.record, training.console, predictions.calibration
    record["calibration"] = None if calibration is None else asdict(calibration)
    saved = save_model(model, training.run.path, predictions.x, calibration, expected=predictions.probabilities)
    record["models"] = {file.path.name: file.sha256 for file in saved}
    console.stage(7, "Save", *map(messages.saved_line, saved), *messages.calibration_lines(calibration))
    console.line(f"both compiled with {training.recipe.optimizer}, ready for more training")


@contextmanager
def timed(durations: dict[str, float], stage: str) -> Iterator[None]:
    """Add the seconds that the block takes to the stage's total, which a resumed run continues."""
    started = time.perf_counter()
    try:
        yield
    finally:
        durations[stage] = round(durations.get(stage, 0.0) + time.perf_counter() - started, 3)
