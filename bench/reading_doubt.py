"""What our reader refuses at its own threshold: non-digits, which it should, and digits.

Two kinds of the non-digits come from generators that its training never saw; see strangers.py.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from pages import Grey, Rng
from reading_sets import Set
from strangers import letter, scribble
from tendigits.data.load import load
from tendigits.read.reader import Reader

sys.path.append(str(Path(__file__).parent.parent / "reader"))
from synthesis.writers import SyntheticWriter


def judge(sets: list[Set], data: Path, n: int, seed: int) -> dict[str, Any]:
    """Count what is refused of n things of each kind, and what is accepted of the digits."""
    reader = Reader()
    mnist = load(data)
    writer = SyntheticWriter(mnist.x_test, mnist.y_test)
    kinds: dict[str, Callable[[Rng], Grey]] = {
        "the training's kinds, new ones": writer.nondigit,
        "letters of other fonts": letter,
        "scribbles of another generator": scribble,
    }
    rng = np.random.default_rng(seed)
    nothing = []
    for kind, draw in kinds.items():
        read = reader.digits([draw(rng) for _ in range(n)])
        nothing.append({"kind": kind, "n": n, "rejected": sum(not digit.accepted for digit in read)})
    kept = []
    for own in sets:
        read = reader.digits([path for (path,) in own.files["bare"]])
        right = [str(digit.label) == true for digit, true in zip(read, own.truth, strict=True)]
        kept.append(
            {
                "set": own.name,
                "n": len(read),
                "accepted": sum(digit.accepted for digit in read),
                "wrong": len(right) - sum(right),
                "wrong_accepted": sum(digit.accepted and not r for digit, r in zip(read, right, strict=True)),
            }
        )
    return {"threshold": reader.threshold, "nothing": nothing, "digits": kept}
