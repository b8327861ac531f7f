"""How probable it is that a number was read right: evidence of independent kinds, weighed together.

confidence = trust.confidence(evidence)

The weights are fitted on generated lines (logistic regression) by reader/calibrate.py and travel in the network's file.
"""

import json
from collections.abc import Mapping
from dataclasses import astuple, dataclass, fields
from typing import Any

import numpy as np

from tendigits.errors import ModelFileError, UserError, reason_of

MAX_ERROR = 0.02
"""The share of wrong numbers among the accepted that is promised."""


CLEAREST = 6.0
"""Logit of a probability (0.9975) above which nothing is clearer."""


@dataclass(frozen=True)
class ConfidenceFeatures:
    """What speaks for and against the reading of a number; each is 0 where nothing speaks against it."""

    read: float
    """Logit of the probability that all is right that was read, and nothing there that was not; less CLEAREST."""
    disagreement: float
    """Share of the views that show something else."""
    of_digits: float
    """Share of the views that show other digits; signs may differ."""
    contradicted: float
    """Digits of which the network for single digits is certain that they are others."""
    unsupported: float
    """Digits that it takes for no digit, or hardly for this one."""
    beside: float
    """Strokes within the number or close to it that belong to no character, in heights of a digit."""
    unusual: float
    """1 if the form is not one that people write."""
    gap: float
    """How much wider than usual the widest gap between its characters is, in heights of a digit."""
    close: float
    """How much closer than usual the next number is, likewise."""

    def values(self) -> tuple[float, ...]:
        """In the order of the weights."""
        return astuple(self)


@dataclass(frozen=True)
class ConfidenceModel:
    """Weights of the evidence, and what follows for the thresholds."""

    weights: tuple[float, ...] = (0.0,) * len(fields(ConfidenceFeatures))
    bias: float = 0.0
    thresholds: tuple[tuple[float, float], ...] = ((0.02, 0.9),)
    """Pairs: a share of wrong numbers among the accepted, and the confidence from which on no more are wrong."""

    @classmethod
    def of(cls, about: Mapping[str, str]) -> "ConfidenceModel":
        """From the metadata of a network's file. Raises ModelFileError if it weighs other evidence."""
        if "trust" not in about:
            return cls()
        try:
            return cls._checked(json.loads(about["trust"]))
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise ModelFileError(f"the line network: its metadata is damaged: {reason_of(error)}") from None

    @classmethod
    def _checked(cls, entry: Any) -> "ConfidenceModel":
        if len(entry["weights"]) != len(fields(ConfidenceFeatures)):
            raise ModelFileError(
                f"the line network: expected weights of {len(fields(ConfidenceFeatures))} kinds of evidence, received "
                f"{len(entry['weights'])}; it is of another version of tendigits, teach it again"
            )
        weights, bias = tuple(map(float, entry["weights"])), float(entry["bias"])
        thresholds = tuple((float(error), float(threshold)) for error, threshold in entry["thresholds"])
        if not np.isfinite([*weights, bias]).all() or not all(0 < share <= 1 for pair in thresholds for share in pair):
            raise ValueError("expected finite weights, and thresholds from 0 to 1")
        return cls(weights, bias, thresholds)

    def confidence(self, evidence: ConfidenceFeatures) -> float:
        """0 to 1: the probability that all of a number is right."""
        return float(1 / (1 + np.exp(-self.bias - np.dot(self.weights, evidence.values()))))

    def threshold(self, max_error: float | None) -> float:
        """The confidence from which on at most this share of the accepted numbers is wrong, on generated lines.

        Args:
            max_error: 0 to 1; None takes MAX_ERROR.

        Raises:
            UserError: the share is smaller than what was measured.
        """
        max_error = MAX_ERROR if max_error is None else max_error
        fitting = [threshold for error, threshold in self.thresholds if error <= max_error]
        if not fitting:
            least = min(error for error, _ in self.thresholds)
            raise UserError(
                f"expected an error of at least {least:.1%}, received {max_error:.1%}; fewer isn't measured"
            )
        return min(fitting)
