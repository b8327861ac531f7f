"""What the other cells of its column say of a cell."""

import numpy as np

from tendigits.geometry import Box
from tendigits.numbers.grammar import to_decimal
from tendigits.tables.cell import Cell
from tendigits.tables.columns import in_context
from tendigits.tables.table import Table

PICTURE = np.zeros((40, 64), np.uint8)


def cell(text):
    """`w` is a word, `_` nothing, and `85?25` 85 in doubt, or 25."""
    value, _, other = text.strip("_").replace("w", "").partition("?")
    reason = "is not clear enough" if other else None
    picture = None if text == "_" else PICTURE
    options = [(other, 0.3)] if other else []
    return Cell(Box(0, 0, 9, 9), value, to_decimal(value), 0.9, not other, reason, options, None, picture)


def read(*rows):
    return in_context(Table([[*map(cell, row.split())] for row in rows]))


BODY = ("w 3 14 8 25", "w 9 11 _ 20", "w 7 12 4 23", "w 6 6 6 18", "w 5 10 2 17")


def test_titles_and_counted_heads_are_words_and_not_summed():
    table = read("312 w 2026 w _", "w 01 02 03 w", *BODY)
    assert [[each.value for each in row] for row in table.rows[:2]] == [[""] * 5] * 2
    assert all(each.is_word for each in table.rows[1])
    assert table.rows[2][1].value == "3"
    assert [each.value for each in read(*BODY).rows[0]] == ["", "3", "14", "8", "25"]


def test_a_word_in_a_column_of_numbers_is_a_doubt_and_a_name_is_none():
    table = read(*BODY, "w 5 w 2 17")
    assert table.doubtful == ["C6"]
    assert table.rows[5][2].reason == "could not be read"


def test_a_lost_point_is_offered_first_and_no_other_sign():
    rows = ("1 8.5 3", "2 9.0 4", "3 7.5 5", "4 6.5 2")
    table = read(*rows, "5 85?8-5 1", "6 8-5?845 1")
    assert [table.rows[row][1].options[0] for row in (4, 5)] == [("8.5", 0.5)] * 2
    assert "8-5" not in dict(table.rows[4][1].options)
    assert read("1 85 3", "2 90 4", "3 75 5", "5 85?25 1").rows[3][1].options == [("25", 0.3)]
