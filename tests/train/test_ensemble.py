from contextlib import contextmanager
from pathlib import Path

import keras
import numpy as np
import pytest

from tendigits.data.preprocess import to_input
from tendigits.errors import Interrupted
from tendigits.model.file import load_model
from tendigits.model.network import predict
from tendigits.model.recipe import Recipe
from tendigits.runs.run import open_run
from tendigits.train.console import Console
from tendigits.train.pipeline import resume_run, run_recipe

pytestmark = pytest.mark.slow

RECIPE = Recipe(name="some", hidden=(8,), epochs=2, patience=9, validation_split=0.2, ensemble_size=2)


@pytest.fixture(scope="module")
def trained(small_npz, tmp_path_factory):
    return run_recipe(RECIPE, small_npz, runs=tmp_path_factory.mktemp("runs"), name="all")


def test_the_prediction_is_the_mean_of_the_members(trained, digits):
    x = to_input(digits.x_test[:100])
    runs = [open_run(trained.run.path / "members" / str(number)) for number in (1, 2)]
    predictions = [predict(load_model(run.path / "model.keras"), x) for run in runs]
    assert not np.allclose(predictions[0], predictions[1], atol=0.01)
    np.testing.assert_allclose(
        predict(load_model(trained.run.path / "model.keras"), x), np.mean(predictions, axis=0), atol=1e-5
    )


class InterruptedInTheSecond(Console):
    """Ctrl-C in the second epoch of the second member."""

    @contextmanager
    def epochs(self, n, run):
        callback = keras.callbacks.Callback()
        if Path(run).name == "2":
            callback.on_epoch_end = self.interrupt
        yield callback

    def interrupt(self, epoch, logs):
        raise Interrupted("by SIGINT in epoch 2")


def test_resumed_in_a_member_equals_uninterrupted(trained, small_npz, tmp_path):
    with pytest.raises(Interrupted, match=r"in member 2 of 2; resume with: tendigits train --resume \S+/all$"):
        run_recipe(RECIPE, small_npz, runs=tmp_path, name="all", console=InterruptedInTheSecond())
    assert open_run(tmp_path / "all").record()["status"] == "interrupted"
    again = resume_run(tmp_path / "all")
    for mine, other in zip(again.model.get_weights(), trained.model.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, other)
    assert again.report == trained.report
