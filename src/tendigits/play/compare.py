"""Two networks on the same test digits: is the difference luck, and which digits do they read differently?

compare(learner_a, learner_b)      # a dict for JSON
"""

from typing import Any

import numpy as np

from tendigits.play.check import encode
from tendigits.play.learner import Learner
from tendigits.report.mcnemar import mcnemar

MAX_CHANGED = 24
"""Digits shown of those that two networks read differently; the rest are counted."""


def compare(first: Learner, second: Learner) -> dict[str, Any]:
    """McNemar's test in words, and the test digits that the networks A and B read differently."""
    digits = first.digits
    a, b = _predicted(first), _predicted(second)
    true = digits.y_test
    verdict = mcnemar(np.flatnonzero(a != true), np.flatnonzero(b != true), len(true))
    changed = np.flatnonzero(a != b)
    return {
        "words": verdict.words,
        "is_significant": verdict.is_significant,
        "p": verdict.p,
        "n_changed": len(changed),
        "changed": [
            {"true": int(true[i]), "a": int(a[i]), "b": int(b[i]), "picture": encode(digits.x_test[i])}
            for i in changed[:MAX_CHANGED]
        ],
    }


def _predicted(learner: Learner) -> np.ndarray:
    """The digit that a network reads in each test digit: integers (n,)."""
    predicted: np.ndarray = learner.probe(learner.weights, learner.digits.test_input)[-1].argmax(axis=1)
    return predicted
