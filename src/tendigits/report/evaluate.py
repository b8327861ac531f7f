"""Evaluate a saved run again: on its own test digits, or on others.

report, folder = evaluate_run("runs/first")
report, folder = evaluate_run("runs/first", "my_digits/")
"""

from pathlib import Path

import keras

from tendigits.data.dataset import Dataset
from tendigits.data.load import load, load_test
from tendigits.data.preprocess import to_input
from tendigits.errors import RunError
from tendigits.files import make_inside
from tendigits.model.file import MODEL, load_calibration, load_model
from tendigits.model.network import predict
from tendigits.report import messages
from tendigits.report.html import Evaluation, write_page
from tendigits.report.metrics import Report, classification_report, write_report
from tendigits.report.run import Record, Run, open_run


def evaluate_run(path: str | Path, data: str | Path | None = None) -> tuple[Report, Path]:
    """Load a run's model and evaluate it again. Raises TendigitsError.

    Args:
        path: the run's folder.
        data: other digits, of which the test part is used, or all of them where they are not split; None uses the
            run's own.

    Returns:
        The report, and the folder it was written to: the run's own, or `evaluated-NAME` in it for other digits.
    """
    run = open_run(path)
    record = run.record()
    if not record.get("models"):
        raise RunError(f"{run.path} has no model yet; continue it with: tendigits train --resume {run.path}")
    dataset = load_same_data(run, record) if data is None else load_test(data)
    model = load_model(run.path, record["models"].get(MODEL))
    with run.lock():
        folder = run.path if data is None else make_inside(run.path, f"evaluated-{Path(data).resolve().stem}")
        return report_on(model, dataset, run, record, folder), folder


def report_on(model: keras.Model, dataset: Dataset, run: Run, record: Record, folder: Path) -> Report:
    """Evaluate a run's saved model on the test digits and write the report's files into `folder`. Raises DiskError."""
    probabilities = predict(model, to_input(dataset.x_test))
    report = classification_report(probabilities, dataset.y_test)
    description = messages.evaluated_line(run.recipe(), dataset)
    write_report(report, folder, dataset.x_test, f"Run {run.path.name}", description)
    calibration = load_calibration(run.path / MODEL)
    write_page(Evaluation(run, record, dataset, model, probabilities, report, calibration), folder)
    return report


def load_same_data(run: Run, record: Record) -> Dataset:
    """The digits that the run was trained on, from where it read them, verified by their SHA-256.

    Raises:
        RunError: they have changed.
        DataError: they are no longer there.
    """
    expected = record["data"]
    dataset = load(expected["path"])
    if dataset.digests != expected["sha256"]:
        raise RunError(
            f"{run.path}: expected the digits it was trained on ({expected['name']} from {expected['source']}), found "
            f"{dataset.name} from {dataset.source}; restore the data, or give other digits to `evaluate` with --data"
        )
    return dataset
