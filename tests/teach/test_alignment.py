"""Forced alignment: the corrected text of a strip lies on its characters, even if the network reads another text."""

import numpy as np
import pytest

from tendigits.numbers.decode import CLASSES, NONE
from tendigits.teach.number_targets import align


def output_of(peaks, positions=60):
    """The output of a network that is certain of some characters: {position: character}."""
    output = np.zeros((positions, NONE + 5), np.float32)
    output[:, NONE] = 12
    for position, label in peaks.items():
        output[position, NONE], output[position, CLASSES.index(label)] = 0, 12
    output[:, NONE + 1 :] = 0.25
    return output


def middles(boxes):
    return boxes[:, [0, 2]].mean(axis=1).tolist()


@pytest.mark.parametrize(
    ("text", "positions"),
    [
        ("135", [10, 25, 40]),  # as read
        ("735", [10, 25, 40]),  # another digit
        ("15", [10, 40]),  # one digit too many was read
        ("", []),
    ],
)
def test_a_text_takes_the_positions_of_the_characters_that_were_read(text, positions):
    boxes = align(output_of({10: "1", 25: "3", 40: "5"}), text, 0, 120)
    assert middles(boxes) == [2 * (position + 0.5) for position in positions]


def test_neighbours_beyond_the_ends_may_be_left_out():
    output = output_of({3: "8", 25: "3", 40: "5", 57: "9"})
    assert middles(align(output, "35", 20, 100)) == [51, 81]
    assert middles(align(output, "835", 20, 100)) == [7, 51, 81], "a digit that the finder had cut off"


def test_the_positions_are_those_that_an_exhaustive_search_finds():
    rng = np.random.default_rng(0)
    for _ in range(20):
        output = rng.normal(0, 3, (14, NONE + 5)).astype(np.float32)
        output[:, NONE] += 5
        output[:, NONE + 1 :] = 0.1
        probabilities = np.exp(output[:, : NONE + 1])
        probabilities /= probabilities.sum(axis=1, keepdims=True)
        probabilities[:, :NONE] = 0.99 * probabilities[:, :NONE] + 0.01 * (1 - probabilities[:, NONE:])
        logs = np.maximum(np.log(probabilities), -12)

        def score(one, two, logs=logs):
            free = {*range(one - 2, one + 3), *range(two - 2, two + 3)}
            empty = sum(logs[position, NONE] for position in range(14) if position not in free)
            return logs[one, 3] + logs[two, 7] + empty

        best = max((score(one, two), one, two) for one in range(14) for two in range(one + 3, 14))
        assert middles(align(output, "37", 0, 28)) == [2 * (position + 0.5) for position in best[1:]]


def test_a_strip_that_is_too_narrow_for_the_text():
    assert align(output_of({}, positions=12), "12345", 0, 24) is None
    assert len(align(output_of({}, positions=12), "1234", 0, 24)) == 4
