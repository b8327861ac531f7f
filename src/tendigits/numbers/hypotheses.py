"""What else a number may be: its characters reweighed by a prior over whole texts.

characters = reweigh(characters, log_prior)     # not `3/-3` where `31-3` is almost as probable
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product

import numpy as np

from tendigits.digits.runtime import Floats
from tendigits.numbers.decode import CHARACTERS, Candidate

MIN_ALTERNATIVE = 0.005  # probability from which a character may be another one
MAX_DOUBTFUL_CHARACTERS = 5  # characters of a number whose alternatives are weighed, the least certain ones
MAX_ALTERNATIVES = 3  # alternatives of each of them


def reweigh(
    candidates: Sequence[Candidate],
    log_prior: Callable[[str], float],
    min_read: float = 0.0,
    min_noise: float = 0.0,
) -> list[Candidate]:
    """Reweigh the characters of a number with a prior over whole texts: log probabilities, at most 0.

    Args:
        candidates: from left to right.
        log_prior: of a text.
        min_read: probability below which a candidate is noise at first; 0 keeps all of them.
        min_noise: lower bound for the probability that a sign is noise.
    """
    choices = [_choices(each, min_read, min_noise) for each in candidates]
    if all(len(own) == 1 for own in choices):
        return [*candidates]
    doubtful = sorted((i for i, own in enumerate(choices) if len(own) > 1), key=lambda i: candidates[i].confidence)
    for i in doubtful[MAX_DOUBTFUL_CHARACTERS:]:
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


def _choices(candidate: Candidate, min_read: float, min_noise: float) -> list[tuple[str, float]]:
    """What a character may be, with log probabilities, as it was read first; "" is noise."""
    probabilities = candidate.probabilities
    if candidate.label.isdigit() and candidate.confidence > 1 - MIN_ALTERNATIVE:
        return [(candidate.label, float(np.log(candidate.confidence)))]
    order = np.argsort(-probabilities, kind="stable")[:MAX_ALTERNATIVES].tolist()
    likely = [i for i in order if probabilities[i] >= MIN_ALTERNATIVE or i == order[0]]
    choices = [(CHARACTERS[i], float(np.log(probabilities[i]))) for i in likely]
    noise = max(1 - candidate.present, 0.0 if candidate.label.isdigit() else min_noise)
    if min_read and noise >= MIN_ALTERNATIVE:
        choices.insert(0 if candidate.present < min_read else len(choices), ("", float(np.log(noise))))
    return choices


def _with_weights(candidate: Candidate, labels: Sequence[str], weights: Floats) -> Candidate:
    """Redistribute the probability of these labels by the weights; with "" among them, all probability."""
    chosen = [CHARACTERS.index(label) for label in labels if label]
    probabilities = candidate.probabilities.copy()
    total = probabilities[chosen].sum() if all(labels) else 1.0
    probabilities[chosen] = weights[[bool(label) for label in labels]] * total
    return replace(candidate, probabilities=probabilities)
