import json
from dataclasses import replace

import numpy as np

from tendigits.read.results import COLUMNS, Digit, Line, Page
from tendigits.read.segment import Box

SHARES = np.array([0.02, 0.7, 0, 0, 0, 0, 0, 0.28, 0, 0], np.float32)


def digit(accepted=True, reason=None):
    return Digit(1, SHARES, 0.5, Box(1, 2, 3, 4), np.zeros((28, 28), np.uint8), accepted, reason)


def page(*digits):
    line = Line("0" + "1" * len(digits), 0.25, all(d.accepted for d in digits), Box(1, 2, 30, 40), list(digits))
    return Page([line], (100, 200))


def test_confidence_and_runners_up():
    assert digit().confidence == np.float32(0.7) * 0.5
    assert [label for label, _ in digit().runners_up()] == [7, 0]


def test_as_text_doubtful_digits_are_marked():
    assert page(digit()).text() == "01"
    assert page(digit(), digit(False, "may be 1 or 7")).text() == "011    <- digit 2: may be 1 or 7"
    beside = replace(page(digit()).lines[0], accepted=False, unread=("behind",))
    assert Page([beside], (100, 200)).text() == "01    <- something behind it could not be read"
    assert digit().text() == "1  35.0%  (7 28.0%, 0 2.0%)"
    assert digit(False, "not a digit").text().endswith("<- not a digit")


def test_json_and_csv():
    made = page(digit())
    assert json.loads(json.dumps(made.as_dict()))["lines"][0]["digits"][0]["label"] == 1
    (row,) = made.rows("a.png")
    assert dict(zip(COLUMNS, row, strict=True)) == {
        "path": "a.png", "line": 1, "value": "01", "confidence": "0.2500", "accepted": "yes", "reason": "",
        "left": 1, "top": 2, "right": 30, "bottom": 40,
    }  # fmt: skip
    (row,) = page(digit(False, "may be 1 or 7")).rows("a.png")
    assert row[4:6] == ("no", "digit 1: may be 1 or 7")
