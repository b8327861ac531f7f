"""End to end: real training on a few real digits, in real run folders."""

import json
import shutil
from contextlib import contextmanager
from dataclasses import asdict

import keras
import numpy as np
import pytest
from PIL import Image

from tendigits.data.load import load
from tendigits.data.preprocess import one_hot, to_input
from tendigits.errors import DataError, DiskError, DivergedError, Interrupted, RecipeError, RunError
from tendigits.files import sha256
from tendigits.model.calibration import calibrate
from tendigits.model.file import load_calibration
from tendigits.model.network import predict
from tendigits.model.recipe import Recipe
from tendigits.report.evaluate import evaluate_run
from tendigits.runs.summary import summarise
from tendigits.train.checkpoint import load_last_checkpoint
from tendigits.train.console import Console
from tendigits.train.inputs import prepare_inputs
from tendigits.train.pipeline import resume_run, run_recipe

RECIPE = Recipe(hidden=(16,), epochs=4, learning_rate=0.003)


class Recorder(Console):
    """A console that records its calls."""

    def __init__(self):
        self.lines, self.warnings = [], []

    def stage(self, number, title, *lines):
        self.lines += [f"{number} {title}", *lines]

    def line(self, text):
        self.lines.append(text)

    def warn(self, text):
        self.warnings.append(text)


@pytest.fixture(scope="module")
def finished(small_npz, tmp_path_factory):
    """A finished run, and its console."""
    console, runs = Recorder(), tmp_path_factory.mktemp("runs")
    return run_recipe(RECIPE, small_npz, runs=runs, name="one", console=console), console


@pytest.fixture(scope="module")
def calibrated(small_npz, tmp_path_factory):
    """A finished run with held-out digits and augmentation, and its console."""
    recipe = Recipe(
        hidden=(16,), epochs=2, validation_split=0.5, ema_momentum=0.9,
        schedule="one-cycle", optimizer="adamw", label_smoothing=0.1, restore_best=False, augmentation={"shift": 2.0},
    )  # fmt: skip
    console, runs = Recorder(), tmp_path_factory.mktemp("runs")
    return run_recipe(recipe, small_npz, runs=runs, name="one", console=console), console


def test_every_stage_is_shown_in_order(finished):
    stages = [line for line in finished[1].lines if line[:1].isdigit() and line[1:2] == " "]
    names = ["Data", "Prepare", "Network", "Compile", "Fit", "Curves", "Save", "Report"]
    assert stages == [f"{i} {name}" for i, name in enumerate(names, 1)]
    assert "differ by at most 0" in "\n".join(finished[1].lines)


@pytest.mark.parametrize("name", ["model.keras", "model.h5"])
def test_plain_keras_loads_the_model_and_trains_on(finished, small_npz, name):
    """Oracle: Keras."""
    trained, dataset = finished[0], load(small_npz)
    x, y = to_input(dataset.x_test), one_hot(dataset.y_test)
    model = keras.models.load_model(trained.run.path / name)
    predictions = model.predict(x, verbose=0)
    np.testing.assert_array_equal(predictions, trained.model.predict(x, verbose=0))
    assert (predictions.argmax(axis=1) == dataset.y_test).mean() == trained.report.accuracy > 0.7
    assert isinstance(model.optimizer, keras.optimizers.Adam)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.003)
    before = model.evaluate(x, y, verbose=0)[0]
    model.fit(x, y, epochs=3, verbose=0)
    assert model.evaluate(x, y, verbose=0)[0] < before


def test_held_out_digits_validate_and_calibrate(calibrated, small_npz):
    trained, console = calibrated
    with Image.open(trained.run.path / "augmented.png") as picture:
        assert picture.size == (600, 600)
    assert any("300 digits, validated on 300 held-out training digits" in line for line in console.lines)
    x, y = prepare_inputs(load(small_npz), trained.run.recipe()).validation
    expected = calibrate(predict(trained.model, x), y.argmax(axis=1))
    record = trained.run.record()
    assert record["calibration"] == asdict(expected)
    assert expected.n == 300
    assert load_calibration(trained.run.path / "model.keras") == expected
    assert record["models"]["model.keras"] == sha256(trained.run.path / "model.keras")


@pytest.fixture(scope="module")
def own_npz(digits, tmp_path_factory):
    """Two of each digit, as the playground saves them: no test part."""
    rows = np.concatenate([np.flatnonzero(digits.y_test == digit)[-2:] for digit in range(10)])
    path = tmp_path_factory.mktemp("own") / "my_digits.npz"
    np.savez(path, x_train=digits.x_test[rows], y_train=digits.y_test[rows])
    return path


def test_own_digits_are_learned_beside_the_others_and_tested(small_npz, own_npz, tmp_path):
    console, recipe = Recorder(), RECIPE.with_changes(epochs=2)
    trained = run_recipe(recipe, small_npz, also=own_npz, runs=tmp_path, name="mine", console=console)
    dataset = load(small_npz, own_npz)
    assert dataset.own_digits.counts == {"train": [1] * 10, "test": [1] * 10}
    inputs = prepare_inputs(dataset, recipe)
    assert len(inputs.x) == 600 + 150 == 5 * 15 * 10  # a fifth are own ones
    assert sorted(map(bytes, inputs.x[600:])) == sorted(
        map(bytes, np.tile(to_input(dataset.own_digits.x_train), (15, 1)))
    )
    assert any("10 learned 15 times each, 10 tested" in line for line in console.lines)
    x, y = dataset.own_digits.x_test, dataset.own_digits.y_test
    n_right = int((predict(trained.model, to_input(x)).argmax(axis=1) == y).sum())
    assert trained.report.n == 200
    assert (trained.report.own_digits.n, trained.report.own_digits.errors) == (10, 10 - n_right)
    assert any(f"own digits: {n_right} of 10 that were not learned (95% interval " in line for line in console.lines)
    assert summarise(trained.run).n_own == 10
    assert summarise(trained.run).own_accuracy == trained.report.own_digits.accuracy
    assert "10 more of them test the network" in (trained.run.path / "report.html").read_text()
    assert evaluate_run(trained.run.path)[0] == trained.report
    with np.load(own_npz) as arrays:
        np.savez(tmp_path / "other.npz", x_train=255 - arrays["x_train"], y_train=arrays["y_train"])
    record = trained.run.record()
    record["data"]["own_digits"]["path"] = str(tmp_path / "other.npz")
    trained.run.write_record(record)
    with pytest.raises(
        RunError, match=r"digits it was trained on \(own data from .*my_digits.npz\), found .*other.npz"
    ):
        evaluate_run(trained.run.path)


def test_an_interrupted_run_with_own_digits_resumes_with_them(small_npz, own_npz, tmp_path):
    console = Failing(Interrupted("by SIGINT in epoch 3"))
    whole = run_recipe(RECIPE, small_npz, also=own_npz, runs=tmp_path, name="whole")
    with pytest.raises(Interrupted):
        run_recipe(RECIPE, small_npz, also=own_npz, runs=tmp_path, name="mine", console=console)
    resumed = resume_run(tmp_path / "mine")
    assert resumed.history.history == whole.history.history
    assert resumed.report == whole.report


def test_two_of_each_digit_are_enough_and_nothing_is_calibrated_on_few(own_npz, tmp_path):
    console = Recorder()
    trained = run_recipe(RECIPE, own_npz, runs=tmp_path, name="own", console=console)
    assert (trained.report.n, trained.run.record()["calibration"]) == (10, None)
    with pytest.raises(
        DataError, match="one to learn from and one held out, received 1 of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9"
    ):
        run_recipe(RECIPE.with_changes(validation_split=0.1), own_npz, runs=tmp_path)


def test_digits_that_it_never_sees_are_named_before_it_learns(digits, tmp_path):
    console, rows = Recorder(), digits.y_train < 2
    np.savez(tmp_path / "two.npz", x_train=digits.x_train[rows], y_train=digits.y_train[rows])
    recipe = RECIPE.with_changes(epochs=1, validation_split=0.1)
    trained = run_recipe(recipe, tmp_path / "two.npz", runs=tmp_path, name="two", console=console)
    assert console.warnings[0].startswith(
        "it learns from 320 of 0, 320 of 1, and will never answer 2, 3, 4, 5, 6, 7, 8, 9"
    )
    assert "not calibrated: 300 held-out digits could show that at most 1% are wrong, 64 cannot" in console.lines
    assert trained.run.record()["calibration"] is None
    np.savez(tmp_path / "one.npz", x_train=digits.x_train[:9], y_train=np.full(9, 4))
    with pytest.raises(DataError, match=r"at least 2 different digits to train on, received \[4\]"):
        run_recipe(recipe, tmp_path / "one.npz", runs=tmp_path)


def test_a_refused_training_leaves_no_folder(small_npz, tmp_path, monkeypatch):
    with pytest.raises(DataError):
        run_recipe(RECIPE, tmp_path / "nothing.npz", runs=tmp_path / "runs")
    with pytest.raises(RecipeError, match=r"'hidden': expected at most 44,739,242 parameters, received 2"):
        run_recipe(RECIPE.with_changes(hidden=(16384, 16384)), small_npz, runs=tmp_path / "runs")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, 10**6))
    with pytest.raises(DiskError, match=r"expected at least \d+ MB free in .*, found 1 MB"):
        run_recipe(RECIPE, small_npz, runs=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_an_existing_run_is_not_overwritten(finished, small_npz):
    run = finished[0].run
    before = (run.path / "run.json").read_bytes()
    with pytest.raises(RunError, match="exists"):
        run_recipe(RECIPE, small_npz, runs=run.path.parent, name="one")
    with pytest.raises(RunError, match="is finished, there is nothing to resume"):
        resume_run(run.path)
    assert (run.path / "run.json").read_bytes() == before


class Failing(Console):
    """Raises `error` after the second epoch."""

    def __init__(self, error):
        self.error = error

    @contextmanager
    def epochs(self, n, run):
        yield keras.callbacks.LambdaCallback(on_epoch_end=self.fail)

    def fail(self, epoch, logs):
        if epoch == 1:
            raise self.error


@pytest.fixture(scope="module")
def interrupted_once(small_npz, tmp_path_factory):
    """An interrupted run, and the error's message."""
    runs = tmp_path_factory.mktemp("interrupted")
    console = Failing(Interrupted("by SIGINT in epoch 3"))
    with pytest.raises(Interrupted) as caught:
        run_recipe(RECIPE, small_npz, runs=runs, name="one", console=console)
    return runs / "one", str(caught.value)


@pytest.fixture
def interrupted(interrupted_once, tmp_path):
    """A copy of the interrupted run."""
    return shutil.copytree(interrupted_once[0], tmp_path / "one")


def test_an_interrupted_run_keeps_the_best_model_and_its_error_explains_how_to_resume(interrupted_once):
    path, message = interrupted_once
    assert message == (
        f"interrupted by SIGINT in epoch 3; the best model so far, from epoch 2, is {path}/model.keras; "
        f"resume with: tendigits train --resume {path}"
    )
    last = load_last_checkpoint(path / "checkpoints", print)
    for mine, best in zip(keras.models.load_model(path / "model.keras").get_weights(), last.best_weights, strict=True):
        np.testing.assert_array_equal(mine, best)
    assert (path / "curves.png").exists()
    assert json.loads((path / "run.json").read_text())["status"] == "interrupted"


def test_resumed_equals_uninterrupted_also_from_the_checkpoint_before_a_damaged_one(interrupted, finished):
    newest = max((interrupted / "checkpoints").glob("*.npz"))
    newest.write_bytes(newest.read_bytes()[:-1000])
    console = Recorder()
    trained = resume_run(interrupted, console=console)
    whole = finished[0]
    assert (trained.run.path / "history.csv").read_bytes() == (whole.run.path / "history.csv").read_bytes()
    for mine, theirs in zip(trained.model.get_weights(), whole.model.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert trained.report == whole.report
    assert trained.run.record()["result"] == whole.run.record()["result"]
    assert "resumed after epoch 1" in console.lines
    (warning,) = console.warnings
    assert "epoch-0002.npz is not a complete checkpoint" in warning
    assert len(trained.run.record()["resumed"]) == 1
    assert not trained.run.checkpoints.exists()


def test_resume_refuses_other_digits_and_another_recipe(interrupted, small_npz, tmp_path):
    recipe = interrupted / "recipe.json"
    original = recipe.read_text()
    recipe.write_text(original.replace('"epochs": 4', '"epochs": 5').replace('"epochs":4', '"epochs":5'))
    with pytest.raises(RunError, match=r"recipe\.json is not the recipe of its checkpoints"):
        resume_run(interrupted)
    recipe.write_text(original)
    record = json.loads((interrupted / "run.json").read_text())
    other = dict(np.load(small_npz))
    other["y_train"][0] = (other["y_train"][0] + 1) % 10
    np.savez(tmp_path / "other.npz", **other)
    record["data"]["path"] = str(tmp_path / "other.npz")
    (interrupted / "run.json").write_text(json.dumps(record))
    with pytest.raises(RunError, match="expected the digits it was trained on"):
        resume_run(interrupted)


def test_a_diverged_run_keeps_the_best_model(small_npz, tmp_path):
    console = Failing(DivergedError("epoch 3: expected a finite loss, received nan"))
    with pytest.raises(
        DivergedError, match=r"received nan; in this recipe .*; the best model before that is model.keras"
    ):
        run_recipe(RECIPE, small_npz, runs=tmp_path, name="one", console=console)
    assert json.loads((tmp_path / "one" / "run.json").read_text())["status"] == "failed"
    assert all(np.isfinite(w).all() for w in keras.models.load_model(tmp_path / "one" / "model.keras").get_weights())
