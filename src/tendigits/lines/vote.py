"""Join what several views of a number show to one answer: boxes that overlap are one character.

read, dropped = vote(views)         # in pixels of the first view's strip
read = as_people_write(read)        # not `3/-3`, where `31-3` is nearly as probable
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from tendigits.lines.decode import CHARACTERS, HEIGHT, OVERLAP, Edges, Floats, Peak, overlap
from tendigits.lines.numbers import is_usual
from tendigits.lines.strips import Strip

READ = 0.5
"""Mean probability over the views from which a character is read."""

POSSIBLE = 0.05
"""Probability from which a character may be another one."""

UNUSUAL = -3.0
"""Logarithm of how frequent other forms are beside usual ones; with it most lines of held-out training digits, with and
without signs, are read right."""

MOST_DOUBTFUL, MOST_OPTIONS = 5, 3
"""Characters of a number of which others are weighed, the least certain ones, and how many for each."""


@dataclass(frozen=True, eq=False)
class View:
    """A strip, and what the line network sees in it."""

    strip: Strip
    peaks: list[Peak]
    sides: list[Edges] = field(default_factory=list)
    """Of cells, in pixels of the strip."""

    @property
    def text(self) -> str:
        """What is read in it."""
        return "".join(peak.label for peak in self.peaks if peak.present >= READ)


@dataclass(frozen=True, eq=False)
class Candidate:
    """What the views show at one place."""

    shares: Floats
    """float32 (characters,): the mean probability of each of CHARACTERS over the views; the rest of 1 is none."""
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


def vote(views: Sequence[View]) -> tuple[list[Candidate], list[Candidate]]:
    """Join what the views of a number show; a view has no say about what lies beyond its ends.

    Returns:
        What is read, from left to right; and what is there by less than half of the evidence.
    """
    first = views[0].strip
    spans = [view.strip.in_strip((0, 0, view.strip.picture.shape[1], HEIGHT), first)[::2] for view in views]
    left = [(view.strip.in_strip(peak.box, first), peak, n) for n, view in enumerate(views) for peak in view.peaks]
    left.sort(key=lambda entry: -entry[1].confidence)
    candidates = []
    while left:
        box, best, own = left[0]
        group = {own: best}
        rest = []
        for entry in left[1:]:
            if entry[2] not in group and overlap(box, entry[0]) >= OVERLAP:
                group[entry[2]] = entry[1]
            else:
                rest.append(entry)
        left = rest
        middle = (box[0] + box[2]) / 2
        n_views = len(group.keys() | {n for n, (start, end) in enumerate(spans) if start <= middle <= end})
        shares = sum(peak.probabilities * peak.present for peak in group.values()) / n_views
        candidates.append(Candidate(np.asarray(shares, np.float32), box))
    candidates.sort(key=lambda candidate: candidate.box[0] + candidate.box[2])
    read = [candidate for candidate in candidates if candidate.present >= READ]
    return read, [candidate for candidate in candidates if candidate.present < READ]


def as_people_write(read: Sequence[Candidate]) -> list[Candidate]:
    """Weigh what the characters of a number may be by how frequent numbers of such a form are."""
    options = [_options(each) for each in read]
    doubtful = sorted((i for i, own in enumerate(options) if len(own) > 1), key=lambda i: read[i].confidence)
    for i in doubtful[MOST_DOUBTFUL:]:
        options[i] = options[i][:1]
    logs = [np.log(each.shares[own]) for each, own in zip(read, options, strict=True)]

    def score(chosen: Sequence[int]) -> float:
        text = "".join(CHARACTERS[option[k]] for option, k in zip(options, chosen, strict=True))
        own = sum(float(log[k]) for log, k in zip(logs, chosen, strict=True))
        return own if is_usual(text) else own + UNUSUAL

    best = max(product(*(range(len(own)) for own in options)), key=score)
    weighed = list(read)
    for i in doubtful[:MOST_DOUBTFUL]:
        scores = np.array([score([*best[:i], k, *best[i + 1 :]]) for k in range(len(options[i]))])
        shares, weights = read[i].shares.copy(), np.exp(scores - scores.max())
        shares[options[i]] = weights / weights.sum() * shares[options[i]].sum()
        weighed[i] = replace(read[i], shares=shares)
    return weighed


def _options(candidate: Candidate) -> NDArray[np.intp]:
    """Which of CHARACTERS it may be, the most probable first."""
    order = np.argsort(-candidate.shares, kind="stable")[:MOST_OPTIONS]
    possible: NDArray[np.intp] = order[(candidate.shares[order] >= POSSIBLE) | (order == order[0])]
    return possible
