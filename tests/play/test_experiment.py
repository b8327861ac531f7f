"""Settings: the recipe's own texts and limits, its parameters, a recipe file and Keras code that run."""

import subprocess
import sys

import pytest

from tendigits.data.mnist import load_data
from tendigits.model.network import count_parameters
from tendigits.model.recipe import Augmentation, Recipe
from tendigits.model.recipe_files import load_recipe
from tendigits.play.experiment import Experiment, as_keras, as_recipe
from tendigits.play.learner import with_wrong_labels

SMALL = Experiment(hidden=(20, 12), activation="tanh", dropout=0.1, optimizer="sgd", learning_rate=0.05, batch_size=50,
                   digits=150, label_noise=0.25, seed=3)  # fmt: skip


def test_the_start_is_the_classic_network():
    assert Experiment().n_parameters == 669_706
    assert Experiment().recipe("classic") == Recipe()


@pytest.mark.parametrize("hidden", [(), (3, 5, 9, 1024)])
def test_parameters_are_those_of_the_recipe(hidden):
    experiment = Experiment(hidden=hidden)
    assert experiment.n_parameters == count_parameters(experiment.recipe())


def test_the_recipe_file_is_the_same_recipe(tmp_path):
    path = tmp_path / "play.toml"
    for experiment in (SMALL, Experiment(), Experiment(hidden=(), augmentation=Augmentation(shift=2.0, noise=0.1))):
        path.write_text(as_recipe(experiment))
        assert load_recipe(str(path)) == experiment.recipe()
    assert "first 150 training digits" in as_recipe(SMALL)
    assert "25% of the digits had a wrong label" in as_recipe(SMALL)


@pytest.mark.slow
@pytest.mark.parametrize("augmentation", [Augmentation(), Augmentation(shift=1.0)])
def test_the_keras_code_trains_the_same_network_on_the_same_labels(augmentation):
    experiment = Experiment(**{**SMALL.model_dump(), "augmentation": augmentation.model_dump()})
    code = as_keras(experiment) + "print(model.count_params(), model.optimizer.name, y_train.argmax(1).tolist())\n"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    last = done.stdout.strip().splitlines()[-1]
    labels = with_wrong_labels(load_data()[0][1][:150], 0.25)
    assert last == f"{experiment.n_parameters} sgd {labels.tolist()}"
