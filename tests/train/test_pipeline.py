"""End to end: real training on a few real digits, in real run folders."""

import csv
import json
import shutil
from dataclasses import asdict
from datetime import UTC, datetime

import keras
import numpy as np
import pytest

from tendigits.data.dataset import stratified_split
from tendigits.data.load import load
from tendigits.data.preprocess import one_hot, to_input
from tendigits.errors import DataError, DiskError, DivergedError, Interrupted, RecipeError, RunError
from tendigits.files import sha256
from tendigits.model.calibration import calibrate
from tendigits.model.file import load_calibration
from tendigits.model.network import predict
from tendigits.model.recipe import Recipe
from tendigits.train import trainer
from tendigits.train.checkpoint import load_last_checkpoint
from tendigits.train.console import Screen
from tendigits.train.pipeline import resume_run, run_recipe

RECIPE = Recipe(hidden=(32,), epochs=4, learning_rate=0.003)
NOW = datetime(2026, 11, 25, 1, 2, 3, tzinfo=UTC)


class Recorder(Screen):
    """A screen that remembers."""

    def __init__(self):
        self.lines, self.warnings = [], []

    def stage(self, number, title, *lines):
        self.lines += [f"{number} {title}", *lines]

    def line(self, text):
        self.lines.append(text)

    def network(self, model):
        self.lines.append(f"{model.count_params():,}")

    def warn(self, text):
        self.warnings.append(text)


@pytest.fixture(scope="module")
def finished(small_npz, tmp_path_factory):
    screen = Recorder()
    trained = run_recipe(RECIPE, small_npz, runs=tmp_path_factory.mktemp("runs"), name="one", screen=screen, now=NOW)
    return trained, screen


def test_every_stage_is_shown_in_order(finished):
    heads = [line for line in finished[1].lines if line[:1].isdigit() and line[1:2] == " "]
    names = ["Data", "Prepare", "Network", "Compile", "Fit", "Curves", "Save", "Report"]
    assert heads == [f"{i} {name}" for i, name in enumerate(names, 1)]
    text = "\n".join(finished[1].lines)
    for shown in ("own data: 600 training and 200 test digits", "train (600, 784) (600, 10)", "test  (200, 784)"):
        assert shown in text
    assert "0: " in text  # the count of each class
    assert "adam, learning rate 0.003; categorical_crossentropy; accuracy" in text
    assert "predictions differ by 0 at most" in text


def test_the_folder_is_whole(finished):
    folder = finished[0].run.path
    names = {path.name for path in folder.iterdir()} - {".lock"}
    assert names == {
        "recipe.json", "run.json", "history.csv", "curves.svg", "curves.png", "model.keras", "model.h5",
        "report.html", "report.md", "report.json", "confusion.png", "mistakes.png",
    }  # fmt: skip


def test_run_json_tells_all(finished):
    record = finished[0].run.record()
    assert record["status"] == "finished"
    assert record["created"] == "2026-11-25T01:02:03+00:00"
    assert record["seed"] == 0
    assert record["data"]["name"] == "own data"
    assert record["data"]["path"].endswith("small.npz")
    assert set(record["data"]["sha256"]) == {"x_train", "y_train", "x_test", "y_test"}
    assert record["machine"]["versions"]["keras"] == keras.__version__
    assert record["machine"]["cores"] >= 1
    assert set(record["durations"]) == {"data", "prepare", "network", "compile", "fit", "curves", "save", "report"}
    assert record["git"] is None or len(record["git"]["commit"]) == 40
    assert record["result"]["test_accuracy"] == finished[0].report.accuracy
    assert record["result"]["n_test"] == 200


def test_history_csv_is_what_fit_returned(finished):
    trained = finished[0]
    rows = list(csv.DictReader((trained.run.path / "history.csv").read_text().splitlines()))
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4"]
    assert trained.run.history() == trained.history.history
    assert set(trained.history.history) == {"loss", "accuracy", "val_loss", "val_accuracy"}


@pytest.mark.parametrize("name", ["model.keras", "model.h5"])
def test_plain_keras_loads_both_and_they_predict_the_same_and_train_on(finished, small_npz, name):
    trained = finished[0]
    dataset = load(small_npz)
    x, y = to_input(dataset.x_test), one_hot(dataset.y_test)
    model = keras.models.load_model(trained.run.path / name)
    np.testing.assert_array_equal(model.predict(x, verbose=0), trained.model.predict(x, verbose=0))
    assert isinstance(model.optimizer, keras.optimizers.Adam)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.003)
    before = model.evaluate(x, y, verbose=0)[0]
    model.fit(x, y, epochs=3, verbose=0)
    assert model.evaluate(x, y, verbose=0)[0] < before


def test_the_report_is_of_the_model(finished, small_npz):
    trained = finished[0]
    dataset = load(small_npz)
    answers = trained.model.predict(to_input(dataset.x_test), verbose=0).argmax(axis=1)
    assert trained.report.accuracy == (answers == dataset.y_test).mean()
    assert trained.report.accuracy > 0.7
    content = json.loads((trained.run.path / "report.json").read_text())
    assert content["accuracy"] == trained.report.accuracy


def test_the_live_model_goes_on_with_adam(finished):
    assert isinstance(finished[0].model.optimizer, keras.optimizers.Adam)


def test_holdout_validates_on_training_digits(small_npz, tmp_path):
    screen = Recorder()
    trained = run_recipe(RECIPE.with_changes(validation_split=0.25, epochs=2), small_npz, runs=tmp_path, screen=screen)
    assert any("450 digits, validated on 150 held-out training digits" in line for line in screen.lines)
    assert trained.report.n == 200
    assert trained.history.history["val_accuracy"][-1] != trained.report.accuracy


def test_with_a_holdout_the_model_is_calibrated_on_it(small_npz, tmp_path):
    screen = Recorder()
    trained = run_recipe(RECIPE.with_changes(validation_split=0.25), small_npz, runs=tmp_path, screen=screen)
    dataset = load(small_npz)
    _, _, x, y = stratified_split(dataset.x_train, dataset.y_train, 0.25, RECIPE.seed)
    expected = calibrate(predict(trained.model, to_input(x)), y)
    assert (expected.n, expected.on) == (150, "held-out training digits")
    assert trained.run.record()["calibration"] == asdict(expected)
    assert load_calibration(trained.run.path / "model.keras") == expected
    assert sha256(trained.run.path / "model.keras") == trained.run.record()["models"]["model.keras"]
    assert any(line.startswith(f"temperature {expected.temperature:.3f} from 150 held-out") for line in screen.lines)
    assert f"temperature of\n<strong>{expected.temperature:.3f}" in (trained.run.path / "report.html").read_text()


def test_without_a_holdout_nothing_is_fitted_on_the_test_digits(finished):
    assert finished[0].run.record()["calibration"] is None
    assert load_calibration(finished[0].run.path / "model.keras") is None
    assert "--validation-split 0.1" in (finished[0].run.path / "report.html").read_text()


def test_an_interrupted_run_keeps_a_calibrated_model(small_npz, tmp_path, monkeypatch):
    stop_after(monkeypatch, 2, Interrupted("by SIGINT in epoch 3"))
    with pytest.raises(Interrupted):
        run_recipe(RECIPE.with_changes(validation_split=0.25), small_npz, runs=tmp_path, name="one")
    assert load_calibration(tmp_path / "one" / "model.keras").n == 150


def test_wrong_data_leaves_no_run_behind(tmp_path):
    with pytest.raises(DataError):
        run_recipe(RECIPE, tmp_path / "nothing.npz", runs=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_a_taken_name_is_refused_and_the_run_untouched(finished, small_npz):
    run = finished[0].run
    before = (run.path / "run.json").read_bytes()
    with pytest.raises(RunError, match="exists"):
        run_recipe(RECIPE, small_npz, runs=run.path.parent, name="one")
    assert (run.path / "run.json").read_bytes() == before


def test_a_nearly_full_disk_is_told_before_anything_runs(small_npz, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, 10**6))
    with pytest.raises(DiskError, match=r"expected at least \d+ MB free in .*, found 1 MB"):
        run_recipe(RECIPE, small_npz, runs=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_a_network_too_large_to_be_saved_is_told_before_it_is_trained(small_npz, tmp_path):
    with pytest.raises(RecipeError, match=r"'hidden': expected at most 44,739,242 parameters in all, received 2"):
        run_recipe(RECIPE.with_changes(hidden=(16384, 16384)), small_npz, runs=tmp_path)
    assert not list(tmp_path.iterdir())


def stop_after(monkeypatch, epoch, error):
    """Make a run end by `error` right after the checkpoint of `epoch` is written."""
    original = trainer.Walk._keep

    def keep(self, checkpoint):
        original(self, checkpoint)
        if checkpoint.epoch == epoch:
            raise error

    monkeypatch.setattr(trainer.Walk, "_keep", keep)


@pytest.fixture
def interrupted(small_npz, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        stop_after(patch, 2, Interrupted("by SIGINT in epoch 3"))
        with pytest.raises(Interrupted) as caught:
            run_recipe(RECIPE, small_npz, runs=tmp_path, name="one", now=NOW)
    return tmp_path / "one", str(caught.value)


def assert_same_run(one, other):
    assert (one.run.path / "history.csv").read_bytes() == (other.run.path / "history.csv").read_bytes()
    for mine, theirs in zip(one.model.get_weights(), other.model.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert one.report == other.report
    assert one.run.record()["result"] == other.run.record()["result"]


def test_interrupted_keeps_the_best_model_and_says_how_to_go_on(interrupted):
    path, said = interrupted
    assert said == (
        f"interrupted by SIGINT in epoch 3; the best model so far, of epoch 2, is {path}/model.keras; "
        f"go on with: tendigits train --resume {path}"
    )
    last = load_last_checkpoint(path / "checkpoints", print)
    for mine, best in zip(keras.models.load_model(path / "model.keras").get_weights(), last.best_weights, strict=True):
        np.testing.assert_array_equal(mine, best)
    assert (path / "curves.png").exists()
    assert json.loads((path / "run.json").read_text())["status"] == "interrupted"


def test_resumed_equals_uninterrupted(interrupted, finished):
    trained = resume_run(interrupted[0], now=NOW)
    assert_same_run(trained, finished[0])
    assert trained.run.record()["resumed"] == ["2026-11-25T01:02:03+00:00"]
    assert not trained.run.checkpoints.exists()


def test_resumed_from_the_checkpoint_before_a_damaged_one(interrupted, finished):
    newest = max((interrupted[0] / "checkpoints").glob("*.npz"))
    newest.write_bytes(newest.read_bytes()[:-1000])
    screen = Recorder()
    assert_same_run(resume_run(interrupted[0], screen=screen), finished[0])
    assert len(screen.warnings) == 1
    assert "epoch-0002.npz is not a complete checkpoint" in screen.warnings[0]


def test_resumed_without_any_checkpoint_starts_anew(interrupted, finished):
    shutil.rmtree(interrupted[0] / "checkpoints")
    (interrupted[0] / "checkpoints").mkdir()
    assert_same_run(resume_run(interrupted[0]), finished[0])


@pytest.mark.parametrize("stage", ["save_model", "report_on"])
def test_interrupted_after_the_last_epoch_only_the_rest_is_done(small_npz, tmp_path, finished, monkeypatch, stage):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(trainer, stage, interrupt)
        with pytest.raises(Interrupted, match="interrupted; go on with: tendigits train --resume"):
            run_recipe(RECIPE, small_npz, runs=tmp_path, name="one")
    before = (tmp_path / "one" / "history.csv").read_bytes()
    assert_same_run(resume_run(tmp_path / "one"), finished[0])
    assert (tmp_path / "one" / "history.csv").read_bytes() == before


def test_a_finished_run_is_not_resumed(finished):
    with pytest.raises(RunError, match="is finished, there is nothing to resume"):
        resume_run(finished[0].run.path)


def test_resume_refuses_other_digits(interrupted, small_npz, tmp_path):
    path = interrupted[0]
    record = json.loads((path / "run.json").read_text())
    other = dict(np.load(small_npz))
    other["y_train"][0] = (other["y_train"][0] + 1) % 10
    np.savez(tmp_path / "other.npz", **other)
    record["data"]["path"] = str(tmp_path / "other.npz")
    (path / "run.json").write_text(json.dumps(record))
    with pytest.raises(RunError, match="expected the digits it was trained on"):
        resume_run(path)


def test_resume_refuses_another_recipe_than_the_checkpoints(interrupted):
    recipe = interrupted[0] / "recipe.json"
    recipe.write_text(recipe.read_text().replace('"epochs":4', '"epochs":5').replace('"epochs": 4', '"epochs": 5'))
    with pytest.raises(RunError, match="is not the recipe that its checkpoints were made with"):
        resume_run(interrupted[0])


def test_diverged_keeps_the_best_and_the_exit_is_a_failure(small_npz, tmp_path, monkeypatch):
    stop_after(monkeypatch, 2, DivergedError("epoch 3: expected a finite loss, received nan"))
    with pytest.raises(DivergedError, match=r"received nan; in this recipe .*; model.keras is the best before"):
        run_recipe(RECIPE, small_npz, runs=tmp_path, name="one")
    assert json.loads((tmp_path / "one" / "run.json").read_text())["status"] == "failed"
    assert all(np.isfinite(w).all() for w in keras.models.load_model(tmp_path / "one" / "model.keras").get_weights())


def test_diverged_at_once_saves_no_model(small_npz, tmp_path):
    recipe = RECIPE.with_changes(hidden=(256,) * 16, activation="elu", dropout=0.0, learning_rate=10.0)
    with pytest.raises(DivergedError, match=r"in this recipe learning_rate = 1 or schedule = .*batch_norm = true$"):
        run_recipe(recipe, small_npz, runs=tmp_path, name="one")
    assert not list((tmp_path / "one").glob("model.*"))
