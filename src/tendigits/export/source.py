"""What is exported: a run's network, a model file, a taught network (.onnx), or the reader network of the package.

source = open_source("runs/first")
source.expected                             # what every export of it must say, too
"""

import json
from dataclasses import dataclass
from functools import cached_property, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tendigits.data.dataset import Dataset
from tendigits.data.load import load
from tendigits.data.preprocess import to_input
from tendigits.errors import ModelFileError, RunError
from tendigits.model.file import load_calibration, load_model
from tendigits.model.onnx import from_onnx
from tendigits.read.network import MAX_BYTES, bundled_file
from tendigits.report.evaluate import load_same_data
from tendigits.report.run import open_run

Array = np.ndarray[Any, Any]

READER = "reader"
"""The word for the network in the package."""

PREPARATION = (
    "28x28 pixels, white ink on black, the digit's longer side 20, its centre of mass in the middle; divided by 255"
)


@dataclass(frozen=True)
class Source:
    """A network, and what its exports say about themselves."""

    name: str
    model: keras.Model
    """From float32 (n, 784) or (n, 28, 28, 1) in [0, 1]."""
    output: str
    """`probabilities`, whose rows sum to 1, or `logits`."""
    labels: tuple[str, ...]
    """What each of the numbers in a row of the output is for."""
    temperature: float
    """By which logits, or logarithms of probabilities, are divided before they are called confidences."""
    threshold: float | None
    """Least confidence at which an answer is accepted; None where the network was not calibrated."""
    folder: Path
    """Where its exports go where nobody says otherwise."""
    dataset: Dataset

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one digit: (784,) or (28, 28, 1)."""
        return tuple(self.model.input_shape[1:])

    @property
    def about(self) -> dict[str, str]:
        """The metadata of an export: what a program needs to use it right, and where it is from."""
        facts = {
            "source": self.name,
            "labels": json.dumps(self.labels),
            "preparation": PREPARATION,
            "output": self.output,
            "temperature": f"{self.temperature:.4g}",
            "tendigits": version("tendigits"),
        }
        return facts if self.threshold is None else facts | {"threshold": f"{self.threshold:.4f}"}

    @cached_property
    def x_test(self) -> Array:
        """All test digits as the network's input."""
        return to_input(self.dataset.x_test).reshape(-1, *self.shape)

    @cached_property
    def expected(self) -> Array:
        """What the network says of each test digit, float32 (n, labels)."""
        return np.asarray(self.model.predict(self.x_test, batch_size=1000, verbose=0))

    def samples(self, n: int) -> Array:
        """`n` training digits as the network's input, to measure ranges on; never test digits."""
        return to_input(self.dataset.x_train[:n]).reshape(-1, *self.shape)


def open_source(path: str | Path, data: str | Path | None = None) -> Source:
    """Open what is to be exported, and the digits on which its exports are proved.

    Args:
        path: a run's folder, a .keras, .h5 or .onnx file, or the word `reader`.
        data: the digits; None takes those of the run, else MNIST.

    Raises:
        TendigitsError: there is no whole network, or no digits.
    """
    load_digits = partial(load, data)
    if path == READER:
        return _reader(READER, bundled_file(), Path("exports"), load_digits())
    path = Path(path)
    if path.is_dir():
        run = open_run(path)
        record = run.record()
        if "models" not in record:
            raise RunError(f"{path} has no model yet; go on with: tendigits train --resume {path}")
        dataset = load_digits() if data else load_same_data(run, record)
        return _own(path.resolve().name, path / "model.keras", record["models"]["model.keras"], dataset)
    if path.suffix == ".onnx":
        return _reader(path.stem, _read(path), path.parent / "exports", load_digits())
    return _own(path.stem, path, None, load_digits())


def _own(name: str, file: Path, digest: str | None, dataset: Dataset) -> Source:
    """Of a run or a model file."""
    model, calibration = load_model(file, digest), load_calibration(file)
    return Source(
        name=name,
        model=model,
        output="probabilities",
        labels=tuple("0123456789"),
        temperature=1.0 if calibration is None else calibration.temperature,
        threshold=None if calibration is None else calibration.threshold,
        folder=file.parent / "exports",
        dataset=dataset,
    )


def _reader(name: str, data: bytes, folder: Path, dataset: Dataset) -> Source:
    """Of the package's own network, or of one that was taught from it."""
    model, about = from_onnx(data)
    return Source(
        name=name,
        model=model,
        output="logits",
        labels=(*"0123456789", "not a digit"),
        temperature=float(about["temperature"]),
        threshold=float(about["threshold"]),
        folder=folder,
        dataset=dataset,
    )


def _read(path: Path) -> bytes:
    if not path.is_file() or path.stat().st_size > MAX_BYTES:
        raise ModelFileError(f"expected a model file of at most {MAX_BYTES >> 20} MB, there is none at {path}")
    return path.read_bytes()
