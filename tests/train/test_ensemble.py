import numpy as np
import pytest

from tendigits.data.preprocess import to_input
from tendigits.errors import Interrupted
from tendigits.model.file import load_model
from tendigits.model.network import build_network, count_parameters, predict
from tendigits.model.recipe import Recipe
from tendigits.report.evaluate import evaluate_run
from tendigits.report.run import open_run
from tendigits.train import trainer
from tendigits.train.ensemble import average_of, mean_history, member_of
from tendigits.train.pipeline import resume_run, run_recipe

RECIPE = Recipe(name="some", hidden=(8,), epochs=2, patience=9, validation_split=0.2, ensemble_size=3)


@pytest.fixture(scope="module")
def trained(small_npz, tmp_path_factory):
    return run_recipe(RECIPE, small_npz, runs=tmp_path_factory.mktemp("runs"), name="all")


def test_the_answer_is_the_mean_of_the_members(trained, digits):
    x = to_input(digits.x_test[:100])
    runs = [open_run(trained.run.path / "members" / str(number)) for number in (1, 2, 3)]
    answers = [predict(load_model(run.path / "model.keras"), x) for run in runs]
    assert not np.allclose(answers[0], answers[1], atol=0.01)
    np.testing.assert_allclose(
        predict(load_model(trained.run.path / "model.keras"), x), np.mean(answers, axis=0), atol=1e-5
    )


def test_each_member_is_a_run_with_a_seed_of_its_own(trained):
    recipes = [open_run(trained.run.path / "members" / str(number)).recipe() for number in (1, 2, 3)]
    assert len({recipe.seed for recipe in recipes}) == 3
    assert recipes == [member_of(RECIPE, number) for number in (1, 2, 3)]
    assert {recipe.ensemble_size for recipe in recipes} == {1}
    assert member_of(RECIPE.with_changes(seed=1), 1).seed != recipes[0].seed


def test_the_run_is_as_any_other(trained):
    record = trained.run.record()
    assert record["status"] == "finished"
    assert record["result"]["epochs"] == 2
    assert record["calibration"]["n"] == 120
    assert trained.model.count_params() == count_parameters(RECIPE) == 3 * count_parameters(Recipe(hidden=(8,)))
    assert len(trained.run.history()["loss"]) == 2
    assert evaluate_run(trained.run.path)[0] == trained.report
    for name in ("report.html", "curves.png", "model.h5"):
        assert (trained.run.path / name).exists()


def test_resumed_in_a_member_equals_uninterrupted(trained, small_npz, tmp_path, monkeypatch):
    original = trainer.Walk._keep

    def keep(self, checkpoint):
        original(self, checkpoint)
        if self.run.path.name == "2" and checkpoint.epoch == 1:
            raise Interrupted("by SIGINT in epoch 2")

    with monkeypatch.context() as patch:
        patch.setattr(trainer.Walk, "_keep", keep)
        with pytest.raises(Interrupted, match=r"in member 2 of 3; go on with: tendigits train --resume \S+/all$"):
            run_recipe(RECIPE, small_npz, runs=tmp_path, name="all")
    assert open_run(tmp_path / "all").record()["status"] == "interrupted"
    again = resume_run(tmp_path / "all")
    for mine, other in zip(again.model.get_weights(), trained.model.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, other)
    assert again.report == trained.report


def test_mean_history():
    histories = [{"loss": [3.0, 1.0, 0.5]}, {"loss": [1.0, 2.0]}]
    assert mean_history(histories) == {"loss": [2.0, 1.5]}


def test_the_average_of_networks_is_one_network():
    members = [build_network(Recipe(name=f"m{seed}", hidden=(4,), seed=seed)) for seed in (0, 1)]
    x = np.random.default_rng(0).random((5, 784), np.float32)
    expected = np.mean([member.predict(x, verbose=0) for member in members], axis=0)
    np.testing.assert_allclose(average_of(members, Recipe()).predict(x, verbose=0), expected, atol=1e-6)
