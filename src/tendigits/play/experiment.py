"""What the playground trains: some settings of a recipe, and how many of MNIST's digits, some with a wrong label.

experiment = Experiment(hidden=(64,), digits=500)
experiment.recipe(), experiment.n_parameters
as_recipe(experiment), as_keras(experiment)     # to take away: a recipe file, and Keras code
controls()                                      # each setting with its explanation, for a page

Nothing here imports Keras, which a server does not load.
"""

from dataclasses import replace
from itertools import pairwise
from typing import Annotated

from pydantic import Field

from tendigits.model.recipe import Activation, Augmentation, FractionBelowOne, Optimizer, Recipe, Settings
from tendigits.model.recipe_files import to_toml
from tendigits.model.setting import AUGMENTATION, Setting, describe, settings

MAX_LAYERS = 4  # hidden layers; more do not fit on the page, and learn badly without batch normalization
MAX_UNITS = 1024  # of a layer; with four such layers an epoch takes half a minute on two cores
MAX_DIGITS = 60_000  # MNIST's training digits
NOISE_SEED = 0  # of the wrong labels; not the network's own seed, so that two networks have the same wrong labels
KERAS_OPTIMIZERS = {"adam": "Adam", "adamw": "AdamW", "nadam": "Nadam", "rmsprop": "RMSprop", "sgd": "SGD"}

KERAS_CODE = """\
import tendigits  # before keras: it makes JAX Keras' backend
import keras
import numpy as np
from tendigits.data import mnist
{extra_imports}
keras.utils.set_random_seed({seed})
(x_train, y_train), (x_test, y_test) = mnist.load_data()
{fewer}{noise}\
x_train, x_test = (x.reshape(-1, 784).astype("float32") / 255 for x in (x_train, x_test))
y_train, y_test = (keras.utils.to_categorical(y, 10) for y in (y_train, y_test))

model = keras.Sequential([
    keras.Input((784,)),
{layers}\
    keras.layers.Dense(10, activation="softmax"),
])
model.compile(keras.optimizers.{optimizer}, "categorical_crossentropy", metrics=["accuracy"])
{train}
"""

IMPORT_AUGMENTATION = """\
from tendigits.model.recipe import Augmentation
from tendigits.train.augment import augmenter
"""

KERAS_LABEL_NOISE = """\
random = np.random.default_rng({seed})  # some labels become wrong
is_wrong = random.random(len(y_train)) < {fraction}
y_train = np.where(is_wrong, (y_train + random.integers(1, 10, len(y_train))) % 10, y_train)
"""


class Experiment(Settings):
    """A network and the digits that it learns from. Unknown or impossible settings raise RecipeError."""

    hidden: Annotated[tuple[Annotated[int, Field(ge=1, le=MAX_UNITS)], ...], Field(max_length=MAX_LAYERS)] = (512, 512)
    activation: Activation = "relu"
    dropout: FractionBelowOne = 0.2
    optimizer: Optimizer = "adam"
    learning_rate: Annotated[float, Field(gt=0, le=10)] = 0.001
    batch_size: Annotated[int, Field(ge=1, le=4096)] = 32

    digits: Annotated[int, Field(ge=100, le=MAX_DIGITS)] = MAX_DIGITS
    """Number of training digits, the first of MNIST's 60,000."""

    label_noise: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Fraction of the training digits that have a wrong label."""

    augmentation: Augmentation = Augmentation()
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0

    def recipe(self, name: str = "play") -> Recipe:
        """The recipe of the network; digits and label noise are not part of one."""
        settings = {field: value for field, value in self if field in Recipe.model_fields}
        return Recipe(**settings | {"name": name, "augmentation": self.augmentation.model_dump()})

    @property
    def n_parameters(self) -> int:
        """Number of weights and biases."""
        return sum((inputs + 1) * units for inputs, units in pairwise((784, *self.hidden, 10)))


def controls() -> list[Setting]:
    """Each setting with its explanation, limits and default; those of the augmentation as "augmentation.shift"."""
    found = []
    for name, field in Experiment.model_fields.items():
        if name == "augmentation":
            found += [setting for setting in settings() if setting.group == AUGMENTATION]
        else:
            described = Recipe.model_fields.get(name, field).description or ""
            found.append(replace(describe(name, "", field), help=described))
    return found


def as_recipe(experiment: Experiment) -> str:
    """The text of a recipe file for `tendigits train`, with a comment on what a recipe cannot hold."""
    lines = ["# From the playground; train it with: tendigits train --recipe FILE.toml"]
    if experiment.digits < MAX_DIGITS:
        lines.append(f"# There it learned from the first {experiment.digits:,} training digits; a recipe takes all.")
    if experiment.label_noise:
        lines.append(f"# There {experiment.label_noise:.0%} of the digits had a wrong label; here all are right.")
    return "\n".join(lines) + "\n" + to_toml(experiment.recipe())


def as_keras(experiment: Experiment) -> str:
    """A Python program that trains the network on the same digits with Keras."""
    extra_imports, fewer, noise = "", "", ""
    train = "model.fit(x_train, y_train, {}, validation_data=(x_test, y_test))"
    if given := ", ".join(f"{name}={value}" for name, value in experiment.augmentation if value):
        extra_imports = IMPORT_AUGMENTATION
        train = f"augment = augmenter(Augmentation({given}))\n"
        train += "tendigits.fit(model, x_train, y_train, {}, validation_data=(x_test, y_test), augment=augment)"
    if experiment.digits < MAX_DIGITS:
        fewer = f"x_train, y_train = x_train[:{experiment.digits}], y_train[:{experiment.digits}]\n"
    if experiment.label_noise:
        noise = KERAS_LABEL_NOISE.format(seed=NOISE_SEED, fraction=experiment.label_noise)
    activation = f'activation="{experiment.activation}"'
    dropout = f"    keras.layers.Dropout({experiment.dropout}),\n"
    layers = "".join(f"    keras.layers.Dense({units}, {activation}),\n{dropout}" for units in experiment.hidden)
    optimizer = f"{KERAS_OPTIMIZERS[experiment.optimizer]}({experiment.learning_rate})"
    train = train.format(f"batch_size={experiment.batch_size}, epochs=5")
    parts = {"extra_imports": extra_imports, "fewer": fewer, "noise": noise, "layers": layers, "train": train}
    return KERAS_CODE.format(seed=experiment.seed, optimizer=optimizer, **parts)
