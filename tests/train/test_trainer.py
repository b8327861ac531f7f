import numpy as np
from PIL import Image

from tendigits.data.load import load
from tendigits.errors import Interrupted
from tendigits.model.recipe import Recipe
from tendigits.report.run import Run
from tendigits.train.pipeline import run_recipe
from tendigits.train.trainer import interrupted, prepare_input, timed


def test_the_same_digits_are_held_out_for_every_seed(small_npz):
    dataset = load(small_npz)
    first, other = (prepare_input(dataset, Recipe(validation_split=0.2, seed=seed)) for seed in (0, 1))
    assert first.x.shape == (480, 784)
    np.testing.assert_array_equal(first.validation[0], other.validation[0])
    assert first.test[0].shape == (200, 784)
    without = prepare_input(dataset, Recipe())
    assert without.validation is without.test


def test_seconds_of_a_stage_add_up():
    durations = {"fit": 5.0}
    with timed(durations, "fit"), timed(durations, "save"):
        pass
    assert durations["fit"] >= 5.0
    assert durations["save"] < 1


def test_an_interruption_says_how_to_go_on(tmp_path):
    record = {"best_epoch": 2, "models": {"model.keras": "its digest"}}
    said = str(interrupted(Interrupted("by SIGTERM in epoch 3", 15), Run(tmp_path), record))
    assert said.startswith("interrupted by SIGTERM in epoch 3; the best model so far, of epoch 2, is ")
    assert said.endswith(f"go on with: tendigits train --resume {tmp_path}")
    assert interrupted(KeyboardInterrupt(), Run(tmp_path), {}).exit_code == 130


def test_the_digits_that_a_step_changes_are_drawn(small_npz, tmp_path):
    recipe = Recipe(hidden=(4,), epochs=1, augmentation={"shift": 2.0})
    run = run_recipe(recipe, small_npz, runs=tmp_path, name="one").run
    with Image.open(run.path / "augmented.png") as picture:
        assert picture.size == (600, 600)
    assert "augmented.png" in (run.path / "report.html").read_text()


def test_a_network_of_convolutions_goes_all_the_way(small_npz, tmp_path):
    recipe = Recipe(
        hidden=(), convolutions=("4x5/2", "8/2"), epochs=2, validation_split=0.2, ema_momentum=0.9,
        schedule="one-cycle", optimizer="adamw", label_smoothing=0.1, restore_best=False, patience=9,
    )  # fmt: skip
    trained = run_recipe(recipe, small_npz, runs=tmp_path, name="one")
    assert trained.run.record()["status"] == "finished"
    assert trained.run.record()["calibration"]["n"] == 120
    assert trained.report.n == 200


def test_classic_changes_nothing(small_npz, tmp_path):
    run = run_recipe(Recipe(hidden=(4,), epochs=1), small_npz, runs=tmp_path, name="one").run
    assert not (run.path / "augmented.png").exists()
