"""Write an export to a temporary file, verify it, and move it to its place.

exported = export_file(source, "onnx")      # Exported(path, verification)
"""

import statistics
import timeit
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tendigits.errors import ModelFileError, UserError
from tendigits.export import litert, writers
from tendigits.export.source import Source
from tendigits.files import make_folder, make_inside, replacing, writing

Predict = Callable[[np.ndarray], np.ndarray]  # float32 (n, ...) in [0, 1] -> float32 (n, labels)

TOLERANCE = 1e-4  # largest allowed difference between two float32 outputs: runtimes sum in different orders
MIN_AGREEMENT = 0.99  # fraction of the test digits whose prediction must survive the conversion to int8
TIMED_BATCH = 100  # digits in the batch that is timed
CALIBRATION_DIGITS = 1000  # training digits from which int8 quantisation derives the ranges of activations


@dataclass(frozen=True)
class Format:
    """A file format."""

    suffix: str
    write: Callable[..., None]  # (source, path), and samples if `int8`
    load: Callable[[Path], Predict]
    int8: bool = False


FORMATS = {
    "onnx": Format(".onnx", writers.write_onnx, writers.load_onnx, int8=True),
    "litert": Format(".tflite", litert.write, litert.load, int8=True),
    "keras": Format(".keras", writers.write_keras, writers.load_keras),
    "h5": Format(".h5", writers.write_keras, writers.load_keras),
    "stablehlo": Format(".stablehlo", writers.write_stablehlo, writers.load_stablehlo),
}


@dataclass(frozen=True)
class Verification:
    """How an export compares with its source."""

    bytes: int
    n: int  # test digits
    largest_difference: float  # between outputs of the two networks
    agreement: float  # 0 to 1: fraction of the test digits with the same prediction
    accuracy: float  # 0 to 1
    source_accuracy: float  # of the source on the same digits
    single_ms: float  # milliseconds for one digit, median
    batch_us: float  # microseconds per digit in a batch, median


@dataclass(frozen=True)
class Exported:
    """A verified export."""

    path: Path
    verification: Verification


def export_file(source: Source, to: str, *, int8: bool = False, out: Path | None = None) -> Exported:
    """Write a network in a format, and keep the file if the format's runtime agrees with it on all test digits.

    Args:
        out: the file; by default the source's name, in its `exports` folder.

    Raises:
        UserError: the format has no int8, or does not support a layer.
        ModelFileError: the export disagrees with the source; it is not kept.
        DiskError: the file cannot be written.
    """
    check(to, int8)
    chosen = FORMATS[to]
    path = out or default_path(source.name, source.folder, chosen.suffix, int8)
    if path.suffix != chosen.suffix:
        raise UserError(f"expected a file {chosen.suffix} for {to}, received {path}")
    if out is None:
        make_inside(source.folder.parent, source.folder.name)
    else:
        make_folder(path.parent)
    verifications: list[Verification] = []

    def verified(temporary: Path) -> None:
        try:
            verifications.append(verify(chosen.load(temporary), source, temporary, int8=int8))
        except ModelFileError as error:
            raise ModelFileError(f"{path} is not kept: {error}") from None

    write = replacing if out is None else writing
    with write(path, check=verified) as temporary:
        chosen.write(source, temporary, *([source.samples(CALIBRATION_DIGITS)] if int8 else []))
    return Exported(path, verifications[0])


def default_path(name: str, folder: Path, suffix: str, int8: bool) -> Path:
    """Where an export goes that has no other path."""
    return folder / f"{name}{'-int8' if int8 else ''}{suffix}"


def check(to: str, int8: bool) -> None:
    """Raise UserError if int8 is requested of a format without it."""
    if int8 and not FORMATS[to].int8:
        able = ", ".join(name for name, other in FORMATS.items() if other.int8)
        raise UserError(f"expected --int8 with {able} or web, received it with {to}")


def verify(predict: Predict, source: Source, path: Path, *, int8: bool) -> Verification:
    """Compare `predict`, the export at `path`, with the source on all test digits, and time it.

    Raises ModelFileError if it differs by more than TOLERANCE, or with int8 agrees on less than MIN_AGREEMENT.
    """
    x, expected = source.x_test, source.expected
    found = np.concatenate([predict(part) for part in np.array_split(x, max(1, len(x) // 1000))])
    if found.shape != expected.shape:
        raise ModelFileError(f"expected outputs of shape {expected.shape}, received {found.shape}")
    difference = float(np.abs(found - expected).max())
    agreement = float((found.argmax(axis=1) == expected.argmax(axis=1)).mean())
    if int8 and not agreement >= MIN_AGREEMENT:
        raise ModelFileError(
            f"expected int8 to read {MIN_AGREEMENT:.0%} of {len(x):,} digits as float32 does, found {agreement:.2%}"
        )
    if not int8 and not difference <= TOLERANCE:  # also catches NaN
        raise ModelFileError(f"its outputs for {len(x):,} digits differ by up to {difference:.2g}, over {TOLERANCE:g}")
    labels = source.dataset.y_test
    return Verification(
        bytes=path.stat().st_size,
        n=len(x),
        largest_difference=difference,
        agreement=agreement,
        accuracy=float((found[:, :10].argmax(axis=1) == labels).mean()),
        source_accuracy=float((expected[:, :10].argmax(axis=1) == labels).mean()),
        single_ms=1e3 * _median_seconds(predict, x[:1], 50),
        batch_us=1e6 * _median_seconds(predict, x[:TIMED_BATCH], 10) / len(x[:TIMED_BATCH]),
    )


def _median_seconds(predict: Predict, images: np.ndarray, repeats: int) -> float:
    _, *seconds = timeit.repeat(lambda: predict(images), number=1, repeat=1 + repeats)  # the first call warms up
    return statistics.median(seconds)
