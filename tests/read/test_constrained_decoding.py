"""Numbers are read as what is expected of them, if the evidence is near; else they are in doubt."""

import numpy as np
import pytest

from drawing import printed_table
from tendigits.numbers.decode import CHARACTERS, Candidate
from tendigits.numbers.detections import Detection
from tendigits.numbers.grammar import DecimalSeparator
from tendigits.numbers.reading import Reading
from tendigits.numbers.strips import Strip
from tendigits.read.constrained_decoding import decode_expected
from tendigits.read.expectations import parse
from tendigits.read.reader import Reader

ROSTER = "40275|40312|41999|57113"
DOUBTFUL = {"4": 0.6, "9": 0.3}


def reading(*seen, rejected=()):
    """A number of which each character was seen as these, with their probabilities; a string is certain."""

    def candidate(left, labels):
        labels = {labels: 0.9999} if isinstance(labels, str) else labels
        probabilities = np.zeros(len(CHARACTERS), np.float32)
        probabilities[[CHARACTERS.index(label) for label in labels]] = [*labels.values()]
        return Candidate(probabilities, (left, 5.0, left + 16.0, 31.0))

    characters = [candidate(20.0 * i, labels) for i, labels in enumerate(seen)]
    strip = Strip(np.zeros((40, 200), np.uint8), np.eye(2, 3), (0.0, 200.0))
    return Reading(
        Detection(0, 0, 0, 1, 1, 1), strip, characters, [candidate(*each) for each in rejected], 0.0, "",
    )  # fmt: skip


def read(expect, *seen, confidence=0.5, **others):
    found = decode_expected(reading(*seen, **others), parse(expect).everywhere, confidence, DecimalSeparator.AUTO)
    return found.reading.text, found.confidence


@pytest.mark.parametrize(
    ("expect", "seen", "text"),
    [
        ("date", "25111125", "25/11/25"),
        ("date", "12102126", "12/02/26"),
        (r"\d{2}/\d{2}/\d{4}", "0910112024", "09/01/2024"),
        ("0..20", "(5", "15"),
        (r"\d{4}", "4/52", "4152"),
    ],
)
def test_a_tall_stroke_may_be_a_sign_and_a_sign_a_1(expect, seen, text):
    assert read(expect, *seen)[0] == text
    assert read("0..99999999", "1", "1")[0] == "11"


@pytest.mark.parametrize(
    ("seen", "rejected"),
    [
        ((DOUBTFUL, "0", "2", "7", "5"), ()),
        (("4", "0", {"7": 0.6, "2": 0.3}, "7", "5"), ()),
        (("4", "0", "2", {".": 0.7}, "7", "5"), ()),
        (("4", "0", "7", "5"), [(25.0, {"2": 0.4})]),
        (("4", "0", "7", "5"), ()),
        (("4", "0", "2", "7", {"-": 0.5, "5": 0.4}), ()),
    ],
    ids=["doubtful", "wrong", "speck", "rejected", "missing", "closing"],
)
def test_a_value_of_a_list_is_read(seen, rejected):
    text, confidence = read(ROSTER, *seen, rejected=rejected)
    assert text == "40275"
    assert confidence > 0.5, "more than without the list"


@pytest.mark.parametrize(
    ("expect", "seen", "text"),
    [
        ("date", ("1", "2", {"1": 0.6, "/": 0.35}, "0", "5"), "12/05"),
        ("0..20", ({"7": 0.6, "1": 0.35}, "7"), "17"),
        ("decimal(1)", ("1", "2", {"1": 0.6, ".": 0.35}, "5"), "12.5"),
        ("luhn", ("7", "9", "9", "2", "7", "3", "9", "8", "7", {"7": 0.6, "1": 0.35}, "3"), "79927398713"),
    ],
)
def test_the_most_probable_text_that_fits_is_read(expect, seen, text):
    found, confidence = read(expect, *seen)
    assert found == text
    assert confidence > 0.8


def test_what_is_clear_and_does_not_fit_stays_as_it_is():
    """It is one digit away from a value of the list, or far from all."""
    assert read(ROSTER, *"40276", confidence=0.99) == ("40276", 0.0)
    assert read(ROSTER, *"88888") == ("88888", 0.0)
    assert read("0..20", *"77", confidence=0.99) == ("77", 0.0)


def test_two_values_that_are_as_probable_are_in_doubt():
    text, confidence = read("17|11", "1", {"7": 0.48, "1": 0.47})
    assert text == "17"
    assert confidence < 0.7


def test_the_characters_are_those_of_the_value():
    found = decode_expected(
        reading("4", {"8": 0.6, "0": 0.3}, "7", "5", rejected=[(-15.0, {"1": 0.2}), (30.0, {"2": 0.2})]),
        parse(ROSTER).everywhere, 0.5, DecimalSeparator.AUTO,
    ).reading  # fmt: skip
    assert found.text == "40275"
    lefts = [each.box[0] for each in found.characters]
    assert lefts == sorted(lefts)


@pytest.fixture(scope="module")
def reader():
    return Reader(threads=1)


def test_the_columns_of_a_table_and_other_numbers(reader):
    picture = printed_table([("40275", "3", "44"), ("40312", "4", "18"), ("41999", "5", "29"), ("57113", "9", "40")])
    page = reader.read(picture, expect=f"A: {ROSTER}, B: 0..5, D: date")
    assert page.notice == "There is nothing in column D, of which something is expected."
    (table,) = page.tables
    assert [cell.value for cell in table.rows[3]] == ["57113", "9", "40"]
    assert [cell.accepted for cell in table.rows[3]] == [True, False, True]
    assert [cell.fits for cell in table.rows[3]] == [True, False, True]
    assert table.rows[3][1].reason.startswith("expected 0..5")
    everywhere = reader.read(picture, expect=f"0..60, A: {ROSTER}, B: integer")
    assert all(number.accepted for number in everywhere.numbers)


def test_a_sum_that_agrees_confirms_nothing_that_is_not_expected(reader):
    rows = [(n, 10 * n, 11 * n) for n in range(3, 9)]
    table = reader.read(printed_table(rows), expect="A: 0..7", sums="last-column").table()
    assert table.agreement == "totals agree in 6 of 6 rows (C = sum A-B)"
    assert table.doubtful == ["A6"]
