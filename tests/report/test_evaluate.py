import json

import numpy as np
import pytest
from PIL import Image

from tendigits.errors import ModelFileError, RunError
from tendigits.model.recipe import Recipe
from tendigits.report.evaluate import evaluate_run
from tendigits.train.pipeline import run_recipe


@pytest.fixture
def trained(small_npz, tmp_path):
    return run_recipe(Recipe(hidden=(16,), epochs=1), small_npz, runs=tmp_path, name="one")


def test_recomputes_the_same_report(trained):
    path = trained.run.path
    before = {name: (path / name).read_bytes() for name in ("report.json", "report.md")}
    for name in before:
        (path / name).unlink()
    report, folder = evaluate_run(path)
    assert (report, folder) == (trained.report, path)
    assert {name: (path / name).read_bytes() for name in before} == before


def test_the_page_is_written_anew(small_npz, tmp_path):
    run = run_recipe(Recipe(hidden=(16,), epochs=1, validation_split=0.25), small_npz, runs=tmp_path).run
    said = f"<strong>{run.record()['calibration']['temperature']:.3f}</strong>"
    (run.path / "report.html").unlink()
    evaluate_run(run.path)
    assert said in (run.path / "report.html").read_text()
    _, folder = evaluate_run(run.path, small_npz)
    text = (folder / "report.html").read_text()
    assert said in text
    assert 'href="report.md"' in text
    assert 'href="model.keras"' not in text


def test_other_digits_get_a_report_of_their_own(trained, digits, tmp_path):
    np.savez(
        tmp_path / "other.npz",
        x_train=digits.x_train[:20],
        y_train=digits.y_train[:20],
        x_test=digits.x_test[500:540],
        y_test=digits.y_test[500:540],
    )
    before = (trained.run.path / "report.json").read_bytes()
    report, folder = evaluate_run(trained.run.path, tmp_path / "other.npz")
    assert report.n == 40
    assert folder == trained.run.path / "evaluated-other"
    assert json.loads((folder / "report.json").read_text())["n"] == 40
    assert (trained.run.path / "report.json").read_bytes() == before


def test_of_an_unsplit_folder_every_picture_is_judged(trained, digits, tmp_path):
    for i, (image, label) in enumerate(zip(digits.x_test[:12], digits.y_test[:12], strict=True)):
        folder = tmp_path / "mine" / str(label)
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"{i}.png")
    report, folder = evaluate_run(trained.run.path, tmp_path / "mine")
    assert report.n == 12
    assert (folder / "mistakes.png").exists()


def test_a_damaged_model_is_refused(trained):
    path = trained.run.path / "model.keras"
    content = bytearray(path.read_bytes())
    content[-5000] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match="not a complete model file"):
        evaluate_run(trained.run.path)


def test_another_model_in_its_place_is_refused(trained, small_npz, tmp_path):
    other = run_recipe(Recipe(hidden=(16,), epochs=1, seed=1), small_npz, runs=tmp_path, name="two")
    (trained.run.path / "model.keras").write_bytes((other.run.path / "model.keras").read_bytes())
    with pytest.raises(ModelFileError, match="SHA-256"):
        evaluate_run(trained.run.path)


def test_a_run_without_a_model_is_told(trained):
    record = trained.run.record()
    del record["models"]
    trained.run.write_record(record)
    with pytest.raises(RunError, match="has no model yet; go on with: tendigits train --resume"):
        evaluate_run(trained.run.path)
