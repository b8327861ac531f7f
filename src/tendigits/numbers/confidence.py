"""How probable it is that a number was read right: a logistic regression over independent pieces of evidence.

confidence = model.confidence(features)

reader/calibrate.py fits the weights on generated strips; they are stored in the metadata of the network's file.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np

from tendigits.errors import ModelFileError, UserError, reason_of

MAX_ERROR = 0.03  # default for the fraction of wrong numbers among the accepted ones
MAX_LENGTH = 8  # the weights are fitted on numbers of up to 9 digits; longer ones would seem ever more certain
CLEAR = 0.03  # surprise of a clear text: how much lower it is hardly matters


@dataclass(frozen=True)
class ConfidenceFeatures:
    """Evidence for and against a number; each feature is 0 without it."""

    text: float  # log1p(surprise / CLEAR); surprise: -log of the probability that all is right and nothing missing
    length: float  # characters after the first, up to MAX_LENGTH: those of one hand are right or wrong together
    unusual: float  # 1 if people do not usually write such a text
    closing: float  # 1 if it ends with a mark, behind which more of it may stand
    gap: float  # how much wider than usual the widest gap between its characters is, in digit heights
    rival: float  # how clearly another view of it shows another text, 0 to 1
    crowding: float  # how much closer than usual the next characters are, in digit heights


@dataclass(frozen=True)
class ConfidenceModel:
    """The weights, and the thresholds that follow from them."""

    weights: tuple[float, ...] = (0.0,) * len(fields(ConfidenceFeatures))  # in the order of the features
    bias: float = 0.0
    thresholds: tuple[tuple[float, float], ...] = ((0.02, 0.9),)  # error rates, each with the lowest confidence for it

    @classmethod
    def from_metadata(cls, about: Mapping[str, str]) -> "ConfidenceModel":
        """Read the model from a network's metadata. Raises ModelFileError if it has other features."""
        if "trust" not in about:
            return cls()
        try:
            entry = json.loads(about["trust"])
            weights, bias = tuple(map(float, entry["weights"])), float(entry["bias"])
            thresholds = tuple((float(error), float(threshold)) for error, threshold in entry["thresholds"])
            if not (np.isfinite([*weights, bias]).all() and all(0 < value <= 1 for p in thresholds for value in p)):
                raise ValueError("expected finite weights, and thresholds from 0 to 1")
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise ModelFileError(f"the number network: its metadata is damaged: {reason_of(error)}") from None
        if len(weights) != (expected := len(fields(ConfidenceFeatures))):
            raise ModelFileError(
                f"the number network: expected weights for {expected} features, received {len(weights)}; "
                "it is of another version of tendigits, teach it again"
            )
        return cls(weights, bias, thresholds)

    def confidence(self, features: ConfidenceFeatures) -> float:
        """0 to 1: the probability that the whole number is right."""
        return float(1 / (1 + np.exp(-self.bias - np.dot(self.weights, [*vars(features).values()]))))

    def threshold(self, max_error: float | None) -> float:
        """The lowest confidence at which no more than this fraction of accepted numbers is wrong, on generated strips.

        None takes MAX_ERROR. Raises UserError if the fraction is smaller than any that was measured.
        """
        max_error = MAX_ERROR if max_error is None else max_error
        suitable = [threshold for error, threshold in self.thresholds if error <= max_error]
        if not suitable:
            lowest = min(error for error, _ in self.thresholds)
            raise UserError(
                f"expected a maximum error of at least {100 * lowest:g}%, received {100 * max_error:g}%; "
                "lower error rates were not measured"
            )
        return min(suitable)
