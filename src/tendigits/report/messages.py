"""The sentences and records that describe a training, for the console, run.json and report.html."""

from typing import TYPE_CHECKING, Any

from tendigits.data.dataset import Dataset
from tendigits.model.calibration import MIN_DIGITS, Calibration
from tendigits.model.recipe import Recipe
from tendigits.runs.run import History, Record
from tendigits.runs.summary import best_epoch

if TYPE_CHECKING:  # importing it takes seconds, and a server that lists runs does not need it
    from tendigits.model.file import SavedModel
    from tendigits.report.metrics import Report


def data_lines(dataset: Dataset) -> list[str]:
    """Name, size and source of the data, and notes about unusual contents."""
    sizes = f"{len(dataset.x_train):,} training and {len(dataset.x_test):,} test digits"
    lines = [f"{dataset.name}: {sizes}", f"from {dataset.source}"]
    if dataset.name != "MNIST":
        for part, counts in dataset.counts.items():
            lines.append(f"{part:<5} " + "  ".join(f"{digit}: {n:,}" for digit, n in enumerate(counts)))
    return [*lines, *dataset.notes, *(data_lines(dataset.own_digits) if dataset.own_digits else [])]


def missing_line(dataset: Dataset) -> str:
    """A warning about digits that a network never sees; "" if it sees all ten."""
    counts = dataset.counts["train"]
    seen = ", ".join(f"{n:,} of {digit}" for digit, n in enumerate(counts) if n)
    missing = ", ".join(str(digit) for digit, n in enumerate(counts) if not n)
    return missing and (
        f"it learns from {seen}, and will never answer {missing}: add images of these, or learn yours and MNIST's "
        "with --also in place of --data"
    )


def data_record(dataset: Dataset) -> Record:
    """The section on data in run.json."""
    return {
        "name": dataset.name,
        "source": dataset.source,
        "path": dataset.path,
        "notes": list(dataset.notes),
        "n_train": len(dataset.x_train),
        "n_test": len(dataset.x_test),
        "counts": dataset.counts,
        "sha256": dataset.digests,
    } | ({"own_digits": data_record(dataset.own_digits)} if dataset.own_digits else {})


def setting_text(value: Any) -> str:
    """A setting's value; "none" for an empty list."""
    return (", ".join(map(str, value)) or "none") if isinstance(value, tuple) else str(value)


def validation_name(recipe: Recipe) -> str:
    """The name of the second curve; without a validation split, recipes validate on the test set."""
    return "Validation" if recipe.validation_split else "Test"


def compile_lines(recipe: Recipe) -> list[str]:
    """Optimizer, loss, metrics, early stopping, and settings that the classic recipe does not use."""
    classic = Recipe()
    kept = "the best epoch's weights are kept" if recipe.restore_best else "the last epoch's weights are kept"
    augmentation = {field: value for field, value in recipe.augmentation.model_dump().items() if value}
    beyond_classic = {
        f"{recipe.schedule} schedule": recipe.schedule != "constant",
        f"beta_1 {recipe.beta_1:g}": recipe.beta_1 != classic.beta_1,
        f"beta_2 {recipe.beta_2:g}": recipe.beta_2 != classic.beta_2,
        f"weight decay {recipe.weight_decay:g}": recipe.weight_decay,
        f"exponential moving average of the weights, momentum {recipe.ema_momentum:g}": recipe.ema_momentum,
        f"label smoothing {recipe.label_smoothing:g}": recipe.label_smoothing,
        "augmentation: " + ", ".join(f"{field} {value:g}" for field, value in augmentation.items()): augmentation,
    }
    more = "; ".join(text for text, is_used in beyond_classic.items() if is_used)
    return [
        f"{recipe.optimizer}, learning rate {recipe.learning_rate:g}; {recipe.loss}; {', '.join(recipe.metrics)}",
        f"early stopping on {recipe.monitor}, patience {recipe.patience}; {kept}",
        f"at most {recipe.epochs} epoch{'s' if recipe.epochs > 1 else ''}, batch size {recipe.batch_size}",
        *([more] if more else []),
    ]


def end_line(history: History, recipe: Recipe) -> str:
    """Why training ended and which weights are kept."""
    n, best = len(history["loss"]), best_epoch(history, recipe)
    why = f"{recipe.monitor} has not improved for {n - best} epochs" if n < recipe.epochs else "all epochs are done"
    return f"{why}; the weights of epoch {best if recipe.restore_best else n} are kept"


def remedies(recipe: Recipe) -> str:
    """Suggested changes to the recipe of a training that diverged, the most promising first."""
    changes = [f"learning_rate = {recipe.learning_rate / 10:g}"]
    if recipe.schedule == "constant":
        changes.append('schedule = "one-cycle", which starts low')
    if recipe.hidden and not recipe.batch_norm:
        changes.append("batch_norm = true")
    return " or ".join(changes)


def saved_line(saved: "SavedModel") -> str:
    """Size of a model file, and how its predictions compare with those of the live model."""
    size = saved.path.stat().st_size / 1e6
    check = f"{saved.n:,} predictions differ by at most {saved.largest_difference:g}"
    return f"{saved.path.name:<11} {size:.1f} MB, loaded again: {check}"


def calibration_lines(calibration: Calibration | None, n: int) -> list[str]:
    """The temperature and threshold from n held-out digits, or why not; no lines without a validation split."""
    if calibration is None:
        few = f"not calibrated: {MIN_DIGITS} held-out digits could show that at most 1% are wrong, {n} cannot"
        return [few] if n else []
    error = f"{calibration.ece_before:.2%} -> {calibration.ece_after:.2%}"
    return [
        f"temperature {calibration.temperature:.3f} from {calibration.n:,} {calibration.on}: calibration error {error}",
        f"with a confidence of at least {calibration.threshold:.3f}, at most 1% are wrong",
    ]


def result_record(history: History, recipe: Recipe, report: "Report | None") -> Record:
    """The section on results in run.json; without a report only the validation results."""
    n, best = len(history["loss"]), best_epoch(history, recipe)
    result: Record = {
        "epochs": n,
        "stopped_early": n < recipe.epochs,
        "best_epoch": best,
        "val_loss": history["val_loss"][best - 1],
        "val_accuracy": history["val_accuracy"][best - 1],
    }
    if report is None:
        return result
    result |= {"test_accuracy": report.accuracy, "test_interval": list(report.interval), "n_test": report.n}
    result |= {"corrected_accuracy": report.corrected.accuracy} if report.corrected else {}
    return result | (
        {"own_accuracy": report.own_digits.accuracy, "n_own": report.own_digits.n} if report.own_digits else {}
    )


def evaluated_line(recipe: Recipe, data: Record) -> str:
    """Which network was evaluated on which digits, described by `data_record`."""
    widths = "-".join(map(str, (784, *recipe.convolutions, *recipe.hidden, 10)))
    return (
        f"Recipe {recipe.name} ({widths}, seed {recipe.seed}), evaluated on the {data['n_test']:,} test digits of "
        f"{data['name']} from {data['source']}."
    )
