"""The sentences and records that tell of a training: for the screen, run.json and report.md."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tendigits.data.dataset import Dataset
from tendigits.model.calibration import Calibration
from tendigits.model.recipe import Recipe

if TYPE_CHECKING:  # these need Keras and matplotlib, which a server that lists runs does not
    from tendigits.model.file import Saved
    from tendigits.report.metrics import Report

History = dict[str, list[float]]


def data_lines(dataset: Dataset) -> list[str]:
    """What is trained on, from where, and what was noticed."""
    sizes = f"{len(dataset.x_train):,} training and {len(dataset.x_test):,} test digits"
    return [f"{dataset.name}: {sizes}", f"from {dataset.source}", *count_lines(dataset), *dataset.notes]


def count_lines(dataset: Dataset) -> list[str]:
    """How many of each digit there are; for MNIST everybody knows."""
    if dataset.name == "MNIST":
        return []
    return [
        f"{part:<5} " + "  ".join(f"{digit}: {n:,}" for digit, n in enumerate(counts))
        for part, counts in dataset.counts.items()
    ]


def data_record(dataset: Dataset, path: str | Path | None) -> dict[str, Any]:
    """The data's part of run.json; `path` is what the user gave, made absolute so that it is found again."""
    return {
        "name": dataset.name,
        "source": dataset.source,
        "path": None if path is None else str(Path(path).resolve()),
        "notes": list(dataset.notes),
        "n_train": len(dataset.x_train),
        "n_test": len(dataset.x_test),
        "counts": dataset.counts,
        "sha256": dataset.digests,
    }


def validation_name(recipe: Recipe) -> str:
    """What the second curve is called: the walk-through validates on the test set."""
    return "Held out" if recipe.validation_split else "Test"


def compile_lines(recipe: Recipe) -> list[str]:
    """Optimizer, loss, metrics and early stopping."""
    kept = "the best epoch's weights are kept" if recipe.restore_best else "the last epoch's weights are kept"
    lines = [
        f"{recipe.optimizer}, learning rate {recipe.learning_rate:g}; {recipe.loss}; {', '.join(recipe.metrics)}",
        f"early stopping on {recipe.monitor}, patience {recipe.patience}; {kept}",
        f"at most {recipe.epochs} epoch{'s' if recipe.epochs > 1 else ''}, batch {recipe.batch_size}",
    ]
    return [*lines, more] if (more := "; ".join(_beyond_classic(recipe))) else lines


def _beyond_classic(recipe: Recipe) -> list[str]:
    """What the classic recipe has not."""
    augment = {knob: value for knob, value in recipe.augmentation.model_dump().items() if value}
    said = {
        f"{recipe.schedule} schedule": recipe.schedule != "constant",
        f"weight decay {recipe.weight_decay:g}": recipe.weight_decay,
        f"weights averaged with momentum {recipe.ema_momentum:g}": recipe.ema_momentum,
        f"labels smoothed by {recipe.label_smoothing:g}": recipe.label_smoothing,
        "digits changed in each step: " + ", ".join(f"{knob} {value:g}" for knob, value in augment.items()): augment,
    }
    return [text for text, is_so in said.items() if is_so]


def best_epoch(history: History, recipe: Recipe) -> int:
    """The epoch, from 1, with the best value of what is monitored; the first of equals."""
    values = history[recipe.monitor]
    pick = max if recipe.monitor.endswith("accuracy") else min
    return values.index(pick(values)) + 1


def end_line(history: History, recipe: Recipe) -> str:
    """Why training ended and which weights are kept."""
    n, best = len(history["loss"]), best_epoch(history, recipe)
    why = f"{recipe.monitor} has not improved for {n - best} epochs" if n < recipe.epochs else "all epochs are done"
    return f"{why}; the weights of epoch {best if recipe.restore_best else n} are kept"


def remedies(recipe: Recipe) -> str:
    """What to change where a training diverges, the surest first."""
    tries = [f"learning_rate = {recipe.learning_rate / 10:g}"]
    if recipe.schedule == "constant":
        tries.append('schedule = "one-cycle", which begins low')
    if recipe.hidden and not recipe.batch_norm:
        tries.append("batch_norm = true")
    return " or ".join(tries)


def saved_line(saved: "Saved") -> str:
    """That a model file was proved."""
    size = saved.path.stat().st_size / 1e6
    same = f"{saved.n:,} predictions differ by {saved.largest_difference:g} at most"
    return f"{saved.path.name:<11} {size:.1f} MB, loaded back: {same}"


def calibration_lines(calibration: Calibration | None) -> list[str]:
    """What was fitted so that confidences are as often right as they say."""
    if calibration is None:
        return []
    error = f"{calibration.ece_before:.2%} -> {calibration.ece_after:.2%}"
    return [
        f"temperature {calibration.temperature:.3f} from {calibration.n:,} {calibration.on}: calibration error {error}",
        f"of what is accepted from confidence {calibration.threshold:.3f} on, at most 1% is wrong",
    ]


def result_record(history: History, recipe: Recipe, report: "Report | None") -> dict[str, Any]:
    """The result's part of run.json; without test digits where these are left alone."""
    n, best = len(history["loss"]), best_epoch(history, recipe)
    result = {
        "epochs": n,
        "stopped_early": n < recipe.epochs,
        "best_epoch": best,
        "val_loss": history["val_loss"][best - 1],
        "val_accuracy": history["val_accuracy"][best - 1],
    }
    if report is None:
        return result
    return result | {
        "test_accuracy": report.accuracy,
        "test_interval": list(report.interval),
        "n_test": report.n,
    }


def about_line(recipe: Recipe, dataset: Dataset) -> str:
    """Which network was judged on which digits."""
    widths = "-".join(map(str, (784, *recipe.convolutions, *recipe.hidden, 10)))
    return (
        f"Recipe {recipe.name} ({widths}, seed {recipe.seed}), judged on the {len(dataset.x_test):,} test digits of "
        f"{dataset.name} from {dataset.source}."
    )
