"""Combine several views of a number: overlapping boxes are one character, whose probabilities are averaged.

accepted, rejected = vote(views)        # boxes in pixels of the first view's strip
accepted = apply_prior(accepted)        # not `3/-3` where `31-3` is almost as probable
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import compress, product
from operator import not_

import numpy as np

from tendigits.digits.runtime import Floats
from tendigits.numbers.decode import CHARACTERS, HEIGHT, Candidate, Edges, centre, pairwise_iou
from tendigits.numbers.grammar import is_usual
from tendigits.numbers.options import DEFAULT_OPTIONS, NumberOptions
from tendigits.numbers.strips import Strip


@dataclass(frozen=True, eq=False)
class View:
    """A strip, and what the number network predicts for it."""

    strip: Strip
    peaks: list[Candidate]
    borders: list[Edges] = field(default_factory=list)  # cell borders, in pixels of the strip


def vote(views: Sequence[View], options: NumberOptions = DEFAULT_OPTIONS) -> tuple[list[Candidate], list[Candidate]]:
    """Combine the views of a number; a view does not vote on what lies outside its strip.

    Returns the characters that most of the evidence supports, or at least some if nothing else is read in their place,
    and the others, both from left to right.
    """
    first = views[0].strip
    spans = [view.strip.in_strip((0, 0, view.strip.picture.shape[1], HEIGHT), first)[::2] for view in views]
    peaks = sorted(((n, peak) for n, view in enumerate(views) for peak in view.peaks), key=lambda e: -e[1].confidence)
    boxes = [views[n].strip.in_strip(peak.box, first) for n, peak in peaks]
    same = pairwise_iou(np.array(boxes).reshape(-1, 4)) >= options.max_overlap
    candidates, remaining = [], [*range(len(peaks))]
    while remaining:
        best, *others = remaining
        group = {peaks[best][0]: best}  # at most one peak of each view
        for i in others:
            if same[best, i]:
                group.setdefault(peaks[i][0], i)
        remaining = [i for i in others if i not in group.values()]
        n_views = len(group.keys() | {n for n, (start, end) in enumerate(spans) if start <= centre(boxes[best]) <= end})
        mean = sum(peaks[i][1].probabilities for i in group.values()) / n_views
        candidates.append(Candidate(np.asarray(mean, np.float32), boxes[best]))
    candidates.sort(key=lambda each: centre(each.box))
    certain = [each for each in candidates if each.present >= options.min_vote]
    is_read = [each.present >= options.min_vote or _is_alone(each, certain, options) for each in candidates]
    return [*compress(candidates, is_read)], [*compress(candidates, map(not_, is_read))]


def _is_alone(candidate: Candidate, accepted: Sequence[Candidate], options: NumberOptions) -> bool:
    """Whether it is probably not there, but a digit if it is, and others of its number stand elsewhere."""
    left, _, right, _ = candidate.box
    overlaps = (min(right, each.box[2]) - max(left, each.box[0]) for each in accepted)
    is_free = bool(accepted) and max(overlaps) < options.max_lone_overlap * (right - left)
    return options.min_lone_vote <= candidate.present < options.min_vote and candidate.label.isdigit() and is_free


def apply_prior(candidates: Sequence[Candidate], options: NumberOptions = DEFAULT_OPTIONS) -> list[Candidate]:
    """Reweigh the characters of a number with a prior that prefers usual forms."""
    return reweigh(candidates, lambda text: 0.0 if is_usual(text) else options.unusual_log_prior, options)


def reweigh(
    candidates: Sequence[Candidate],
    log_prior: Callable[[str], float],
    options: NumberOptions = DEFAULT_OPTIONS,
    min_noise: float = 0.0,
) -> list[Candidate]:
    """Reweigh the characters of a number with a prior over whole texts: log probabilities, at most 0.

    `min_noise` is a lower bound for the probability that a sign is noise; 0 never removes one.
    """
    choices = [_choices(each, options, min_noise) for each in candidates]
    doubtful = sorted((i for i, own in enumerate(choices) if len(own) > 1), key=lambda i: candidates[i].confidence)
    for i in doubtful[options.max_doubtful_characters :]:
        choices[i] = choices[i][:1]

    def score(picks: Sequence[int]) -> float:
        picked = [choice[k] for choice, k in zip(choices, picks, strict=True)]
        text = "".join(label for label, _ in picked)
        return sum(log for _, log in picked) + log_prior(text)

    best: Sequence[int] = [0] * len(choices)
    best_score = score(best)
    all_picks = product(*(range(len(own)) for own in choices))
    all_logs = product(*([log for _, log in own] for own in choices))
    for picks, logs in zip(all_picks, all_logs, strict=True):
        # The prior costs most, and only lowers a score.
        if sum(logs) > best_score and (new_score := score(picks)) > best_score:
            best, best_score = picks, new_score
    reweighed = []
    for i, candidate in enumerate(candidates):
        if len(choices[i]) > 1:
            scores = np.array([score([*best[:i], k, *best[i + 1 :]]) for k in range(len(choices[i]))])
            weights = np.exp(scores - scores.max())
            candidate = _with_weights(candidate, [label for label, _ in choices[i]], weights / weights.sum())
        reweighed.append(candidate)
    return reweighed


def _choices(candidate: Candidate, options: NumberOptions, min_noise: float) -> list[tuple[str, float]]:
    """What a character may be, with log probabilities, the most probable first; "" is noise."""
    probabilities = candidate.probabilities
    order = np.argsort(-probabilities, kind="stable")[: options.max_alternatives].tolist()
    likely = [i for i in order if probabilities[i] >= options.min_alternative or i == order[0]]
    choices = [(CHARACTERS[i], float(np.log(probabilities[i]))) for i in likely]
    if min_noise and not candidate.label.isdigit():
        choices.append(("", float(np.log(max(min_noise, 1 - candidate.present)))))
    return choices


def _with_weights(candidate: Candidate, labels: Sequence[str], weights: Floats) -> Candidate:
    """Redistribute the probability of these labels by the weights; with "" among them, all probability."""
    chosen = [CHARACTERS.index(label) for label in labels if label]
    probabilities = candidate.probabilities.copy()
    total = probabilities[chosen].sum() if all(labels) else 1.0
    probabilities[chosen] = weights[: len(chosen)] * total
    return replace(candidate, probabilities=probabilities)
