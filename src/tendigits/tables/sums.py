"""Check a table by its sums: where the last number of a row or a column is the sum of the others, all are right.

checked = check_sums(table, Sums.AUTO)      # checked.agreement: "totals agree in 22 of 24 rows"
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from tendigits.numbers.grammar import to_decimal
from tendigits.tables.table import Cell, Table
from tendigits.tables.totals import Sums

FEWEST, SHARE = 3, 0.5
"""So many rows, and such a share of them, agree at least where the last number is a sum."""

FEWEST_ADDENDS = 2

AGREED = 0.999
"""Confidence of numbers whose sum agrees: of two misread numbers, one in a thousand makes up for the other."""

RARE = 1e-4
"""Probability that a digit is any other one, or one was lost, where the reader saw nothing of it."""

DIGITS = "0123456789"

Line = list[Cell]


@dataclass(frozen=True)
class _Repair:
    """What makes a sum right: one cell read otherwise."""

    index: int
    text: str
    share: float
    """How probable it is."""
    doubt: float
    """How much more probable than what was read."""


def check_sums(table: Table, sums: Sums) -> Table:
    """Accept the numbers whose sum agrees; mark as doubtful what was probably misread where it doesn't."""
    rows, agreements = table.rows, []
    starts: dict[str, int | None] = {"rows": None, "columns": None}
    for name, transposed in (("rows", False), ("columns", True)):
        wanted = sums in (Sums.BOTH, Sums.LAST_ROW if transposed else Sums.LAST_COLUMN)
        if not wanted and sums is not Sums.AUTO:
            continue
        lines = [*map(list, zip(*rows, strict=True))] if transposed else rows
        start = _start(lines, always=wanted)
        if start is None:
            continue
        n = sum(_is_sum(line, start) is not None for line in lines)
        right = sum(_is_sum(line, start) is True for line in lines)
        agreements.append(f"{right} of {n} {name}")
        starts[name] = start
        lines = [_checked(line, start, name[:-1]) for line in lines]
        rows = [*map(list, zip(*lines, strict=True))] if transposed else lines
    said = f"totals agree in {' and '.join(agreements)}"
    if not agreements:
        return table
    return replace(table, rows=rows, agreement=said, row_sums=starts["rows"], column_sums=starts["columns"])


def _start(lines: Sequence[Line], always: bool) -> int | None:
    """From which cell on the last one is the sum; None if it isn't."""
    best, chosen = 0, None
    for start in range(len(lines[0]) - FEWEST_ADDENDS if lines else 0):
        told = [agrees for line in lines if (agrees := _is_sum(line, start)) is not None]
        enough = always or sum(told) >= max(FEWEST, SHARE * len(told))
        if enough and sum(told) > best:
            best, chosen = sum(told), start
    return chosen


def _is_sum(line: Line, start: int) -> bool | None:
    """Whether the last number is the sum of those before it; None where that can't be told: zeros tell nothing."""
    total, addends = line[-1], [cell for cell in line[start:-1] if cell.value or cell.is_unread]
    numbers = [cell.number for cell in addends if cell.number is not None]
    if not total.number or len(numbers) < max(FEWEST_ADDENDS, len(addends)):
        return None
    return sum(numbers) == total.number


def _checked(line: Line, start: int, name: str) -> Line:
    """A row or a column after the check."""
    agrees = _is_sum(line, start)
    if agrees is None:
        return _with_missing(line, start, name)
    checked = list(line)
    if agrees:
        for i in range(start, len(line)):
            if line[i].value:
                confidence = max(line[i].confidence, AGREED)
                checked[i] = replace(line[i], accepted=True, reason=None, confidence=confidence)
        return checked
    repairs = sorted(_repairs(line, start), key=lambda repair: -repair.doubt)
    total = sum(cell.number for cell in line[start:-1] if cell.number is not None)
    said = f"this {name} adds up to {total}, not {line[-1].number}"
    if repairs:
        (best, *_) = repairs
        cell = line[best.index]
        others = [(best.text, best.share), *(option for option in cell.options if option[0] != best.text)]
        checked[best.index] = _doubtful(cell, f"{said}; {cell.value} may be {best.text}", others)
        return checked
    return [*line[:start], *(_doubtful(cell, said, cell.options) if cell.value else cell for cell in line[start:])]


def _with_missing(line: Line, start: int, name: str) -> Line:
    """A row or a column in which one number could not be read: say what it is, if the sum is right."""
    unread = [i for i in range(start, len(line)) if line[i].is_unread]
    numbers = [cell.number for cell in line[start:] if cell.value]
    known = [number for number in numbers if number is not None]
    if len(unread) != 1 or len(known) < max(FEWEST_ADDENDS, len(numbers)):
        return line
    (at,) = unread
    missing = sum(known) if at == len(line) - 1 else known[-1] - sum(known[:-1])
    if missing < 0:
        return line
    said = f"{line[at].reason}; {missing} would make this {name} add up"
    return [*line[:at], _doubtful(line[at], said, [(str(missing), RARE)]), *line[at + 1 :]]


def _doubtful(cell: Cell, reason: str, options: list[tuple[str, float]]) -> Cell:
    return replace(cell, accepted=False, reason=reason, options=options)


def _repairs(line: Line, start: int) -> Iterator[_Repair]:
    """What one number must be for the sum to agree, where it differs from what was read in one digit."""
    numbers = [cell.number or Decimal(0) for cell in line]
    missing = numbers[-1] - sum(numbers[start:-1])
    for index in range(start, len(line)):
        cell = line[index]
        wanted = numbers[index] + (missing if index < len(line) - 1 else -missing)
        for text, share in _readings(cell):
            if to_decimal(text) == wanted:
                yield _Repair(index, text, share, share / max(cell.confidence, RARE))


def _readings(cell: Cell) -> Iterator[tuple[str, float]]:
    """What a cell may be, as the reader saw, or with any one digit misread, lost at an end, or added."""
    yield from cell.options
    for i, character in enumerate(cell.value):
        if character.isdigit():
            yield from ((cell.value[:i] + other + cell.value[i + 1 :], RARE) for other in ("", *DIGITS))
    yield from ((text, RARE) for digit in DIGITS for text in (digit + cell.value, cell.value + digit))
