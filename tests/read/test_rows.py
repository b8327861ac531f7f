"""Pages built from test digits: rows with even gaps are one number each, and no piece of one is accepted."""

import cv2
import numpy as np
import pytest

from measuring.lines import Digits, photographed
from tendigits.data.mnist import load_data
from tendigits.read.reader import Reader


def write_rows(rng, gap: float, digits: Digits) -> tuple[np.ndarray, list[str]]:
    """Ten numbers of eight digits below each other, with gaps of about so many heights of a digit."""
    page, texts = np.zeros((1200, 1700), np.float32), []
    for row in range(10):
        texts.append("".join(map(str, rng.integers(0, 10, 8))))
        x = 60 + int(rng.integers(0, 40))
        for label in texts[-1]:
            ink = cv2.resize(np.float32(1 / 255) * digits.draw(rng, int(label))[0], None, fx=0.9, fy=0.9)
            y = 60 + 110 * row + int(rng.normal(0, 3))
            place = page[y : y + ink.shape[0], x : x + ink.shape[1]]
            np.maximum(place, ink, out=place)
            x += ink.shape[1] + int(54 * gap * max(0.2, 1 + rng.normal(0, 0.1)))
    return photographed(page, rng), texts


@pytest.mark.parametrize(("gap", "least"), [(0.8, 8), (1.4, 5)])
def test_numbers_of_eight_digits_with_even_gaps_are_no_table_of_pieces(gap, least):
    _, (pictures, labels) = load_data()
    page, texts = write_rows(np.random.default_rng(2), gap, Digits([*pictures], labels.tolist()))
    numbers = Reader(threads=1).read(page).numbers
    assert len({number.value for number in numbers} & {*texts}) >= least
    assert not [number.value for number in numbers if number.accepted and number.value not in texts]
