"""What a generator writes, judged: drawn for people, and read by a finished convolutional network of the same folder.

draw_samples(generator, recipe, path)                     # a picture: a column for each digit
quality = judge_samples(generator, recipe, dataset, judge)
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from PIL import Image

from tendigits.data.dataset import Dataset
from tendigits.data.preprocess import to_input
from tendigits.errors import RunError
from tendigits.files import replacing
from tendigits.model.file import load_model
from tendigits.model.network import CLASSES, SIDE, predict
from tendigits.model.recipe import Recipe
from tendigits.report.metrics import Report, judge
from tendigits.report.run import Run, list_runs
from tendigits.train.gan import draw

Array = np.ndarray[Any, Any]

ROWS = 10
SCALE = 2
"""Pixels of the picture for each pixel of a digit."""


@dataclass(frozen=True, eq=False)
class Samples:
    """Digits that a generator wrote, and what a network that knows digits makes of them."""

    images: Array
    """uint8 (n, 28, 28)."""
    labels: Array
    """What each was to be, (n,)."""
    report: Report
    """How often the judge reads what was to be written."""
    distance: float
    """Fréchet distance between these and the test digits, in what the judge sees."""
    floor: float
    """The same between as many training digits and the test digits."""
    judge: str
    """The judge's run."""
    judge_accuracy: float
    """Of the judge on the test digits themselves."""

    def as_record(self) -> dict[str, Any]:
        """The figures, for run.json."""
        return {
            "samples": self.report.n,
            "sample_accuracy": self.report.accuracy,
            "frechet_distance": self.distance,
            "frechet_distance_of_training_digits": self.floor,
            "judge": self.judge,
            "judge_accuracy": self.judge_accuracy,
        }


def draw_samples(generator: keras.Model, recipe: Recipe, path: Path) -> None:
    """Draw ten of each digit, a column a digit, from the same random numbers every time. Raises DiskError."""
    images = write(generator, recipe, np.tile(np.arange(CLASSES), ROWS), np.random.default_rng(recipe.seed))
    sheet = images.reshape(ROWS, CLASSES, SIDE, SIDE).transpose(0, 2, 1, 3).reshape(ROWS * SIDE, CLASSES * SIDE)
    path.parent.mkdir(exist_ok=True)
    enlarged = (255 - sheet).repeat(SCALE, axis=0).repeat(SCALE, axis=1)
    with replacing(path) as temporary:
        Image.fromarray(enlarged).save(temporary, "PNG")


def write(generator: keras.Model, recipe: Recipe, labels: Array, rng: np.random.Generator) -> Array:
    """A digit for each label: uint8 (n, 28, 28)."""
    pixels = generator.predict(draw(rng, labels, recipe.latent), batch_size=1000, verbose=0)
    written: Array = np.rint(255 * np.asarray(pixels)).astype(np.uint8).reshape(-1, SIDE, SIDE)
    return written


def find_judge(runs: Path) -> Run | None:
    """The newest finished run of a single convolutional network in the folder; None where there is none."""
    for run in reversed(list_runs(runs)):
        recipe = run.recipe()
        if recipe.convolutions and recipe.members == 1 and run.record()["status"] == "finished":
            return run
    return None


def judge_samples(generator: keras.Model, recipe: Recipe, dataset: Dataset, judge_run: Run) -> Samples:
    """Write as many digits as there are to test on, as often each, and let the judge read them.

    Raises:
        RunError, ModelFileError: the judge's model is not there, or not whole.
    """
    record = judge_run.record()
    if "models" not in record:
        raise RunError(f"{judge_run.path} has no model to judge with")
    network = load_model(judge_run.path / "model.keras", record["models"]["model.keras"])
    sees = features_of(network)
    labels = np.random.default_rng((recipe.seed, 1)).permutation(dataset.y_test)
    images = write(generator, recipe, labels, np.random.default_rng((recipe.seed, 2)))
    some = np.random.default_rng((recipe.seed, 3)).permutation(len(dataset.x_train))[: len(labels)]
    seen = {
        name: sees.predict(to_input(pixels), batch_size=1000, verbose=0)
        for name, pixels in (("written", images), ("train", dataset.x_train[some]), ("test", dataset.x_test))
    }
    return Samples(
        images=images,
        labels=labels,
        report=judge(predict(network, to_input(images)), labels),
        distance=frechet_distance(seen["written"], seen["test"]),
        floor=frechet_distance(seen["train"], seen["test"]),
        judge=judge_run.path.name,
        judge_accuracy=float((predict(network, to_input(dataset.x_test)).argmax(axis=1) == dataset.y_test).mean()),
    )


def features_of(network: keras.Model) -> keras.Model:
    """What a convolutional network sees before it answers: each of its last layer's maps, averaged over the picture.

    (n, 784) -> (n, maps), as of the network in which Heusel et al., 2017, compare photographs.
    """
    maps = next(layer.input for layer in reversed(network.layers) if isinstance(layer, keras.layers.Flatten))
    return keras.Model(network.inputs[0], keras.layers.GlobalAveragePooling2D()(maps))


def frechet_distance(first: Array, second: Array) -> float:
    """Between two clouds of points (n, features), each taken as a normal distribution; 0 for the same.

    |m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)), with the root's trace from the eigenvalues of S1^(1/2) S2 S1^(1/2)
    (Dowson, Landau, "The Fréchet distance between multivariate normal distributions", 1982).
    """
    means = first.mean(axis=0, dtype=np.float64) - second.mean(axis=0, dtype=np.float64)
    one, two = (np.cov(cloud.astype(np.float64), rowvar=False) for cloud in (first, second))
    values, vectors = np.linalg.eigh(one)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    product = np.linalg.eigvalsh(root @ two @ root)
    return float(means @ means + np.trace(one) + np.trace(two) - 2 * np.sqrt(np.maximum(product, 0)).sum())
