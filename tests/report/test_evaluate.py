import json
import shutil

import numpy as np
import pytest
from PIL import Image

from tendigits.errors import ModelFileError, RunError
from tendigits.report.evaluate import evaluate_run


def test_the_same_report_is_written_again(run):
    before = {name: (run.path / name).read_bytes() for name in ("report.json", "report.md")}
    for name in (*before, "report.html"):
        (run.path / name).unlink()
    report, folder = evaluate_run(run.path)
    assert folder == run.path
    assert report.accuracy == run.record()["result"]["test_accuracy"]
    assert {name: (run.path / name).read_bytes() for name in before} == before
    assert (run.path / "report.html").exists()


def test_other_digits_get_a_report_of_their_own(runs, digits, tmp_path):
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
    assert 'href="report.md"' in page
    assert 'href="model.keras"' not in page


def test_every_picture_of_an_unsplit_folder_is_evaluated(run, digits, tmp_path):
    for i, (image, label) in enumerate(zip(digits.x_test[:12], digits.y_test[:12], strict=True)):
        folder = tmp_path / "mine" / str(label)
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"{i}.png")
    report, folder = evaluate_run(run.path, tmp_path / "mine")
    assert report.n == 12
    assert (folder / "mistakes.png").exists()


def test_a_damaged_model_is_refused(run):
    path = run.path / "model.keras"
    content = bytearray(path.read_bytes())
    content[-5000] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match="not a complete model file"):
        evaluate_run(run.path)


def test_another_model_in_its_place_is_refused(run, runs):
    shutil.copy(runs / "b" / "model.keras", run.path)
    with pytest.raises(ModelFileError, match="SHA-256"):
        evaluate_run(run.path)


def test_a_run_without_a_model_is_refused(run):
    record = run.record()
    del record["models"]
    run.write_record(record)
    with pytest.raises(RunError, match="has no model yet; continue it with: tendigits train --resume"):
        evaluate_run(run.path)


def test_other_digits_under_the_same_name_are_refused(run):
    record = run.record()
    record["data"]["sha256"]["x_train"] = "0" * 64
    run.write_record(record)
    with pytest.raises(RunError, match="expected the digits it was trained on"):
        evaluate_run(run.path)
