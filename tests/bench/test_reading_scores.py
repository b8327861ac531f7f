"""What counts as right, and risk-coverage curves, against cases made by hand."""

import pytest

import reading_scores
from reading_scores import Item, risk_coverage, score
from reading_sets import Set


def of(kind, truth):
    """A set without files."""
    return Set("some", kind, truth)


def pieces(*texts, confidence=0.9, accepted=True):
    """An answer."""
    return [(text, confidence, accepted) for text in texts]


def test_a_line_is_all_its_pieces_and_as_certain_as_the_least_certain():
    answers = [pieces("12.", "5"), pieces("12,5"), [], [("1", 0.9, True), ("2", 0.2, False)]]
    result = score(of("line", ["12.5", "12.5", "1", "12"]), answers)
    assert (result.right, result.n, result.pieces, result.wrong) == (2, 4, 2, [1, 2])
    assert result.items[-1] == Item(0.2, False, True)
    assert len(result.items) == 3  # nothing read is nothing that could be accepted


@pytest.mark.parametrize(
    ("read", "true", "right"),
    [
        (["12", "34"], ["12", "34"], [0, 1]),
        (["34", "12"], ["12", "34"], []),  # all are there: their order counts
        (["12", "56"], ["12", "34", "56"], [0, 1]),  # one was missed: the others count
        (["12", "12", "9"], ["12", "34"], [0]),  # a made-up line twice counts once
    ],
)
def test_lines_of_a_page(read, true, right):
    assert reading_scores.right_lines(read, true) == right


@pytest.mark.parametrize(
    ("read", "true", "right"),
    [
        (["3", "8", "12"], ["3", "8", "12"], [0, 1, 2]),
        (["3", "12"], ["3", "8", "12"], [0, 1]),
        (["3", "7", "8", "12"], ["3", "8", "12"], [0, 2, 3]),
        (["38", "12"], ["3", "8", "12"], [1]),  # two cells as one number
    ],
)
def test_numbers_of_a_grid(read, true, right):
    assert reading_scores.in_order(read, true) == right


def test_a_row_that_was_read_as_one_number_may_be_taken_apart():
    own, answers = of("grid", [["3", "8", "1"]]), [pieces("38", "1")]
    assert score(own, answers).right == 1
    assert score(own, answers, apart=True).right == 3
    assert len(score(own, answers, apart=True).items) == 3


def test_of_nothing_all_that_is_read_is_wrong_and_a_picture_counts_once():
    answers = [[], pieces("7", "1"), pieces("7", accepted=False)]
    result = score(of("nothing", ["", "", ""]), answers)
    assert (result.n, result.right, result.wrong) == (3, 1, [1, 2])
    assert result.record()["accepted"] == result.record()["wrong_accepted"] == 1


def test_risk_grows_where_wrong_ones_are_accepted_and_equal_confidences_go_together():
    items = [Item(0.9, True, True), Item(0.8, True, True), Item(0.8, True, False), Item(0.1, False, True)]
    assert [*risk_coverage(items, 5)] == [(0.2, 0.0), (0.6, pytest.approx(1 / 3)), (0.8, 0.25)]


def test_a_record_says_how_much_is_covered_with_few_wrong():
    answers = [pieces("1", confidence=1 - i / 1000) for i in range(400)]
    told = score(of("line", ["1"] * 200 + ["2"] + ["1"] * 100 + ["2"] * 99), answers).record()
    assert (told["n"], told["right"], told["accepted"], told["wrong_accepted"]) == (400, 300, 400, 100)
    assert 0.75 <= told["covered"] <= 0.76  # 1 wrong of 301 is less than 1%, 4 of 304 are more
