"""Formulas: what connects cells, and what they say of wrong ones."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tendigits.errors import UserError
from tendigits.geometry import Box
from tendigits.numbers.grammar import to_decimal
from tendigits.read.expectations import parse
from tendigits.tables.cell import Cell
from tendigits.tables.checks import check, check_formulas, check_relations, parse_formulas
from tendigits.tables.formulas import written
from tendigits.tables.options import Sums
from tendigits.tables.suggestions import suggest
from tendigits.tables.table import Table


def cell(text):
    """Such as `12`, or `12?17` in doubt with its other value."""
    value, _, other = text.strip("_").partition("?")
    options = [(other, 0.3)] if other else []
    reason = "is not clear enough" if "?" in text else None
    return Cell(Box(0, 0, 9, 9), value, to_decimal(value), 0.6 if reason else 0.97, reason is None, reason, options)


def table(*rows):
    return Table([[*map(cell, row.split())] for row in rows])


def checked(expect, *rows):
    expected = parse(expect)
    return check(table(*rows), expected.sums, expected.formulas)


@pytest.mark.parametrize(
    ("formula", "rows", "wrong"),
    [
        ("D = B * C", ["1 3 2.5 7.5", "2 7 0.33 2.31", "4 2 9.1 18.3"], ["row 3 D = B * C gives 18.2, not 18.3"]),
        ("C = A * B / 100", ["20 50 10", "3 333 10", "1 1 1"], ["row 3 C = A * B / 100 gives 0.01, not 1"]),
        ("D = C / B", ["1 3 10 3.33", "1 4 10 2.4"], ["row 2 D = C / B gives 2.5, not 2.4"]),
        ("E = E above + C - D", ["1 2 0 0 90", "1 2 5 0 95", "1 2 0 8 86"],
         ["row 3 E = E above + C - D gives 87, not 86"]),
        ("D = mean", ["1 2 3 2", "4 5 7 5.3", "9 9 8 8.6"], ["row 3 D = mean A-C gives 8.7, not 8.6"]),
        ("row 3 = row 1 - row 2", ["9 8 7", "1 2 3", "8 6 5"], ["column C row 3 = row 1 - row 2 gives 4, not 5"]),
        ("A: row number", ["7 1", "8 1", "10 1"], ["A3 is not one more than 8"]),
        ("B: rising", ["1 10", "1 12", "1 11"], ["B3 does not follow 12"]),
        ("B: rising 0..50", ["1 9940", "1 9990", "1 0012", "1 0100"], ["B4 does not follow 0012 by 0 to 50"]),
        ("A: next day", ["27/02/28 1", "28/02/28 1", "29/02/28 1", "2/3/28 1"], ["A4 is not the day after 29/02/28"]),
        ("A: next day", ["12/30/25 1", "12/31/25 1", "1/1/26 1"], []),
        ("last row = sum", ["1 2", "3 5", "4 8"], ["column B adds up to 7, not 8"]),
    ],
)  # fmt: skip
def test_what_does_not_agree_is_named_and_to_be_checked(formula, rows, wrong):
    found = checked(formula, *rows)
    assert found.wrong == wrong
    assert bool(found.doubtful) == bool(wrong)


@pytest.mark.parametrize(
    ("formula", "values", "reasons"),
    [
        ("all points = first + second", "5?6 7 12 _ 4", {}),
        ("all points = first + second", "5 7 13 _ 4", {"first": "the form adds up to 12, not 13; 5 may be 6"}),
        ("total = sum first-second", "5 7 12 13 4", {"first": "the form adds up to 12, not 13; 5 may be 6"}),
        ("all points = first * second", "5 7 35 _ 4", {}),
        ("all points = first + second", "5 ? 12 _ 4", {"second": "could not be read; 7 would make this form add up"}),
    ],
)
def test_fields_of_a_form_that_do_not_agree_are_to_be_checked(formula, values, reasons):
    fields = ["first", "second", "all points", "total", "room"]
    expected = parse(formula, fields=True)
    expected.check_fields(fields)
    relations = [each.of_fields(fields) for each in expected.formulas]
    found = check_relations(dict(zip(fields, map(cell, values.split()), strict=True)), relations)
    assert {name: each.reason for name, each in found.items() if each.reason} == reasons


def test_a_formula_decides_between_near_readings_if_it_agrees_with_one_alone():
    decided = checked("D = B * C", "1 12 2.5 30", "1 12?17 2 34").rows[1][1]
    assert (decided.value, decided.accepted, decided.options[0][0]) == ("17", True, "12")
    assert checked("A: next day", "12/05 3 9", "13/05 3 9", "14/06?14/05 3 9").rows[2][0].value == "14/05"
    both = checked("D = B * C", "1 6 6 36", "1 6?9 4?6 24?54").rows[1]  # 6 * 4 = 24 agrees as it was read
    assert [each.value for each in both] == ["1", "6", "4", "24"]


def test_what_would_agree_is_offered_first():
    found = checked("D = B * C", "1 12 2.5 30", "1 12 2 34")
    assert suggest(found, parse_formulas(found.formulas), 1) == {"B2": [("17", "D = B * C")]}


def test_a_sum_confirms_only_what_no_other_near_reading_satisfies_too():
    """97 - 46 = 51 may as well be 47 - 46 = 01, but 97 + 30 = 127 is nothing else."""
    rows = "10 20 30", "11 20 31", "12 20 32"
    both = checked("", "97?47 46 143?93", "97?47 30 127", *rows)
    assert both.doubtful == ["A1", "C1"]
    assert "A1" not in checked("", "97?47 46 143", *rows).doubtful


def test_subtotals_are_found_and_checked():
    columns = [[1, 2, 3, 6, 30, 36], [4, 4, 8, 16, 0, 16], [2, 6, 9, 17, 30, 47], [9, 8, 7, 24, 5, 29]]
    rows = [[str(column[row]) for column in columns] for row in range(6)]
    found = check(table(*map(" ".join, rows)))
    assert (found.formulas, found.wrong) == (["row 6 = sum 4-5", "row 4 = sum 1-3"], [])
    rows[2][1] = "3?8"
    assert check(table(*map(" ".join, rows))).rows[2][1].value == "8", "the reader thought of it"
    rows[2][1] = "3?7"
    found = check(table(*map(" ".join, rows)))
    assert found.wrong == ["column B adds up to 11, not 16"]
    assert suggest(found, parse_formulas(found.formulas), 1) == {"B3": [("8", "column")]}


def test_an_empty_cell_is_doubted_where_something_is_missing():
    found = check(table("1 1 2 4", "4 1 5 10", "6 1 _ 14", "2 2 2 6"))
    assert (found.doubtful, found.rows[2][2].reason) == (["C3"], "7 would make this row add up")


def test_what_a_person_has_checked_stays_and_the_rest_of_the_row_is_marked():
    found = check(table("1 2 3", "4 5 9", "6 1 10", "2 2 4"))
    while found.doubtful:
        name = found.doubtful[0]
        found.rows[int(name[1]) - 1]["ABC".index(name[0])] = Cell(
            Box(0, 0, 9, 9),
            **{key: getattr(dict(found.cells())[name], key) for key in ("value", "number")},
            checked=True,
        )
        found = check_formulas(found, parse_formulas(found.formulas))
    assert [each.checked for each in found.rows[2]] == [True, True, True]
    assert found.wrong == ["row 3 adds up to 7, not 10"]
    assert (found.rows[2][2].accepted, found.rows[2][2].reason) == (True, "this row adds up to 7, not 10")


@given(st.lists(st.lists(st.integers(1, 99), min_size=3, max_size=3), min_size=3, max_size=9), st.data())
def test_one_wrong_number_never_goes_unnoticed(rows, data):
    rows = [[*row, sum(row)] for row in rows]
    row, column = data.draw(st.integers(0, len(rows) - 1)), data.draw(st.integers(0, 3))
    rows[row][column] += data.draw(st.integers(1, 9))
    found = check(table(*(" ".join(map(str, each)) for each in rows)), Sums.LAST_COLUMN)
    assert [name for name in found.doubtful if name[1:] == str(row + 1)]


@given(st.decimals(0, 9999, places=2))
def test_a_number_is_written_as_it_is_read(number):
    assert to_decimal(written(Fraction(number), "1.00")) == number
    assert Decimal(written(Fraction(number), "")) == number


@pytest.mark.parametrize("text", ["D = B ^ C", "D = price * C", "B: rising 9..1", "A: next day 0..3", "G = sum C-"])
def test_an_invalid_formula_is_refused(text):
    with pytest.raises(UserError, match="expected"):
        parse(text)
