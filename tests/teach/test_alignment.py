"""Forced alignment: the true text of a strip lies on its characters, also where the network reads another."""

import numpy as np
import pytest

from helpers import strip_of
from tendigits.numbers.decode import CLASSES, NONE, decode, strip_text
from tendigits.numbers.network import bundled
from tendigits.numbers.strips import inner_columns
from tendigits.teach.alignment import align


def output_of(peaks, places=60):
    """What a network says that is certain: {place: character}, nothing elsewhere."""
    output = np.zeros((places, NONE + 5), np.float32)
    output[:, NONE] = 12
    for place, label in peaks.items():
        output[place, NONE], output[place, CLASSES.index(label)] = 0, 12
    output[:, NONE + 1 :] = 0.25
    return output


def middles(boxes):
    return ((boxes[:, 0] + boxes[:, 2]) / 2).tolist()


def test_the_right_text_lies_where_the_network_reads_it():
    strip = strip_of("42.99")
    (output,) = bundled(1)([strip])
    assert strip_text(output, *inner_columns(strip)) == "42.99"
    boxes = align(output, "42.99", *inner_columns(strip))
    expected = [peak.box for peak in decode(output)[0]]
    np.testing.assert_allclose(boxes, expected, atol=2)


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("135", [10, 25, 40]),  # as read
        ("735", [10, 25, 40]),  # another digit at a place
        ("15", [10, 40]),  # one too many was read
        ("", []),
    ],
)
def test_a_text_takes_the_places_of_what_was_read(text, places):
    boxes = align(output_of({10: "1", 25: "3", 40: "5"}), text, 0, 120)
    assert middles(boxes) == [2 * (place + 0.5) for place in places]


def test_a_character_that_was_missed_stands_where_it_is_most_probable():
    output = output_of({10: "1", 40: "5"})
    output[25, CLASSES.index("3")] = 9  # a twentieth
    assert middles(align(output, "135", 0, 120)) == [21, 51, 81]


def test_neighbours_beyond_the_ends_need_not_be_in_the_text():
    output = output_of({3: "8", 25: "3", 40: "5", 57: "9"})
    assert middles(align(output, "35", 20, 100)) == [51, 81]
    assert middles(align(output, "835", 20, 100)) == [7, 51, 81], "what the finder had cut off"


def test_the_best_places_are_found_as_by_trying_all():
    rng = np.random.default_rng(0)
    for _ in range(20):
        output = rng.normal(0, 3, (14, NONE + 5)).astype(np.float32)
        output[:, NONE] += 5
        output[:, NONE + 1 :] = 0.1
        shares = np.exp(output[:, : NONE + 1])
        shares /= shares.sum(axis=1, keepdims=True)
        shares[:, :NONE] = 0.99 * shares[:, :NONE] + 0.01 * (1 - shares[:, NONE:])
        shares = np.maximum(np.log(shares), -12)

        def score(one, two, shares=shares):
            free = {*range(one - 2, one + 3), *range(two - 2, two + 3)}
            absent = sum(shares[place, NONE] for place in range(14) if place not in free)
            return shares[one, 3] + shares[two, 7] + absent

        best = max((score(one, two), one, two) for one in range(14) for two in range(one + 3, 14))
        assert middles(align(output, "37", 0, 28)) == [2 * (place + 0.5) for place in best[1:]]


def test_a_text_without_room_has_no_place():
    assert align(output_of({}, places=12), "12345", 0, 24) is None
    assert len(align(output_of({}, places=12), "1234", 0, 24)) == 4
