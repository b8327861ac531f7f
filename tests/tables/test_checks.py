"""Sums confirm numbers, and show which one was misread."""

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tendigits.errors import UserError
from tendigits.geometry import Box
from tendigits.tables.cell import Cell
from tendigits.tables.checks import check, parse_formulas, parse_sums
from tendigits.tables.options import Sums
from tendigits.tables.suggestions import suggest
from tendigits.tables.table import Table


def cell(value, accepted=False, options=()):
    number = Decimal(value) if value.replace(".", "").isdigit() else None
    reason = None if accepted else "is not clear enough"
    return Cell(Box(0, 0, 9, 9), value, number, 0.9, accepted or not value, reason, [*options])


def agreement(checked):
    """Without the formulas, and what does not agree."""
    return re.sub(r" \(.*?\)", "", checked.agreement)


def table(*rows):
    return Table([[cell(value) for value in row.split(",")] for row in rows])


GOOD = ("1,10,20,30", "2,11,,11.0", "3,7,8,15", "4,1.5,2.5,4", "5,3,4,7")


def test_rows_whose_sum_agrees_are_accepted_without_their_row_number():
    checked = check(table(*GOOD), Sums.AUTO)
    assert agreement(checked) == "totals agree in 4 of 4 rows"
    first, second = checked.rows[:2]
    assert [each.accepted for each in first] == [False, True, True, True]
    assert first[1].reason is None
    assert [each.accepted for each in second] == [False, False, True, False], "one number alone is not a sum"


def test_columns_have_sums_too():
    checked = check(table("1,2", "3,4", "5,6", "9,12"), Sums.LAST_ROW)
    assert agreement(checked) == "totals agree in 2 of 2 columns"
    assert not checked.doubtful


def test_the_reason_names_the_misread_number():
    rows = table(*GOOD, "6,40,2,92")
    rows.rows[-1][1] = cell("40", accepted=True, options=[("46", 0.2), ("90", 0.03)])
    wrong = check(rows, Sums.AUTO).rows[-1][1]
    assert (wrong.value, wrong.accepted) == ("40", False)
    assert wrong.reason == "this row adds up to 42, not 92; 40 may be 90"
    assert wrong.options[0] == ("90", 0.03)


@pytest.mark.parametrize(("other", "value"), [("105", "46"), ("98", "40")])
def test_a_near_reading_is_taken_where_no_other_one_makes_the_sum_agree(other, value):
    rows = table(*GOOD, "6,40,58,104")
    rows.rows[-1][1:4:2] = cell("40", options=[("46", 0.1)]), cell("104", options=[(other, 0.4)])
    near = check(rows, Sums.AUTO).rows[-1][1]
    assert (near.value, near.accepted) == (value, value == "46")


def test_the_cell_where_a_wrong_row_and_a_wrong_column_cross_is_doubted_and_its_right_value_suggested_first():
    """40 is read in place of 46; the row alone would as well be explained by 110 in place of its sum, 116."""
    rows = table("1,2,3,6", "5,10,15,30", "40,12,58,116", "52,24,7,83", "104,48,83,235")
    rows.rows[2] = [
        cell("40", options=[("90", 0.2)]),
        *rows.rows[2][1:3],
        cell("116", options=[("110", 0.4)]),
    ]
    checked = check(rows, Sums.AUTO)
    assert agreement(checked) == "totals agree in 4 of 5 rows and 3 of 4 columns"
    wrong = checked.rows[2][0]
    assert (wrong.accepted, wrong.reason) == (False, "its row and its column add up with 46, not with 40")
    assert checked.doubtful == ["A3"]
    assert suggest(checked, parse_formulas(checked.formulas), 2) == {"A3": [("46", "row and column"), ("90", "")]}


def test_the_reason_names_a_lost_digit():
    checked = check(table(*GOOD, "6,255,100,7355"), Sums.AUTO)
    assert checked.rows[-1][1].reason == "this row adds up to 355, not 7355; 255 may be 7255"


@pytest.mark.parametrize("missing", [2, 3])
def test_the_reason_names_the_number_that_could_not_be_read(missing):
    rows = table(*GOOD, "6,10,20,30")
    wanted = rows.rows[-1][missing].value
    rows.rows[-1][missing] = Cell(Box(0, 0, 9, 9), "", None, 0.0, False, "could not be read")
    checked = check(rows, Sums.AUTO)
    assert agreement(checked) == "totals agree in 4 of 4 rows"
    last = checked.rows[-1][missing]
    assert (last.value, last.reason) == ("", f"could not be read; {wanted} would make this row add up")


def test_the_whole_row_is_doubtful_if_no_single_digit_explains_the_sum():
    rows = [[cell(value, accepted=True) for value in row.split(",")] for row in (*GOOD, "6,10,20,2099")]
    checked = check(Table(rows), Sums.AUTO)
    assert checked.doubtful == ["B6", "C6", "D6"]
    assert checked.rows[-1][1].reason == "this row adds up to 30, not 2099"


@given(st.lists(st.lists(st.integers(2, 99), min_size=4, max_size=4), min_size=3, max_size=8))
def test_numbers_that_are_not_sums_are_unchanged(rows):
    without = table(*(",".join(map(str, [*row[:3], sum(row) + 1000])) for row in rows), "1,1,1,1")
    checked = check(without, Sums.AUTO)
    assert checked is without
    assert check(without, Sums.NONE) is without


def test_invalid_sums_are_rejected():
    with pytest.raises(UserError, match=r"expected auto, last-column, .* for sums, received 'first-row'"):
        parse_sums("first-row")
