"""Sums on a page: what is a sum, and whether it agrees, compared with Python's own arithmetic."""

import re
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tendigits.geometry import Box
from tendigits.read.page import Page
from tendigits.read.results import Character, Number
from tendigits.read.sums import calculate, check_sums, find_sums

BOX = Box(0, 0, 90, 40)


def number(text, box=BOX):
    return Number(text, None, 0.99, True, None, box, [])


@given(st.lists(st.integers(0, 999), min_size=1, max_size=4), st.data())
def test_a_calculation_is_that_of_python(values, data):
    operators = [data.draw(st.sampled_from("+-×÷")) for _ in values[1:]]
    text = str(values[0]) + "".join(f"{a}{b}" for a, b in zip(operators, values[1:], strict=True))
    code = re.sub(r"(\d+)", r"Fraction(\1)", text).replace("×", "*").replace("÷", "/")
    try:
        expected = eval(code, {"Fraction": Fraction})
    except ZeroDivisionError:
        expected = None
    assert calculate(text) == expected


@pytest.mark.parametrize(("text", "agrees"), [
    ("3×8-4=20", [True]), ("3×8-4=21", [False]), ("12:4=3", [True]), ("2,50+0,25=2,75", [True]), ("3+4=", []),
    ("=500", []), ("500=", []), ("17/20", []), ("3+x=5", []), ("1÷0=1", []), ("1=1", []), ("", []),
])  # fmt: skip
def test_a_sum_in_one_line(text, agrees):
    page = Page([number(text)], (100, 50))
    assert [each.agrees for each in page.sums] == agrees


def test_numbers_below_each_other():
    def column(*texts):
        return [number(text, Box(200 - 20 * len(text), 50 * i, 200, 50 * i + 40)) for i, text in enumerate(texts)]

    assert [vars(each) for each in Page(column("228", "-132", "096"), (300, 200)).sums] == [
        {"text": "228-132=096", "numbers": [0, 1, 2], "agrees": True}
    ]
    both = [*column("427", "+85", "+8", "521"), number("7", Box(0, 900, 20, 940))]
    assert [(each.text, each.agrees) for each in Page(both, (300, 1000)).sums] == [("427+85+8=521", False)]
    assert Page(column("427", "85", "512"), (300, 200)).sums == []
    assert "427+85=512 agrees" in Page(column("427", "+85", "512"), (300, 200)).text()
    assert Page(column("427", "+85", "512"), (300, 200)).as_dict()["sums"][0]["agrees"] is True


def test_a_sum_that_agrees_confirms_nothing_if_two_other_characters_agree_as_well():
    """97-96=01 is near to 47-46=01, the same pen's 4 twice."""

    def written(text, *others):
        fours = [[("4", 0.3)] if i in others else [] for i in range(len(text))]
        likely = [Character(each, 0.6, four, BOX, None, True) for each, four in zip(text, fours, strict=True)]
        return replace(number(text), characters=likely, accepted=False, reason="is not clear enough")

    both, one = check_sums([written("97-96=01", 0, 3), written("97-96=01", 0)])
    assert (both.accepted, one.accepted) == (False, True)


def test_columns_of_a_table_are_no_sums_but_those_of_a_worksheet_are():
    texts = "228", "-132", "096", "7", "-5", "18"
    numbers = [number(text, Box(200 - 20 * len(text), 50 * i, 200, 50 * i + 40)) for i, text in enumerate(texts)]
    assert [each.text for each in find_sums(numbers)] == ["228-132=096", "7-5=18"]
    assert [each.text for each in find_sums(numbers, [range(6)])] == ["228-132=096", "7-5=18"]
    more = [*numbers, number("3", Box(400, 0, 420, 40)), number("4", Box(400, 50, 420, 90))]
    assert find_sums(more, [range(8)]) == []


def test_a_sum_that_agrees_is_accepted_and_one_that_does_not_is_doubtful():
    texts = "12", "3+4=7", "3+4=8"
    doubtful = [replace(number(text), accepted=False, reason="is not clear enough") for text in texts]
    for numbers in (doubtful, [*map(number, texts)]):
        unchanged, agrees, does_not = check_sums(numbers)
        assert unchanged == numbers[0]
        assert (agrees.accepted, agrees.reason) == (True, None)
        assert (does_not.accepted, does_not.reason) == (False, "3+4=8 does not agree")


def test_another_digit_that_makes_a_sum_agree_is_taken_and_to_be_checked():
    def written(text, **others):
        return [Character(each, 0.9, others.get(f"at_{i}", []), BOX, None, True) for i, each in enumerate(text)]

    one, two = written("3+4=8", at_4=[("7", 0.1), ("6", 0.1)]), written("3+4=8", at_0=[("4", 0.1)], at_4=[("7", 0.1)])
    right = replace(number("5"), options=[("6", 0.2)])
    taken, unclear, alone = check_sums([replace(number("3+4=8"), characters=each) for each in (one, two)] + [right])
    assert (taken.text, taken.accepted, taken.options) == ("3+4=7", False, [("3+4=8", 0.99)])
    assert taken.reason == "looks like 3+4=8, with which the sum does not agree"
    assert (unclear.text, unclear.accepted) == ("3+4=8", False), "either digit may be wrong"
    assert alone == right
    (unexpected,) = check_sums([replace(number("3+4=8"), characters=one, fits=False)])
    assert unexpected.text == "3+4=8", "what a person expects decides"
