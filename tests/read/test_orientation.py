"""A page is turned if its numbers are clearer then; it is detected again, on its side, only if it may lie so."""

import numpy as np
import pytest

from tendigits.numbers.crops import Budget
from tendigits.numbers.detections import Detection
from tendigits.numbers.reader import NumberReader
from tendigits.read import orientation
from tendigits.read.reader import Reader

NUMBERS = [Detection(100.0, y, 0.0, 60.0, 20.0, 1.0) for y in (50.0, 100.0, 150.0)]
PAGE = np.full((300, 300), 255, np.uint8)


@pytest.mark.parametrize(
    ("clearness", "turns", "n_detected"),
    [
        ([0.97], 0, 0),  # so clear that it is upright
        ([0.89, 0.78], 0, 0),  # handwriting, which is far less clear upside down
        ([0.79, 0.98], 2, 0),
        ([0.91, 0.85, 0.79, 0.98], 3, 1),  # clear, but as much so upside down
        ([0.64, 0.76, 0.92, 0.7], 1, 1),
        ([0.0, 0.96, 0.8], 1, 1),  # nothing to be seen as it lies, nor upside down
        ([0.82, 0.6, 0.84, 0.7], 0, 1),  # clear in no direction
    ],
)
def test_a_page_is_turned_to_where_its_numbers_are_clear(clearness, turns, n_detected, monkeypatch):
    in_turn, detected = iter(clearness), []
    monkeypatch.setattr(orientation, "_clearness", lambda *_: next(in_turn))
    monkeypatch.setattr(NumberReader, "detect", lambda self, grey, budget: detected.append(grey) or NUMBERS)
    reader = Reader().number_reader
    assert orientation.turns_of(reader, NUMBERS, reader.crops(PAGE), Budget()) == turns
    assert len(detected) == n_detected
    assert not [*in_turn], "each way up was looked at"
