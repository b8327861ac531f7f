"""Pages built from test digits: rows with even gaps are one number each, and no piece of one is accepted."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from measuring.lines import Digits, compose, framed, make_photo, photographed
from measuring.spacing import make_column_sum
from tendigits.data.mnist import load_data
from tendigits.geometry import Box
from tendigits.numbers.detections import Detection
from tendigits.read.accept import without_pieces
from tendigits.read.reader import Reader
from tendigits.read.results import Number

NOWHERE = Box(0, 0, 0, 0)


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


def test_the_edge_of_a_shadow_is_no_ruled_line_that_parts_digits():
    _, (pictures, labels) = load_data()
    rng, digits = np.random.default_rng(10), Digits([*pictures], labels.tolist())
    page, values = [make_column_sum(digits, rng) for _ in range(17)][16]
    assert [number.value for number in Reader(threads=1).read(page).numbers] == values


@pytest.fixture(scope="module")
def photos():
    """Photos of eight numbers on squared paper, in each of which one printed line is long enough to be found."""
    _, (pictures, labels) = load_data()
    rng, digits = np.random.default_rng(6), Digits([*pictures], labels.tolist())
    made = [make_photo(digits, rng) for _ in range(15)]
    return made[12], made[14]


@pytest.mark.parametrize("n", [0, 1])
def test_neither_a_printed_square_nor_a_column_cuts_a_number_with_even_gaps(photos, n):
    page, texts = photos[n]
    assert not [
        each.value for each in Reader(threads=1).read(page).numbers if each.accepted and each.value not in texts
    ]


@pytest.mark.parametrize(
    ("row", "dense", "reason"),
    [
        ([("24/071", False), ("10", True)], False, "may be a part of 24/07/10"),
        ([("24", True), ("1", True), ("07110", True)], False, "may be a part of 24/07/10"),
        ([("14/11", False), ("2020", True)], False, "may be a part of 14/11/2020"),
        ([("14/11", False), ("2020", True)], True, None),
        ([("14", True), ("11", True), ("20", True)], False, None),
        ([("34/171", False), ("10", True)], False, "may be a part of a longer number"),
        ([("319", False), ("100", True)], False, "may be a part of a longer number"),
        ([("319", False), ("100", True)], True, None),
        ([("21", True), ("3", False), ("2024", True)], False, "may be a part of a longer number"),
    ],
)
def test_pieces_of_a_date_or_of_a_number_in_doubt_are_not_accepted(row, dense, reason):
    numbers = [Number(text, None, 0.99, is_sure, None if is_sure else "", NOWHERE, []) for text, is_sure in row]
    for gap, wanted in ((30, reason), (300, None)):
        readings = [SimpleNamespace(detection=Detection((60 + gap) * i, 0, 0, 60, 40, 1)) for i in range(len(row))]
        checked = without_pieces(numbers, readings, range(len(row)) if dense else ())
        assert {each.reason for each in checked if each.reason} == ({wanted} if wanted else set())
        assert all(each.accepted for each in checked) == (wanted is None and all(is_sure for _, is_sure in row))


def test_of_drawn_dates_no_piece_is_accepted():
    """With slashes as steep as a 1, and as far from the digits as people write them on a form."""
    _, (pictures, labels) = load_data()
    rng, digits, reader = np.random.default_rng(9), Digits([*pictures], labels.tolist()), Reader(threads=1)
    for _ in range(40):
        text = f"{rng.integers(1, 32):02}/{rng.integers(1, 13):02}/{rng.integers(10, 31)}"
        pieces = []
        for character in text:
            stroke = cv2.line(np.zeros((80, 24), np.uint8), (20 - int(rng.integers(0, 12)), 6), (6, 74), 255, 5)
            blank = np.zeros((10, int(rng.integers(1, 70))), np.uint8)
            pieces += [blank, stroke, blank] if character == "/" else [digits.draw(rng, int(character))[0]]
        placed = [(each, 0.5 if each.shape[1] == 24 or not each.any() else None) for each in pieces]
        line = framed(compose(placed, rng, touching=0.1), rng)
        accepted = [number.value for number in reader.read(line).numbers if number.accepted]
        assert accepted in ([], [text])
