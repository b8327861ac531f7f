"""What counts as right, and risk-coverage curves, against cases made by hand; tables that others read."""

import pytest
from read_common import Found, table_of

import table_reading
from reading_scores import Item, risk_coverage, score
from reading_sets import Set
from table_peers import Tables, scored


def of(kind, truth):
    """A set without files."""
    return Set("some", kind, truth)


def pieces(*texts, confidence=0.9, accepted=True):
    """An answer."""
    return [(text, confidence, accepted) for text in texts]


@pytest.mark.parametrize(
    ("kind", "true", "read", "right"),
    [
        ("line", "12.5", ["12.", "5"], 1),
        ("line", "12.5", ["12,5"], 0),
        ("line", "1", [], 0),
        ("page", ["12", "34"], ["12", "34"], 2),
        ("page", ["12", "34"], ["34", "12"], 0),  # all are there: their order counts
        ("page", ["12", "34", "56"], ["12", "56"], 2),  # one was missed: the others count
        ("page", ["12", "34"], ["12", "12", "9"], 1),  # a made-up line twice counts once
        ("grid", ["3", "8", "12"], ["3", "12"], 2),
        ("grid", ["3", "8", "12"], ["3", "7", "8", "12"], 3),
        ("grid", ["3", "8", "12"], ["38", "12"], 1),  # two cells as one number
        ("nothing", "", [], 1),
        ("nothing", "", ["7", "1"], 0),
    ],
)
def test_what_is_right(kind, true, read, right):
    result = score(of(kind, [true]), [pieces(*read)])
    assert result.right == right
    assert result.wrong == [0] * (right < result.n)


def test_a_line_is_as_certain_as_its_least_certain_piece():
    result = score(of("line", ["12", "1"]), [[("1", 0.9, True), ("2", 0.2, False)], []])
    assert result.items == [Item(0.2, False, True)]  # nothing read is nothing that could be accepted
    assert result.pieces == 1


def test_a_row_that_was_read_as_one_number_may_be_taken_apart():
    own, answers = of("grid", [["3", "8", "1"]]), [pieces("38", "1")]
    assert score(own, answers).right == 1
    assert score(own, answers, apart=True).right == 3
    assert len(score(own, answers, apart=True).items) == 3


def test_a_picture_of_nothing_counts_once():
    record = score(of("nothing", ["", ""]), [pieces("7", "1"), pieces("7", accepted=False)]).record()
    assert (record["n"], record["accepted"], record["wrong_accepted"]) == (2, 1, 1)


def test_digits_that_were_neither_read_nor_reported_are_lost():
    answers = [[("12", 0.9, True), (None, 0.0, False)], pieces("1"), pieces("123")]
    result = score(of("line", ["123", "123", "12"]), answers)
    assert (result.digits, result.lost, result.right) == (8, 2, 0)


def test_risk_grows_where_wrong_ones_are_accepted_and_equal_confidences_go_together():
    items = [Item(0.9, True, True), Item(0.8, True, True), Item(0.8, True, False), Item(0.1, False, True)]
    assert [*risk_coverage(items, 5)] == [(0.2, 0.0), (0.6, pytest.approx(1 / 3)), (0.8, 0.25)]


def test_a_record_says_how_much_is_covered_with_few_wrong():
    answers = [pieces("1", confidence=1 - i / 1000) for i in range(400)]
    record = score(of("line", ["1"] * 200 + ["2"] + ["1"] * 100 + ["2"] * 99), answers).record()
    assert (record["n"], record["right"], record["accepted"], record["wrong_accepted"]) == (400, 300, 400, 100)
    assert 0.75 <= record["covered"] <= 0.76  # 1 wrong of 301 is less than 1%, 4 of 304 are more


FOUND = [
    Found(4, 10, 30, 30, "12"),
    Found(60, 9, 118, 31, "3,5 7"),
    Found(2, 45, 28, 66, "Anna"),
    Found(62, 44, 88, 64, "4"),
    Found(14, 82, 29, 100, "8"),
    Found(60, 80, 90, 102, "6.1"),
    Found(105, 80, 117, 99, "9", 0.3, accepted=False),
]
"""Three rows: two cells in one piece, a word, and a cell that its reader would not show."""


def test_pieces_of_text_become_rows_and_columns():
    assert table_of(FOUND, "0123456789.,") == [["12", "3,5", "7"], ["", "4", ""], ["8", "6.1", ""]]


def test_a_comma_is_as_good_as_a_point_and_a_missing_cell_is_wrong():
    own = Tables("some", [], [], [], table_reading.score)
    wanted = [["12", "3.5", "7"], ["", "4", ""], ["8", "6.1", "9"]]
    counts = scored(own, table_of(FOUND, "0123456789.,"), wanted)
    assert (counts["shape"], counts["cells"], counts["cells_right"]) == (1, 7, 6)
    assert (counts["rows"], counts["rows_right"]) == (3, 2)
