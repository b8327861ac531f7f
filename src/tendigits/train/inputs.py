"""The arrays that a network is trained and tested on: digits as floats, one-hot labels, a validation split.

dataset, inputs = load_inputs(path, recipe)
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tendigits.data import preprocess
from tendigits.data.dataset import Dataset, stratified_split
from tendigits.data.load import load
from tendigits.model.recipe import Recipe

VALIDATION_SEED = 0  # for every recipe: runs with different seeds hold out the same digits and can be compared


@dataclass(frozen=True)
class Inputs:
    """Network inputs, float32 (n, 784) in [0, 1], and one-hot labels, float32 (n, 10)."""

    x: np.ndarray
    y: np.ndarray
    validation: tuple[np.ndarray, np.ndarray]
    test: tuple[np.ndarray, np.ndarray]


def load_inputs(path: str | Path | None, recipe: Recipe) -> tuple[Dataset, Inputs]:
    """Load digits and prepare them. Raises DataError."""
    dataset = load(path)
    return dataset, prepare_inputs(dataset, recipe)


def prepare_inputs(dataset: Dataset, recipe: Recipe) -> Inputs:
    """Convert pixels to network inputs, and hold out the recipe's validation split."""

    def convert(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return preprocess.to_input(x), preprocess.one_hot(y)

    test = convert(dataset.x_test, dataset.y_test)
    if not recipe.validation_split:
        return Inputs(*convert(dataset.x_train, dataset.y_train), validation=test, test=test)
    x, y, x_val, y_val = stratified_split(dataset.x_train, dataset.y_train, recipe.validation_split, VALIDATION_SEED)
    return Inputs(*convert(x, y), validation=convert(x_val, y_val), test=test)
