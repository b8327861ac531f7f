"""Join what several views of a line show to one answer: boxes that overlap are one character.

characters, dropped = vote([peaks_of_one_view, peaks_of_another])
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tendigits.lines.decode import CHARACTERS, OVERLAP, Edges, Floats, Peak, overlap

READ = 0.5
"""Mean probability over the views from which a character is read."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """What the views show at one place."""

    shares: Floats
    """float32 (classes,): the mean probability of each of CHARACTERS over the views; the rest of 1 is none."""
    box: Edges
    """In the first view's pixels."""

    @property
    def label(self) -> str:
        """The most probable character."""
        return CHARACTERS[int(self.shares.argmax())]

    @property
    def confidence(self) -> float:
        """0 to 1: the probability that it is this character."""
        return float(self.shares.max())

    @property
    def present(self) -> float:
        """0 to 1: the probability that a character is here."""
        return float(self.shares.sum())


def vote(views: Sequence[Sequence[Peak]]) -> tuple[list[Candidate], list[Candidate]]:
    """Join the peaks of several views, with boxes in the same pixels.

    Returns:
        What is read, from left to right; and what is there by less than half of the evidence.
    """
    left = [(peak, n) for n, view in enumerate(views) for peak in view]
    left.sort(key=lambda entry: -entry[0].confidence)
    candidates = []
    while left:
        best, own = left[0]
        group = {own: best}
        for peak, n in left[1:]:
            if n not in group and overlap(best.box, peak.box) >= OVERLAP:
                group[n] = peak
        taken = {id(peak) for peak in group.values()}
        left = [entry for entry in left if id(entry[0]) not in taken]
        shares = sum(peak.probabilities * peak.present for peak in group.values()) / len(views)
        candidates.append(Candidate(np.asarray(shares, np.float32), best.box))
    candidates.sort(key=lambda candidate: candidate.box[0] + candidate.box[2])
    read = [candidate for candidate in candidates if candidate.present >= READ]
    return read, [candidate for candidate in candidates if candidate.present < READ]
