"""Check a table by its sums, and by what a person expects in its columns.

checked = check(table, sums="last-column", expect="A: 0..100, B: date, C-E: 0..20")
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation

from tendigits.errors import UserError
from tendigits.numbers.grammar import DATE, TIME, to_decimal
from tendigits.tables.cell import Cell, column_index, column_name
from tendigits.tables.options import Sums
from tendigits.tables.sums import check_sums
from tendigits.tables.table import Table

FORMS: Mapping[str, Callable[[Cell], bool]] = {
    "integer": lambda cell: cell.number is not None and cell.number == cell.number.to_integral_value(),
    "number": lambda cell: cell.number is not None,
    "date": lambda cell: re.fullmatch(DATE, cell.value) is not None,
    "time": lambda cell: re.fullmatch(TIME, cell.value) is not None,
}
"""Kinds of values, and whether a cell holds one."""


@dataclass(frozen=True)
class Expectation:
    """What a column holds."""

    text: str
    """As the user wrote it: one of FORMS, or a range."""
    fits: Callable[[Cell], bool]
    """Whether a cell is as expected."""


def check(table: Table, sums: str = Sums.AUTO, expect: str = "") -> Table:
    """Accept what agrees, and mark as doubtful what does not; see `check_sums` and `check_columns`.

    Raises:
        UserError: an argument is invalid, or the table lacks a column.
    """
    if sums not in list(Sums):
        raise UserError(f"expected {', '.join(Sums)} for sums, received {sums!r}")
    expected = parse(expect)
    return check_columns(check_sums(table, Sums(sums)), expected) if table.rows else table


def parse(text: str) -> dict[int, Expectation]:
    """Parse expectations such as `A: 0..100, B: date, C-E: number`, by the index of the column.

    Raises:
        UserError: the text has another form.
    """
    expected: dict[int, Expectation] = {}
    for part in filter(None, map(str.strip, text.split(","))):
        match = re.fullmatch(r"([A-Za-z]{1,2})(?:\s*-\s*([A-Za-z]{1,2}))?\s*:\s*(\S+)", part)
        if match is None:
            raise UserError(f"expected columns such as 'A: 0..100, B: date', received {part!r}")
        first, last = column_index(match[1]), column_index(match[2] or match[1])
        expected |= dict.fromkeys(range(first, last + 1), _parse_expectation(match[3]))
    return expected


def check_columns(table: Table, expected: Mapping[int, Expectation]) -> Table:
    """Mark cells that are not as expected as doubtful, and name the option that would be.

    Raises:
        UserError: the table has no such column.
    """
    n_columns = table.shape[1]
    if missing := [column for column in expected if column >= n_columns]:
        raise UserError(f"expected something of column {column_name(missing[0])}, the table has {n_columns} columns")
    rows = [
        [_checked(cell, expected[i]) if cell.value and i in expected else cell for i, cell in enumerate(row)]
        for row in table.rows
    ]
    return replace(table, rows=rows)


def _parse_expectation(text: str) -> Expectation:
    if text in FORMS:
        return Expectation(text, FORMS[text])
    try:
        low, high = map(Decimal, text.split(".."))
        if low <= high:
            return Expectation(text, lambda cell: cell.number is not None and low <= cell.number <= high)
    except (InvalidOperation, ValueError):
        pass
    raise UserError(f"expected a range such as 0..100, or {', '.join(FORMS)}, received {text!r}")


def _checked(cell: Cell, expectation: Expectation) -> Cell:
    if expectation.fits(cell):
        return cell

    def fits(option: tuple[str, float]) -> bool:
        return expectation.fits(replace(cell, value=option[0], number=to_decimal(option[0])))

    options = sorted(cell.options, key=fits, reverse=True)
    may_be = f"; may be {options[0][0]}" if options and fits(options[0]) else ""
    return replace(cell, accepted=False, reason=f"expected {expectation.text}{may_be}", options=options)
