"""Evaluate a saved run again: on its own test digits, or on others.

report, folder = evaluate_run("runs/first")
report, folder = evaluate_run("runs/first", "my_digits/")
"""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np

from tendigits.data.dataset import Dataset
from tendigits.data.load import load
from tendigits.data.mnist import corrections_of
from tendigits.data.preprocess import to_input
from tendigits.errors import RunError
from tendigits.files import make_inside
from tendigits.model.calibration import Calibration
from tendigits.model.file import MODEL, load_calibration, load_model
from tendigits.model.network import predict
from tendigits.report import messages
from tendigits.report.html import Evaluation, write_report
from tendigits.report.metrics import Report, classification_report
from tendigits.report.saliency import MAX_MAPS, saliency
from tendigits.runs.run import Record, Run, find_run, model_digest

NO_IMAGES = np.zeros((0, 28, 28), np.uint8)


def evaluate_run(path: str | Path, data: str | Path | None = None) -> tuple[Report, Path]:
    """Load a run's model and evaluate it again. Raises TendigitsError.

    Args:
        path: the run's folder, or its name in the folder runs.
        data: other digits; their test part is used, or all of them if they are not split. None uses the run's data.

    Returns:
        The report and the folder of its files: the run's folder, or `evaluated-NAME` in it for other digits.
    """
    run = find_run(path)
    record, digest = run.record(), model_digest(run)
    dataset = load_same_data(run, record) if data is None else load(data, test_only=True)
    model = load_model(run.path, digest)
    with run.lock():
        folder = run.path if data is None else make_inside(run.path, f"evaluated-{Path(data).resolve().stem}")
        calibration = load_calibration(run.path / MODEL)
        evaluation = report_on(model, predict(model, to_input(dataset.x_test)), dataset, calibration, run, record)
        write_report(evaluation, folder)
        return evaluation.report, folder


def report_on(
    model: keras.Model,
    probabilities: np.ndarray,
    dataset: Dataset,
    calibration: Calibration | None,
    run: Run,
    record: Record,
) -> Evaluation:
    """Evaluate a run's model on the test digits; `write_report` writes the result.

    `probabilities` are the model's predictions for the test digits, float32 (n, 10); `record` is the run's run.json.
    """
    report, own_images = classification_report(probabilities, dataset.y_test, corrections_of(dataset)), NO_IMAGES
    if (own := dataset.own_digits) is not None:
        own_report = classification_report(predict(model, to_input(own.x_test)), own.y_test)
        report = replace(report, own_digits=own_report)
        own_images = own.x_test[[mistake.index for mistake in own_report.mistakes]]
    images = dataset.x_test[[mistake.index for mistake in report.mistakes]]
    predicted = np.array([mistake.predicted for mistake in report.mistakes])
    return Evaluation(
        run, record, messages.data_record(dataset), dataset.y_test, probabilities, report, images,
        maps=saliency(model, to_input(images[:MAX_MAPS]), predicted[:MAX_MAPS]),
        own_images=own_images, calibration=calibration,
    )  # fmt: skip


def load_same_data(run: Run, record: Record) -> Dataset:
    """Load the digits that the run was trained on again, and verify their SHA-256.

    Raises:
        RunError: they have changed.
        DataError: they are missing or damaged.
    """
    data = record["data"]
    own = data.get("own_digits", {})
    dataset = load(data["path"], own.get("path"))
    for expected, found in ((data, dataset), (own, dataset.own_digits)):
        if found is not None and found.digests != expected["sha256"]:
            raise RunError(
                f"{run.path}: expected the digits it was trained on ({expected['name']} from {expected['source']}), "
                f"found {found.name} from {found.source}; restore the data, or give `evaluate` other digits with --data"
            )
    return dataset
