"""Compare an export, run by its own runtime, with its source network on all test digits.

verification = verify(predict, source, path, int8=False)     # raises ModelFileError if they disagree
"""

import statistics
import timeit
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tendigits.errors import ModelFileError
from tendigits.export.source import Source

Predict = Callable[[np.ndarray], np.ndarray]
"""float32 (n, ...) in [0, 1] -> float32 (n, labels)."""

TOLERANCE = 1e-4  # largest allowed difference between two float32 outputs: runtimes sum in different orders
MIN_AGREEMENT = 0.99  # fraction of the test digits whose prediction must survive the conversion to int8
TIMED_BATCH = 100  # digits in the batch that is timed


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


def verify(predict: Predict, source: Source, path: Path, *, int8: bool) -> Verification:
    """Compare `predict`, the export at `path`, with the source on all test digits, and time it.

    Raises:
        ModelFileError: a float32 export differs by more than `TOLERANCE`, or an int8 export agrees on less than
            `MIN_AGREEMENT` of the digits.
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
