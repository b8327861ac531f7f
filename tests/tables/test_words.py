"""Words next to numbers, above them and elsewhere, on drawn pages of which only the detections are known."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from tendigits.geometry import Box
from tendigits.numbers.detections import Detection
from tendigits.read.accept import table_of
from tendigits.read.results import Number
from tendigits.tables.flat_sheet import flatten
from tendigits.tables.layout import find_layouts

NAMES = ["Anna", "Peter", "Sophie", "Bo", "Lukas", "Clara"]
LEFTS, TOPS, HEIGHT = (60, 320, 520, 700), tuple(range(120, 120 + 60 * 6, 60)), 30


def page(write, lines=False, headers=True):
    """Numbers in two columns, names before them, headers above; `write` adds what else is there."""
    grey = np.full((620, 900), 235, np.uint8)
    detections = []

    def word(text, x, y, size=1.0):
        cv2.putText(grey, text, (x, y), cv2.FONT_HERSHEY_SCRIPT_SIMPLEX, size, 60, 2, cv2.LINE_AA)

    def number(text, x, y):
        cv2.putText(grey, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 1.2, 60, 3, cv2.LINE_AA)
        detections.append(Detection(x + 13 * len(text), y - 13, 0.0, 26 * len(text), HEIGHT, 1.0))

    for name, y in zip(NAMES, TOPS, strict=True):
        word(name, LEFTS[0], y)
        number("12", LEFTS[1], y)
        number("305", LEFTS[2], y)
    for header, x in zip(("Name", "Task  long", "Sum"), LEFTS, strict=False) if headers else ():
        word(header, x, TOPS[0] - 55, 0.8)
    write(word, number)
    for y in (*TOPS, TOPS[-1] + 60) if lines else ():
        cv2.line(grey, (40, y - 42), (680, y - 39), 150, 1)
    return grey, detections


@pytest.mark.parametrize("lines", [False, True])
def test_names_are_a_column_and_headers_are_a_row(lines):
    (layout,) = find_layouts(flatten(*page(lambda word, number: None, lines)))
    assert layout.shape == (7, 3)
    assert set(layout.cells) == {(row, column) for row in range(1, 7) for column in (1, 2)}
    assert {*layout.words} >= {(row, 0) for row in range(7)} | {(0, 1), (0, 2)}


def test_headers_that_the_upper_edge_cuts_are_no_row():
    grey, detections = page(lambda word, number: None)
    top = TOPS[0] - 70  # through the middle of the headers
    (layout,) = find_layouts(flatten(grey[top:], [replace(each, y=each.y - top) for each in detections]))
    assert layout.shape == (6, 3)


def test_titles_and_text_below_are_not_rows():
    def write(word, number):
        word("Marks of class seven", 150, 25)
        word("signed", 100, 560)

    (layout,) = find_layouts(flatten(*page(write)))
    assert layout.shape == (7, 3)


def test_a_word_in_a_column_of_numbers_is_unread():
    (layout,) = find_layouts(flatten(*page(lambda word, number: [number("7", 820, y) for y in TOPS[1:]])))
    assert (layout.shape, layout.unread) == ((7, 4), set())
    (layout,) = find_layouts(
        flatten(*page(lambda word, number: [word("ill", 800, TOPS[0]), *(number("7", 820, y) for y in TOPS[1:])]))
    )
    assert (layout.shape, layout.unread) == ((7, 4), {(1, 3)})


def test_words_and_lost_digits_are_cells_of_the_table():
    grey, detections = page(lambda word, number: [number("7", 820, y) for y in TOPS[2:]])
    (layout,) = find_layouts(flatten(grey, detections))
    indices = range(len(detections))
    numbers = [Number(f"{i}", None, 1.0, True, None, Box(0, 0, 9, 9), [], [], grey[:40, :40]) for i in indices]
    rows = table_of(
        layout,
        numbers,
        [Detection(830, TOPS[1] - 15, 0.0, 20, HEIGHT, 0.0)],
        grey,
        lambda edges: Box(*map(round, edges)),
    ).rows
    assert {cell for cell in np.ndindex(layout.shape) if rows[cell[0]][cell[1]].is_word} >= {
        (row, 0) for row in range(1, 7)
    }
    assert [cell for cell in np.ndindex(layout.shape) if rows[cell[0]][cell[1]].is_unread] == [(2, 3)]
    picture = rows[1][0].picture  # of "Anna", whose strokes are not cut off
    assert picture.shape[0] == 40
    assert picture.min() < 120 < picture[[0, -1]].min()


def test_a_number_is_not_a_word_but_a_word_read_in_part_as_a_number_is():
    sheet = flatten(*page(lambda word, number: None, headers=False))
    assert len(sheet.centres) - sheet.n_numbers == len(NAMES)
    # The first letter of each name is taken for a number: of all but Bo, most strokes are left.
    grey, detections = page(lambda word, number: [number("", LEFTS[0] + 13, y) for y in TOPS], headers=False)
    sheet = flatten(grey, [Detection(p.x, p.y, 0.0, max(p.length, 22), p.height, 1.0) for p in detections])
    assert len(sheet.centres) - sheet.n_numbers == len(NAMES) - 1
