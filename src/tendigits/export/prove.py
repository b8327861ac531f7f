"""Load an export back by its own runtime, and let it answer for the whole test set beside the network it came from.

proof = prove(answer, source, path, int8=False)     # raises ModelFileError where it says something else
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tendigits.errors import ModelFileError
from tendigits.export.source import Source

Array = np.ndarray[Any, Any]
Answer = Callable[[Array], Array]

LARGEST = 1e-4
"""Difference allowed between two float32 numbers of the output: other runtimes add in another order."""

AGREEMENT = 0.99
"""Share of the test digits that 8 bits must read as float32 does."""

BATCH = 100
"""Digits at once where many are timed."""


@dataclass(frozen=True)
class Proof:
    """What came out."""

    bytes: int
    n: int
    """Test digits."""
    largest_difference: float
    """Between any two numbers of the output."""
    agreement: float
    """0 to 1: share of the test digits that both read alike."""
    accuracy: float
    source_accuracy: float
    """0 to 1, on the same digits."""
    single_ms: float
    """Milliseconds for one digit, median."""
    batch_us: float
    """Microseconds for each digit of a batch, median."""


def prove(answer: Answer, source: Source, path: Path, *, int8: bool) -> Proof:
    """Compare `answer`, the export at `path`, with the source on all test digits.

    Raises:
        ModelFileError: it does not say the same: with float32 numbers that differ by more than `LARGEST`, with 8 bits
            other digits than for `AGREEMENT` of them.
    """
    x, expected = source.x_test, source.expected
    found = np.concatenate([answer(part) for part in np.array_split(x, max(1, len(x) // 1000))])
    if found.shape != expected.shape:
        raise ModelFileError(f"it answers with {found.shape} where {expected.shape} was expected")
    difference = float(np.abs(found - expected).max())
    agreement = float((found.argmax(axis=1) == expected.argmax(axis=1)).mean())
    if int8 and not agreement >= AGREEMENT:
        raise ModelFileError(f"8 bits read {agreement:.2%} of {len(x):,} digits as float32 does, not {AGREEMENT:.0%}")
    if not int8 and not difference <= LARGEST:
        raise ModelFileError(f"its answers for {len(x):,} digits differ by up to {difference:.2g}, over {LARGEST:g}")
    labels = source.dataset.y_test
    return Proof(
        bytes=path.stat().st_size,
        n=len(x),
        largest_difference=difference,
        agreement=agreement,
        accuracy=float((found[:, :10].argmax(axis=1) == labels).mean()),
        source_accuracy=float((expected[:, :10].argmax(axis=1) == labels).mean()),
        single_ms=1e3 * _median_seconds(answer, x[:1], 50),
        batch_us=1e6 * _median_seconds(answer, x[:BATCH], 10) / len(x[:BATCH]),
    )


def _median_seconds(answer: Answer, images: Array, times: int) -> float:
    answer(images)
    seconds = []
    for _ in range(times):
        started = time.perf_counter()
        answer(images)
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)
