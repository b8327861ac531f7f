"""What the playground trains: some settings of a recipe, and how many of MNIST's digits, some with a wrong label.

experiment = Experiment(hidden=(64,), digits=500)
experiment.recipe(), experiment.n_parameters
controls()                        # each setting with its explanation, for a page

How many digits there are and what is wrong with them belongs to the data, so a recipe does not have it.
"""

from dataclasses import replace
from itertools import pairwise
from typing import Annotated

from pydantic import Field

from tendigits.model.recipe import Activation, Augmentation, FractionBelowOne, Optimizer, Recipe, Settings
from tendigits.model.setting import AUGMENTATION, Setting, describe, settings

MAX_LAYERS = 4
"""More hidden layers than that no longer fit beside each other, and learn badly without batch normalization."""

MAX_UNITS = 1024
"""A network of four such layers takes an epoch of half a minute on two cores."""

ALL_DIGITS = 60_000
"""MNIST's training digits."""

PIXELS, CLASSES = 784, 10


class Experiment(Settings):
    """A network and the digits that it learns from. What is unknown or impossible raises RecipeError."""

    hidden: Annotated[tuple[Annotated[int, Field(ge=1, le=MAX_UNITS)], ...], Field(max_length=MAX_LAYERS)] = (512, 512)
    activation: Activation = "relu"
    dropout: FractionBelowOne = 0.2
    optimizer: Optimizer = "adam"
    learning_rate: Annotated[float, Field(gt=0, le=10)] = 0.001
    batch_size: Annotated[int, Field(ge=1, le=4096)] = 32

    digits: Annotated[int, Field(ge=100, le=ALL_DIGITS)] = ALL_DIGITS
    """Number of training digits, the first of MNIST's 60,000."""

    label_noise: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Fraction of the training digits that have a wrong label."""

    augmentation: Augmentation = Augmentation()
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0

    def recipe(self, name: str = "play") -> Recipe:
        """The recipe of the network."""
        settings = {field: value for field, value in self if field in Recipe.model_fields}
        return Recipe(**settings | {"name": name, "augmentation": self.augmentation.model_dump()})

    @property
    def n_parameters(self) -> int:
        """Weights and biases; counted without Keras, which a server does not load."""
        return sum((inputs + 1) * units for inputs, units in pairwise((PIXELS, *self.hidden, CLASSES)))


def controls() -> list[Setting]:
    """Each setting with its explanation, limits and default; those of the augmentation as "augmentation.shift"."""
    found = []
    for name, field in Experiment.model_fields.items():
        if name == AUGMENTATION.lower():
            found += [setting for setting in settings() if setting.group == AUGMENTATION]
        else:
            described = Recipe.model_fields.get(name, field).description or ""
            found.append(replace(describe(name, "", field), help=described))
    return found
