"""What the reader rejects at its default threshold: non-digits, as it should, and digits.

Two of the three kinds of non-digits come from generators that the training never used; see nondigits.py.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from nondigits import letter, scribble
from pages import Grey, Rng
from reading_sets import Set
from tendigits.data.load import load
from tendigits.read.reader import Reader

sys.path.append(str(Path(__file__).parent.parent / "reader"))
from synthesis.writers import SyntheticWriter


def measure_rejection(sets: list[Set], data: Path, n: int, seed: int) -> dict[str, Any]:
    """Count the rejected of `n` non-digits of each kind, and the accepted digits of each set."""
    reader = Reader()
    mnist = load(data)
    writer = SyntheticWriter(mnist.x_test, mnist.y_test)
    kinds: dict[str, Callable[[Rng], Grey]] = {
        "the training's kinds, new ones": writer.nondigit,
        "letters of other fonts": letter,
        "scribbles of another generator": scribble,
    }
    rng = np.random.default_rng(seed)
    nondigits = []
    for kind, draw in kinds.items():
        read = reader.digits([draw(rng) for _ in range(n)])
        nondigits.append({"kind": kind, "n": n, "rejected": sum(not digit.accepted for digit in read)})
    digits = []
    for own in sets:
        read = reader.digits([path for (path,) in own.files["bare"]])
        right = [str(digit.label) == true for digit, true in zip(read, own.truth, strict=True)]
        digits.append(
            {
                "set": own.name,
                "n": len(read),
                "accepted": sum(digit.accepted for digit in read),
                "wrong": len(right) - sum(right),
                "wrong_accepted": sum(digit.accepted and not r for digit, r in zip(read, right, strict=True)),
            }
        )
    return {"threshold": reader.threshold, "nondigits": nondigits, "digits": digits}
