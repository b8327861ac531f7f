"""Check a table by what is known of it: its sums, and what a person expects in its columns.

checked = check(table, sums="last-column", expect="A: 0..100, B: date, C-E: 0..20")
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation

from tendigits.errors import UserError
from tendigits.numbers.grammar import DATE, TIME, to_decimal
from tendigits.tables.sums import check_sums
from tendigits.tables.table import ALPHABET, Cell, Table, column_name
from tendigits.tables.totals import Sums

FORMS: Mapping[str, Callable[[Cell], bool]] = {
    "integer": lambda cell: cell.number is not None and cell.number == cell.number.to_integral_value(),
    "number": lambda cell: cell.number is not None,
    "date": lambda cell: re.fullmatch(DATE, cell.value) is not None,
    "time": lambda cell: re.fullmatch(TIME, cell.value) is not None,
}
"""Names of forms, and whether a cell has one."""


@dataclass(frozen=True)
class Expectation:
    """What the cells of a column are."""

    about: str
    """As it was written."""
    low: Decimal | None = None
    high: Decimal | None = None

    def fits(self, cell: Cell) -> bool:
        """Whether a cell is so."""
        if self.low is None or self.high is None:
            return FORMS[self.about](cell)
        return cell.number is not None and self.low <= cell.number <= self.high


def check(table: Table, sums: str = Sums.AUTO, expect: str = "") -> Table:
    """Accept what agrees, and mark as doubtful what doesn't; see `check_sums` and `check_columns`.

    Raises:
        UserError: an argument has another form, or the table lacks a column.
    """
    if sums not in list(Sums):
        raise UserError(f"expected {', '.join(Sums)} for sums, received {sums!r}")
    expected = parse(expect)
    return check_columns(check_sums(table, Sums(sums)), expected) if table.rows else table


def parse(text: str) -> dict[int, Expectation]:
    """Read what is expected of which columns, from 0: a range such as 0..100, or one of the FORMS.

    Raises:
        UserError: it isn't written so.
    """
    expected: dict[int, Expectation] = {}
    for part in filter(None, map(str.strip, text.split(","))):
        found = re.fullmatch(r"([A-Za-z]{1,2})(?:\s*-\s*([A-Za-z]{1,2}))?\s*:\s*(\S+)", part)
        if found is None:
            raise UserError(f"expected columns such as 'A: 0..100, B: date', received {part!r}")
        first, last, about = found[1], found[2] or found[1], found[3]
        expectation = _expectation(about)
        expected |= dict.fromkeys(range(_number(first), _number(last) + 1), expectation)
    return expected


def check_columns(table: Table, expected: Mapping[int, Expectation]) -> Table:
    """DecimalSeparator cells as doubtful that are not as expected, and say which reading would be.

    Raises:
        UserError: the table has no such column.
    """
    n_columns = table.shape[1]
    if beyond := [column for column in expected if column >= n_columns]:
        raise UserError(f"expected something of column {column_name(beyond[0])}, the table has {n_columns} columns")
    return replace(
        table,
        rows=[
            [_checked(cell, expected[i]) if cell.value and i in expected else cell for i, cell in enumerate(row)]
            for row in table.rows
        ],
    )


def _expectation(about: str) -> Expectation:
    if about in FORMS:
        return Expectation(about)
    low, dots, high = about.partition("..")
    try:
        if dots:
            return Expectation(about, Decimal(low), Decimal(high))
    except InvalidOperation:
        pass
    raise UserError(f"expected a range such as 0..100, or {', '.join(FORMS)}, received {about!r}")


def _number(name: str) -> int:
    number = 0
    for letter in name.upper():
        number = number * len(ALPHABET) + ALPHABET.index(letter) + 1
    return number - 1


def _checked(cell: Cell, expectation: Expectation) -> Cell:
    if expectation.fits(cell):
        return cell
    fitting = [
        option
        for option in cell.options
        if expectation.fits(replace(cell, value=option[0], number=to_decimal(option[0])))
    ]
    may_be = f"; may be {fitting[0][0]}" if fitting else ""
    options = [*fitting, *(option for option in cell.options if option not in fitting)]
    return replace(cell, accepted=False, reason=f"expected {expectation.about}{may_be}", options=options)
