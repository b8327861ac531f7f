"""The network to export: that of a run or a model file, a fine-tuned network (.onnx), or the reader's.

source = open_source("runs/first")
source.expected                             # the outputs that every export must reproduce
"""

import json
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import keras
import numpy as np

from tendigits.data.dataset import Dataset
from tendigits.data.load import load
from tendigits.data.preprocess import to_input
from tendigits.digits.network import USER_THRESHOLD, bundled_file, read_onnx
from tendigits.errors import ModelFileError
from tendigits.model.calibration import temperature_and_threshold
from tendigits.model.file import load_calibration, load_model, model_path
from tendigits.model.network import in_float32, predict
from tendigits.model.onnx import from_onnx
from tendigits.report.evaluate import load_same_data
from tendigits.runs.run import find_model, model_digest, open_run

if TYPE_CHECKING:
    from jax.export import Exported

PLATFORMS = ("cpu", "cuda", "rocm", "tpu")  # that a StableHLO module is for
READER = "reader"  # names the reader's network, which is part of the package
PREPROCESSING = (
    "28x28 pixels, white on black, the digit's longer side 20, its centre of mass in the middle; divided by 255"
)


@dataclass(frozen=True)
class Source:
    """A network, the digits to verify its exports on, and their metadata."""

    name: str
    model: keras.Model  # from float32 (n, 784) or (n, 28, 28, 1) in [0, 1]
    output: str  # `probabilities`, whose rows sum to 1, or `logits`
    labels: tuple[str, ...]  # the meaning of each number in an output row
    temperature: float  # divides logits, or logarithms of probabilities, before the softmax that gives confidences
    threshold: float | None  # confidence from which a digit is accepted; None if the network was not calibrated
    folder: Path  # the default folder of its exports
    dataset: Dataset

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one digit: (784,) or (28, 28, 1)."""
        return tuple(self.model.input_shape[1:])

    @property
    def metadata(self) -> dict[str, str]:
        """The metadata of an export: what a program needs to know about inputs and outputs, and where it comes from."""
        metadata = {
            "source": self.name,
            "labels": json.dumps(self.labels),
            "preprocessing": PREPROCESSING,
            "output": self.output,
            "temperature": f"{self.temperature:.4g}",
            "tendigits": version("tendigits"),
        }
        return metadata if self.threshold is None else metadata | {"threshold": f"{self.threshold:.4f}"}

    @cached_property
    def x_test(self) -> np.ndarray:
        """All test digits, as the network's input."""
        return to_input(self.dataset.x_test).reshape(-1, *self.shape)

    @cached_property
    def expected(self) -> np.ndarray:
        """The network's outputs for the test digits, float32 (n, labels)."""
        return predict(self.model, self.x_test)

    def lowered(self, batch: int | None, platforms: tuple[str, ...] = PLATFORMS) -> "Exported":
        """The network as a StableHLO module with its weights as constants, for `batch` digits; None for any number."""
        from jax import export

        n: Any = export.symbolic_shape("n")[0] if batch is None else batch

        def predict(image: Any) -> Any:
            return self.model(image, training=False)

        predict.__name__ = self.output
        return export.export(jax.jit(predict), platforms=platforms)(jax.ShapeDtypeStruct((n, *self.shape), np.float32))

    def samples(self, n: int) -> np.ndarray:
        """The first `n` training digits, as the network's input."""
        return to_input(self.dataset.x_train[:n]).reshape(-1, *self.shape)


def locate(path: str | Path) -> tuple[str, Path]:
    """The name of a network, and the default folder of its exports; for the arguments see `open_source`."""
    if path == READER:
        return READER, Path("exports")
    path = find_model(path)
    return (path.resolve().name, path / "exports") if path.is_dir() else (path.stem, path.parent / "exports")


def open_source(path: str | Path, data: str | Path | None = None) -> Source:
    """Open a network and the digits to verify its exports on.

    Args:
        path: a run's name or folder, a .keras, .h5 or .onnx file, or the word `reader`.
        data: the digits; by default those of the run, else MNIST.

    Raises:
        TendigitsError: the network or the digits are missing or damaged.
    """
    name, folder = locate(path)
    if path == READER:
        return _reader_network(name, bundled_file(), folder, load(data))
    path = find_model(path)
    file, digest = path, None
    if path.is_dir():
        run = open_run(path)
        file, digest = model_path(path), model_digest(run)
        dataset = load(data) if data else load_same_data(run, run.record())
    elif path.suffix == ".onnx":
        return _reader_network(name, read_onnx(path), folder, load(data))
    else:
        dataset = load(data)
    model, calibration = in_float32(load_model(file, digest)), load_calibration(file)
    temperature, threshold = (calibration.temperature, calibration.threshold) if calibration else (1.0, None)
    return Source(name, model, "probabilities", tuple("0123456789"), temperature, threshold, folder, dataset)


def _reader_network(name: str, data: bytes, folder: Path, dataset: Dataset) -> Source:
    """The reader's network, or one fine-tuned from it."""
    model, metadata = from_onnx(data)
    try:
        temperature, threshold = temperature_and_threshold(metadata, USER_THRESHOLD)
    except ValueError as error:
        raise ModelFileError(f"{name}: its metadata is damaged: {error}") from None
    return Source(name, model, "logits", (*"0123456789", "not a digit"), temperature, threshold, folder, dataset)
