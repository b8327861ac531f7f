"""Join what several views of a number show to one answer: boxes that overlap are one character.

read, dropped = vote(views)         # in pixels of the first view's strip
read = as_people_write(read)        # not `3/-3`, where `31-3` is nearly as probable
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

import numpy as np

from tendigits.numbers.decode import CHARACTERS, HEIGHT, OVERLAP, Edges, Floats, Peak, overlap
from tendigits.numbers.strips import Strip
from tendigits.numbers.values import is_usual

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
    return weigh(read, lambda text: 0.0 if is_usual(text) else UNUSUAL)


def weigh(
    read: Sequence[Candidate], frequency: Callable[[str], float], possible: float = POSSIBLE, noise: float = 0.0
) -> list[Candidate]:
    """Weigh what the characters of a number may be by what is known of it.

    Args:
        frequency: logarithm of how frequent a text is.
        possible: probability from which a character may be another one.
        noise: probability, at least, that a sign is nothing.
    """
    options = [_options(each, possible, noise) for each in read]
    doubtful = sorted((i for i, own in enumerate(options) if len(own) > 1), key=lambda i: read[i].confidence)
    for i in doubtful[MOST_DOUBTFUL:]:
        options[i] = options[i][:1]

    def score(chosen: Sequence[int]) -> float:
        picked = [option[k] for option, k in zip(options, chosen, strict=True)]
        text = "".join(label for label, _ in picked)
        return sum(log for _, log in picked) + frequency(text)

    best = max(product(*(range(len(own)) for own in options)), key=score)
    weighed = []
    for i, candidate in enumerate(read):
        if len(options[i]) > 1:
            scores = np.array([score([*best[:i], k, *best[i + 1 :]]) for k in range(len(options[i]))])
            weights = np.exp(scores - scores.max())
            candidate = _with_weights(candidate, [label for label, _ in options[i]], weights / weights.sum())
        weighed.append(candidate)
    return weighed


def _options(candidate: Candidate, possible: float, noise: float) -> list[tuple[str, float]]:
    """What a character may be and the logarithm of its share, the most probable first; "" is nothing."""
    order = np.argsort(-candidate.shares, kind="stable")[:MOST_OPTIONS].tolist()
    likely = [i for i in order if candidate.shares[i] >= possible or i == order[0]]
    options = [(CHARACTERS[i], float(np.log(candidate.shares[i]))) for i in likely]
    if noise and not candidate.label.isdigit():
        options.append(("", float(np.log(max(noise, 1 - candidate.present)))))
    return options


def _with_weights(candidate: Candidate, labels: Sequence[str], weights: Floats) -> Candidate:
    """A candidate whose most probable characters have other shares of what they have together."""
    chosen = [CHARACTERS.index(label) for label in labels if label]
    shares = candidate.shares.copy()
    together = shares[chosen].sum() if all(labels) else 1.0
    shares[chosen] = weights[: len(chosen)] * together
    return replace(candidate, shares=shares)
