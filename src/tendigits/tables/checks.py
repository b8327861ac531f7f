"""Check a table by its sums.

checked = check(table, sums="last-column")
checked.agreement       # "totals agree in 22 of 24 rows"
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import product
from operator import itemgetter

from tendigits.errors import UserError
from tendigits.numbers.grammar import to_decimal
from tendigits.tables.cell import Cell, cell_name
from tendigits.tables.options import Sums
from tendigits.tables.table import Table

MIN_AGREEING = 3  # rows in which the last number is the sum of the others
MIN_AGREEING_FRACTION = 0.5  # the same, as a fraction of the rows that can be checked
MIN_ADDENDS = 2
AGREED_CONFIDENCE = 0.999  # of the numbers of a sum that agrees; two misread ones rarely compensate
MIN_PROBABILITY = 1e-4  # of another digit, or of a lost one, to which the reader gave none

DIGITS = "0123456789"

Series = list[Cell]
"""A row, or a column of a transposed table; the last cell may be the sum of the cells from a start index on."""


def check(table: Table, sums: Sums = Sums.AUTO) -> Table:
    """Accept what agrees, mark the rest as doubtful."""
    return check_sums(table, sums) if table.rows else table


def parse_sums(sums: str) -> Sums:
    """Where sums stand, by its name. Raises UserError."""
    if sums not in list(Sums):
        raise UserError(f"expected {', '.join(Sums)} for sums, received {sums!r}")
    return Sums(sums)


def check_sums(table: Table, sums: Sums) -> Table:
    """Find the sums; accept the numbers of those that agree; in others mark what was probably misread."""

    def start_of(series: Sequence[Series], wanted: Sums) -> int | None:
        return _find_start(series, sums is not Sums.AUTO) if sums in (Sums.AUTO, Sums.BOTH, wanted) else None

    row_sums = start_of(table.rows, Sums.LAST_COLUMN)
    column_sums = start_of(_transposed(table.rows), Sums.LAST_ROW)
    crossings = _crossings(replace(table, row_sums=row_sums, column_sums=column_sums))
    explained = {("row", row) for row, _ in crossings} | {("column", column) for _, column in crossings}
    checked = _with_sums(table, row_sums, column_sums, _with_checked_sum, explained)
    for (row, column), text in crossings.items():
        cell = table.rows[row][column]
        reason = f"its row and its column add up with {text}, not with {cell.value}"
        checked.rows[row] = _with_doubt(checked.rows[row], column, reason, _with_first(cell.options, text))
    return checked


def confirm_sums(table: Table) -> Table:
    """Accept the numbers of sums that agree, and doubt nothing: a person has changed the table since it was read."""
    return _with_sums(table, table.row_sums, table.column_sums, _with_confirmed_sum)


def suggest(table: Table, n: int) -> dict[str, list[tuple[str, str]]]:
    """At most n other values for each doubtful cell, by the cell's name.

    Each comes with the sums that it makes right: "row and column", "row", "column" or "". Those that make more of them
    right come first, then the more probable ones.
    """
    return {
        cell_name(row, column): _suggestions(cell, _wanted_at(table, row, column))[:n]
        for row, cells in enumerate(table.rows)
        for column, cell in enumerate(cells)
        if not cell.accepted
    }


def _with_sums(
    table: Table,
    row_sums: int | None,
    column_sums: int | None,
    check_series: Callable[[Series, int, str], Series],
    explained: Collection[tuple[str, int]] = (),
) -> Table:
    """The table after a check of the rows and columns that end with their sum, and in how many of them it agrees.

    What is `explained`, such as ("row", 3), is not checked.
    """
    rows, agreements = table.rows, []
    for name, start in (("row", row_sums), ("column", column_sums)):
        if start is None:
            continue
        series = rows if name == "row" else _transposed(rows)
        results = [_agrees(each, start) for each in series]
        agreements.append(f"{results.count(True)} of {len(results) - results.count(None)} {name}s")
        series = [each if (name, i) in explained else check_series(each, start, name) for i, each in enumerate(series)]
        rows = series if name == "row" else _transposed(series)
    if not agreements:
        return table
    agreement = f"totals agree in {' and '.join(agreements)}"
    return replace(table, rows=rows, agreement=agreement, row_sums=row_sums, column_sums=column_sums)


def _crossings(table: Table) -> dict[tuple[int, int], str]:
    """Cells where a wrong row and a wrong column cross, with the value that makes both right.

    A cell is missing if another one in its row or column has such a value, too: then it is unclear which one is wrong.
    """

    def wrong(series: Sequence[Series], start: int | None) -> list[int]:
        return [] if start is None else [i for i, each in enumerate(series) if _agrees(each, start) is False]

    found = {}
    for row, column in product(wrong(table.rows, table.row_sums), wrong(_transposed(table.rows), table.column_sums)):
        wanted = {*_wanted_at(table, row, column).values()}
        texts = [text for text, _ in _alternatives(table.rows[row][column]) if to_decimal(text) in wanted]
        if texts and len(wanted) == 1 and table.rows[row][column].value:
            found[row, column] = texts[0]
    rows, columns = (Counter(indices) for indices in zip(*found, strict=True)) if found else ({}, {})
    return {(i, j): text for (i, j), text in found.items() if rows[i] == columns[j] == 1}


def _suggestions(cell: Cell, wanted: Mapping[str, Decimal]) -> list[tuple[str, str]]:
    """Other values of a cell, and the names of the sums that want them: the reader's, and those that all sums want."""
    missing = [format(number, "f") for number in wanted.values() if number >= 0] if cell.is_unread else []
    texts: dict[Decimal | str, str] = {}  # without those that are the same number, such as 2 and 02
    for text in [*(text for text, _ in _alternatives(cell)), *missing]:
        texts.setdefault(to_decimal(text) or text, text)
    sums = {text: [name for name, number in wanted.items() if to_decimal(text) == number] for text in texts.values()}
    read = {text for text, _ in cell.options}
    values = [text for text, names in sums.items() if text in read or (names and len(names) == len(wanted))]
    return [(text, " and ".join(sums[text])) for text in sorted(values, key=lambda text: -len(sums[text]))]


def _wanted_at(table: Table, row: int, column: int) -> dict[str, Decimal]:
    """The number that would make the row right, and the one that would make the column right, if they have sums."""
    wanted = {
        "row": _wanted(table.rows[row], table.row_sums, column),
        "column": _wanted([cells[column] for cells in table.rows], table.column_sums, row),
    }
    return {name: number for name, number in wanted.items() if number is not None}


def _wanted(series: Series, start: int | None, index: int) -> Decimal | None:
    """The number at this index that makes the sum of a row or a column right; None if that is unknown."""
    if start is None or index < start:
        return None
    *addends, total = [cell for i, cell in enumerate(series) if i >= start]
    others = [cell.number for i, cell in enumerate(addends, start) if i != index and (cell.value or cell.is_unread)]
    known = [number for number in others if number is not None]
    if len(known) < len(others) or len(known) < MIN_ADDENDS - (index < len(series) - 1):
        return None
    if index == len(series) - 1:
        return Decimal(sum(known))
    return None if total.number is None else total.number - sum(known)


def _transposed(rows: Sequence[Series]) -> list[Series]:
    return [*map(list, zip(*rows, strict=True))]


def _find_start(series: Sequence[Series], is_given: bool) -> int | None:
    """The start index for which most sums agree; None if too few agree. If the user gave these sums, one is enough."""
    most, best = 0, None
    for start in range(len(series[0]) - MIN_ADDENDS if series else 0):
        results = [_agrees(each, start) for each in series]
        n, n_checked = results.count(True), len(results) - results.count(None)
        if n > most and (is_given or n >= max(MIN_AGREEING, MIN_AGREEING_FRACTION * n_checked)):
            most, best = n, start
    return best


def _agrees(series: Series, start: int) -> bool | None:
    """Whether the last number is the sum of the others; None if a number is missing, or if the sum is zero."""
    total, addends = series[-1], [cell for cell in series[start:-1] if cell.value or cell.is_unread]
    numbers = [cell.number for cell in addends if cell.number is not None]
    if not total.number or len(numbers) < max(MIN_ADDENDS, len(addends)):
        return None
    return sum(numbers) == total.number


def _with_checked_sum(series: Series, start: int, name: str) -> Series:
    """A row or a column after the check; the name is "row" or "column"."""
    agrees = _agrees(series, start)
    if agrees is None:
        return _with_missing_number(series, start, name)
    if agrees:
        return _with_confirmed_sum(series, start, name)
    head, tail = series[:start], series[start:]
    total = sum(cell.number for cell in tail[:-1] if cell.number is not None)
    reason = f"this {name} adds up to {total}, not {tail[-1].number}"
    repairs = [*_repairs(series, start)]
    if not repairs:
        return head + [replace(cell, accepted=False, reason=reason) if cell.value else cell for cell in tail]
    _, index, text = max(repairs, key=itemgetter(0))
    options = _with_first(series[index].options, text)
    return _with_doubt(series, index, f"{reason}; {series[index].value} may be {text}", options)


def _with_confirmed_sum(series: Series, start: int, _: str) -> Series:
    """A row or a column, its numbers accepted if the last one is the sum of the others."""
    if not _agrees(series, start):
        return series
    return series[:start] + [_confirmed(cell) if cell.value else cell for cell in series[start:]]


def _with_missing_number(series: Series, start: int, name: str) -> Series:
    """A row or a column; if exactly one number could not be read, its reason names what would make the sum right."""
    unread = [i for i in range(start, len(series)) if series[i].is_unread]
    missing = _wanted(series, start, unread[0]) if len(unread) == 1 else None
    if missing is None or missing < 0:
        return series
    index = unread[0]
    reason = f"{series[index].reason}; {missing} would make this {name} add up"
    return _with_doubt(series, index, reason, [(str(missing), MIN_PROBABILITY)])


def _confirmed(cell: Cell) -> Cell:
    if not cell.confidence:
        return cell  # it is not what a person expects there
    return replace(cell, accepted=True, reason=None, confidence=max(cell.confidence, AGREED_CONFIDENCE))


def _with_doubt(series: Series, index: int, reason: str, options: list[tuple[str, float]]) -> Series:
    doubtful = replace(series[index], accepted=False, reason=reason, options=options)
    return [*series[:index], doubtful, *series[index + 1 :]]


def _with_first(options: Sequence[tuple[str, float]], text: str) -> list[tuple[str, float]]:
    """Options of a cell, this text the first of them."""
    return [(text, dict(options).get(text, MIN_PROBABILITY)), *(option for option in options if option[0] != text)]


def _repairs(series: Series, start: int) -> Iterator[tuple[float, int, str]]:
    """Values of one cell that make the sum right: probability relative to the value read, index, value."""
    for index in range(start, len(series)):
        cell = series[index]
        wanted = _wanted(series, start, index)
        for text, probability in _alternatives(cell):
            if to_decimal(text) == wanted:
                yield probability / max(cell.confidence, MIN_PROBABILITY), index, text


def _alternatives(cell: Cell) -> Iterator[tuple[str, float]]:
    """Other values of a cell: its options, and its value with one digit changed, lost, or added at an end."""
    yield from cell.options
    value = cell.value
    for i, character in enumerate(value):
        if character.isdigit():
            yield from ((value[:i] + other + value[i + 1 :], MIN_PROBABILITY) for other in ("", *DIGITS))
    yield from ((text, MIN_PROBABILITY) for digit in DIGITS for text in (digit + value, value + digit))
