import json
import shutil

import numpy as np
import pytest

from tendigits.errors import ModelFileError, RunError
from tendigits.report.evaluate import evaluate_run


def test_the_same_report_is_written_again(run):
    before = (run.path / "report.json").read_bytes()
    for name in ("report.json", "report.html"):
        (run.path / name).unlink()
    report, folder = evaluate_run(run.path)
    assert folder == run.path
    assert report.accuracy == run.record()["result"]["test_accuracy"]
    assert (run.path / "report.json").read_bytes() == before
    assert (run.path / "report.html").exists()


def test_other_digits_get_a_separate_report(runs, digits, tmp_path):
    run = shutil.copytree(runs / "b", tmp_path / "b")
    temperature = json.loads((run / "run.json").read_text())["calibration"]["temperature"]
    names = ("x_train", "y_train", "x_test", "y_test")
    np.savez(tmp_path / "other.npz", **{name: getattr(digits, name)[20:60] for name in names})
    before = (run / "report.json").read_bytes()
    report, folder = evaluate_run(run, tmp_path / "other.npz")
    assert folder == run / "evaluated-other"
    assert json.loads((folder / "report.json").read_text())["n"] == report.n == 40
    assert (run / "report.json").read_bytes() == before
    page = (folder / "report.html").read_text()
    assert f"<strong>{temperature:.3f}</strong>" in page
    assert 'href="report.json"' in page
    assert 'href="model.keras"' not in page


def test_a_run_with_another_model_or_other_data_is_refused(run, runs):
    record = run.record()
    digests = record["data"]["sha256"] | {"x_train": "0" * 64}
    run.write_record(record | {"data": record["data"] | {"sha256": digests}})
    with pytest.raises(RunError, match="expected the digits it was trained on"):
        evaluate_run(run.path)
    run.write_record(record)
    shutil.copy(runs / "b" / "model.keras", run.path)
    with pytest.raises(ModelFileError, match="SHA-256"):
        evaluate_run(run.path)
    run.write_record(record | {"models": {}})
    with pytest.raises(RunError, match="has no model yet; continue it with: tendigits train --resume"):
        evaluate_run(run.path)
