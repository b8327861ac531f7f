import json

import keras
import numpy as np
import pytest

from tendigits.errors import Interrupted, ModelFileError, RunError
from tendigits.model.recipe import Recipe
from tendigits.read.network import of_file
from tendigits.report.compare import compare_runs, table_of_runs
from tendigits.report.evaluate import evaluate_run
from tendigits.report.run import open_run
from tendigits.train import trainer
from tendigits.train.pipeline import resume_run, run_recipe

GAN = Recipe(
    name="gan",
    latent=8,
    hidden=(32,),
    epochs=3,
    batch_size=64,
    restore_best=False,
    patience=99,
    average=0.9,
    holdout=0.1,
)
CNN = Recipe(name="cnn", convolutions=("4x5/2", "8/2"), hidden=(), epochs=1)


@pytest.fixture(scope="module")
def trained(small_npz, tmp_path_factory):
    return run_recipe(GAN, small_npz, runs=tmp_path_factory.mktemp("runs"), name="gan")


def test_it_is_a_run_with_a_picture_of_each_epoch(trained):
    run = trained.run
    assert run.record()["status"] == "finished"
    assert sorted(path.name for path in (run.path / "samples").iterdir()) == [f"epoch-00{i}.png" for i in (1, 2, 3)]
    assert set(run.history()) == {f"{part}{name}" for part in ("", "val_") for name in ("loss", "critic", "generator")}
    assert {path.name for path in run.path.iterdir()} >= {"curves.svg", "generator.keras", "report.html", "recipe.json"}


def test_plain_keras_opens_the_generator(trained):
    generator = keras.models.load_model(trained.run.path / "generator.keras")
    start = np.zeros((2, 18), np.float32)
    np.testing.assert_array_equal(generator.predict(start, verbose=0), trained.model.predict(start, verbose=0))


@pytest.mark.slow
def test_without_a_judge_it_says_so_and_with_one_it_is_judged(small_npz, tmp_path):
    run = run_recipe(GAN, small_npz, runs=tmp_path, name="gan").run
    assert "sample_accuracy" not in run.record()["result"]
    assert "not yet judged" in (run.path / "report.html").read_text()
    with pytest.raises(RunError, match=r"expected a finished run of a convolutional network .*--recipe cnn"):
        evaluate_run(run.path)
    run_recipe(CNN, small_npz, runs=tmp_path, name="cnn")
    report, folder = evaluate_run(run.path)
    result = run.record()["result"]
    assert folder == run.path
    assert report.n == result["samples"] == 200
    assert report.accuracy == result["sample_accuracy"] == json.loads((folder / "report.json").read_text())["accuracy"]
    assert result["judge"] == "cnn"
    assert "Fréchet distance" in (folder / "report.md").read_text()
    again = run_recipe(GAN, small_npz, runs=tmp_path, name="again")
    assert again.report == report  # judged at once, and the same digits are written


def test_resumed_equals_uninterrupted(trained, small_npz, tmp_path, monkeypatch):
    original = trainer.Walk._keep

    def keep(self, checkpoint):
        original(self, checkpoint)
        if checkpoint.epoch == 2:
            raise Interrupted("by SIGINT in epoch 3")

    with monkeypatch.context() as patch:
        patch.setattr(trainer.Walk, "_keep", keep)
        with pytest.raises(Interrupted, match=r"best model so far, of epoch \d, is \S+generator\.keras; go on with"):
            run_recipe(GAN, small_npz, runs=tmp_path, name="gan")
    again = resume_run(tmp_path / "gan")
    for mine, other in zip(again.model.get_weights(), trained.model.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, other)


def test_it_stands_beside_other_runs(trained, small_npz, tmp_path):
    other = run_recipe(CNN, small_npz, runs=tmp_path, name="cnn").run
    comparison = compare_runs([trained.run, other], tmp_path / "compared.png")
    assert ("latent", ["8", "0"]) in comparison.recipe
    assert dict(comparison.results)["val_accuracy"][0] == "-"
    (row,) = table_of_runs(trained.run.path.parent)
    assert row[:4] == ("gan", "finished", "gan", "own data")


def test_it_reads_no_digits(trained):
    with pytest.raises(ModelFileError, match="expected a model file, there is none"):
        of_file(trained.run.path)
    with pytest.raises(RunError, match="writes digits and reads none"):
        evaluate_run(trained.run.path, "digits.npz")


def test_a_damaged_generator_is_told(trained):
    path = open_run(trained.run.path).path / "generator.keras"
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    try:
        with pytest.raises(ModelFileError, match="not a complete model file"):
            evaluate_run(trained.run.path)
    finally:
        path.write_bytes(whole)
