"""The digit network: 28x28 crops -> the probability of each digit, and of being a digit at all.

network = bundled()                     # the package's network, run by onnxruntime
network = open_network("runs/first")    # the user's network: run by Keras, or an .onnx file
predictions = network(crops)            # uint8 (n, 28, 28) -> Predictions
"""

import base64
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tendigits.data.preprocess import FIELD, to_input
from tendigits.digits.layers import ShowLayers, open_layers
from tendigits.digits.runtime import Floats, OnnxNetwork, asset
from tendigits.errors import ModelFileError, UserError
from tendigits.extras import require
from tendigits.model.calibration import MIN_PROBABILITY, temperature_and_threshold
from tendigits.pictures.image import Grey
from tendigits.untrusted import read_file

MAX_BYTES = 64 * 2**20  # the largest .onnx file of a network
NUMBER_NETWORK = "number_network"  # key of the metadata for a fine-tuned number network, in base64
BATCH_SIZE = 64  # crops per run of the network; larger batches take more memory and are no faster
MIN_CERTAIN_PROBABILITY = 0.9  # test-time augmentation: a crop with a less probable digit is also classified rotated
TURN_DEGREES = 7.0  # either way
USER_THRESHOLD = 0.9  # the threshold of a user's network without calibration
BLANK_AND_FULL = np.repeat(np.array([0, 255], np.uint8), FIELD * FIELD).reshape(2, FIELD, FIELD)  # to try a network


Mask = NDArray[np.bool_]
Choose = Callable[[Mask], Mask]
"""Which of the doubtful crops, bool (n,), are classified again: bool (n,). It is called if there may be any."""


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a network predicts for n crops."""

    digits: Floats  # float32 (n, 10): the probability of each digit, given that it is a digit; rows sum to 1
    is_digit: Floats  # float32 (n,), 0 to 1: the probability of being a digit at all

    @property
    def confidence(self) -> Floats:
        """float32 (n,): the probability that the predicted digit is right."""
        best: Floats = self.digits.max(axis=1) * self.is_digit
        return best


@dataclass(frozen=True)
class Network:
    """A classifier of crops, and the confidence from which its predictions are accepted."""

    name: str
    threshold: float
    logits: Callable[[Grey], Floats]
    """uint8 (n, 28, 28) -> float32 (n, 11), or (n, 10) for a network without a class for non-digits."""
    temperature: float = 1.0  # divides the logits (temperature scaling)
    turn: float = 0.0  # degrees by which doubtful crops are rotated either way and classified again; 0 turns it off
    number_network: bytes = b""
    """The .onnx file of the number network that was fine-tuned together with this one; else empty."""
    open_layers: Callable[[], ShowLayers] | None = None
    """Opens its hidden layers, or raises TendigitsError; None if they are not accessible."""

    def refined_logits(self, crops: Grey, choose: Choose = lambda doubtful: doubtful) -> Floats:
        """The logits; for doubtful crops the mean over three rotations; float32 (n, 11) or (n, 10)."""
        logits = self._batched_logits(crops)
        if self.turn:
            doubtful = np.flatnonzero(choose(softmax(logits)[:, :10].max(axis=1) < MIN_CERTAIN_PROBABILITY))
            if len(doubtful):
                again = [self._batched_logits(_turned(crops[doubtful], angle)) for angle in (-self.turn, self.turn)]
                logits[doubtful] = (logits[doubtful] + again[0] + again[1]) / 3
        return logits

    def _batched_logits(self, crops: Grey) -> Floats:
        starts = range(0, len(crops), BATCH_SIZE)
        return np.concatenate([self.logits(crops[start : start + BATCH_SIZE]) for start in starts])

    def __call__(self, crops: Grey, choose: Choose = lambda doubtful: doubtful) -> Predictions:
        """Classify uint8 (n, 28, 28), white on black; the doubtful ones that are chosen are rotated, too."""
        if not len(crops):
            return Predictions(np.zeros((0, 10), np.float32), np.zeros(0, np.float32))
        probabilities = softmax(self.refined_logits(crops, choose) / np.float32(self.temperature))
        digits = probabilities[:, :10]
        is_digit = digits.sum(axis=1) if probabilities.shape[1] > 10 else np.ones(len(crops), np.float32)
        return Predictions(digits / np.maximum(digits.sum(axis=1, keepdims=True), 1e-12), is_digit)


@cache
def bundled(threads: int | None = None) -> Network:
    """The network in the package, on at most this many threads; None takes all cores."""
    return from_onnx(bundled_file(), "reader", threads)


def bundled_file() -> bytes:
    """The network's .onnx file in the package. Raises ModelFileError if the package is damaged."""
    return asset("digits", "reader.onnx")


def from_onnx(data: bytes, name: str, threads: int | None = None) -> Network:
    """Load a network from an ONNX file, the reader's or an exported run's, on at most this many threads.

    Its metadata holds temperature and threshold, and the number network that was fine-tuned with it.

    Raises:
        ModelFileError: the file is damaged, has other shapes, or its numbers are not finite and positive.
    """
    network = OnnxNetwork(data, name, threads)
    given, made = network.input_shape[1:], network.output_shape[1:]
    if (given, made) not in (([28, 28, 1], [11]), ([784], [10])):
        expected = "expected a network from (n, 28, 28, 1) to (n, 11), or from (n, 784) to (n, 10)"
        raise ModelFileError(f"{name}: {expected}, received {network.shapes}")
    is_run = made == [10]  # exported by `tendigits export`: it outputs probabilities

    def logits(crops: Grey) -> Floats:
        outputs = network(to_input(crops).reshape(-1, *given))
        return np.log(np.maximum(outputs, MIN_PROBABILITY)) if is_run else outputs

    try:
        temperature, threshold = temperature_and_threshold(network.metadata, USER_THRESHOLD)
        number_network = base64.b64decode(network.metadata.get(NUMBER_NETWORK, ""), validate=True)
    except ValueError as error:
        raise ModelFileError(f"{name}: its metadata is damaged: {error}") from None
    turn, layers = 0.0 if is_run else TURN_DEGREES, partial(open_layers, data, name)
    if not np.isfinite(logits(BLANK_AND_FULL)).all():
        raise not_finite(name)
    return Network(name, threshold, logits, temperature, turn, number_network, layers)


def not_finite(name: str) -> ModelFileError:
    """The error for a network whose outputs overflow."""
    return ModelFileError(f"{name}: expected finite outputs, received NaN or infinity; train it again")


def open_network(model: Any, threads: int | None = None) -> Network:
    """The network of what a `Reader` is given. Raises TendigitsError if it is of another type, damaged or missing."""
    if model is None:
        return bundled(threads)
    if isinstance(model, Network):
        return model
    if isinstance(model, str | Path):
        return load_network(model)
    if "keras" in sys.modules:  # otherwise it is not a Keras model; importing Keras takes seconds
        import keras

        from tendigits.digits.keras_network import from_keras

        if isinstance(model, keras.Model):
            return from_keras(model, model.name)
        from tendigits.model.file import load_calibration, model_path
        from tendigits.train.trainer import Trained

        if isinstance(model, Trained):
            return from_keras(model.model, str(model.run.path), load_calibration(model_path(model.run.path)))
    raise UserError(
        "expected a run's folder, a model file (.keras, .h5, .onnx), a Keras model or what run_recipe returns, "
        f"received {type(model).__name__}"
    )


def load_network(path: str | Path) -> Network:
    """Load a network with its calibration from a fine-tuned or exported .onnx file, a run or a model file.

    Raises TendigitsError if there is no such run, or its model is damaged.
    """
    path = Path(path)
    if path.suffix == ".onnx":
        return from_onnx(read_onnx(path), str(path))
    if not path.exists():  # whether or not what opens it is installed
        from tendigits.runs.run import find_model

        path = find_model(path)

    require(f"the network {path}", "train")
    from tendigits.digits.keras_network import from_keras
    from tendigits.model.file import load_calibration, load_model, model_path
    from tendigits.model.network import in_float32

    file = model_path(path)
    return from_keras(in_float32(load_model(file)), str(path), load_calibration(file))


def read_onnx(path: Path) -> bytes:
    """The bytes of an .onnx file. Raises ModelFileError where it is missing or too large."""
    try:
        return read_file(path, MAX_BYTES)
    except OSError as error:
        raise ModelFileError(f"cannot read {path}: {error.strerror}") from None


def _turned(crops: Grey, angle: float) -> Grey:
    import cv2

    middle = (crops.shape[1] - 1) / 2
    turn = cv2.getRotationMatrix2D((middle, middle), angle, 1)
    return np.array([cv2.warpAffine(crop, turn, crop.shape) for crop in crops], np.uint8)


def softmax(logits: NDArray[Any]) -> NDArray[Any]:
    """The probability of each class, (n, classes)."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities: NDArray[Any] = shifted / shifted.sum(axis=1, keepdims=True)
    return probabilities
