"""Formulas: what cells of a table, or fields of a form, add up to, and how the cells of a column follow each other.

formula = parse_formula("E = E above + C - D")      # a running balance
relations = formula.relations(table.rows)           # one for each row: the cells in it, and whether they agree
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any, NamedTuple

from tendigits.errors import UserError
from tendigits.numbers.grammar import to_decimal
from tendigits.tables.cell import Cell, cell_name, column_index, column_name

Place = Any
"""(row, column) of a cell, or the name of a field."""

Rows = Sequence[Sequence[Cell]]

Gap = Callable[[Sequence[Fraction]], Fraction]
"""From the numbers of a relation, by how much its result differs; 0 if it agrees."""

MIN_ADDENDS = 2
MAX_DECIMALS = 6  # of a value that a formula wants
COMMON_YEAR, LEAP_YEAR = 2001, 2004  # of dates without a year, and of February 29
DAY_ORDERS = ("dmy", "mdy", "ymd")  # of the parts of a date, the usual one first

_FORMULA = re.compile(r"([^\W\d][\w ]{0,99}?)\s*=\s*([^=:|\\]{1,500})")
_STEP = re.compile(r"([A-Za-z]{1,2})\s*:\s*(rising|next day|row number)(?:\s+(\d+(?:\.\d+)?)\.\.(\d+(?:\.\d+)?))?")
_TOTAL = re.compile(r"(sum|mean)(?:\s+(\w+)\s*-\s*(\w+))?")
_OPERATOR = re.compile(r"\s*([-+*×/])\s*")
_REFERENCE = re.compile(r"(.*?)(\s+above)?")
_ROW = re.compile(r"row (\d{1,4})")

EXAMPLES = "'D = B * C', 'E = E above + C - D', 'G = sum', 'G = mean B-F', 'row 9 = row 7 + row 8', 'B: rising 0..50'"


class Reference(NamedTuple):
    """A column, a row or a field in a formula."""

    name: str  # "B", "row 7", "last row", or the name of a field
    above: bool = False  # of the row before


class Term(NamedTuple):
    """A product in a formula."""

    sign: int
    factors: tuple[tuple[str, Reference | Fraction], ...]  # each after "*" or "/"


@dataclass(frozen=True)
class Relation:
    """Cells that a formula connects; the last one is its result."""

    name: str  # such as "row 3"
    places: tuple[Place, ...]
    says: str  # what is wrong if it does not agree, with the placeholders {name}, {wanted} and {written}
    gap: Gap
    is_sum: bool = False  # of all others, which may be empty
    is_evidence: bool = True  # that numbers were read right, if it agrees
    number: Callable[[Cell, str], Fraction | None] = lambda cell, text: number_of(cell, text)  # of a value of a cell
    text: Callable[[Fraction, str], str | None] = lambda number, like: written(number, like)  # like another value


@dataclass(frozen=True)
class Formula:
    """A formula, or how a column's cells follow each other. Can be pickled."""

    text: str
    target: Reference
    terms: tuple[Term, ...] = ()
    total: str | None = None  # "sum" or "mean" of the columns, or rows, of the span
    span: tuple[str, str] | None = None
    step: str | None = None  # "rising", "next day" or "row number"
    bounds: tuple[Decimal, Decimal] | None = None  # of the step of a rising number

    @property
    def is_of_rows(self) -> bool:
        """Whether it is about whole rows, such as `row 9 = row 7 + row 8`."""
        return self.target.name.startswith(("row ", "last row"))

    @property
    def is_sum(self) -> bool:
        """Whether the result is the sum of cells in its own row or column."""
        plain = [each for each in self._references() if not each.above]
        return self.total == "sum" or (
            len(plain) == len(self.terms) > 0 and all(term.sign > 0 and len(term.factors) == 1 for term in self.terms)
        )

    def relations(self, rows: Rows) -> list[Relation]:
        """Its relations in a table, one for each row, or for each column; none if the table is too small."""
        if self.is_of_rows:
            return [_turned(each) for each in self._of_columns([*map(list, zip(*rows, strict=True))], "column")]
        return self._of_columns(rows, "row")

    def of_fields(self, fields: Sequence[str]) -> Relation:
        """Its relation between the fields of a form, which has all of them."""
        names = [each.name for each in self._references()]
        if self.total is not None:
            first, last = (0, len(fields)) if self.span is None else map(fields.index, self.span)
            names = [name for name in fields[first : last + 1] if name != self.target.name]
        return self._relation("form", (*names, self.target.name), "the form")

    @property
    def names(self) -> list[str]:
        """The columns, rows or fields that it names."""
        return [*dict.fromkeys([self.target.name, *(each.name for each in self._references()), *(self.span or ())])]

    def unknown_columns(self) -> str | None:
        """The first of its names that is no column and no row."""
        return next((name for name in self.names if _index(name, 1) is None), None)

    def with_span(self, first: int, last: int) -> "Formula":
        """A sum or mean of these columns or rows only."""
        names = (f"row {first + 1}", f"row {last + 1}") if self.is_of_rows else (column_name(first), column_name(last))
        return replace(self, text=f"{self.text} {'-'.join(names).replace('row ', '')}", span=names)

    def _references(self) -> list[Reference]:
        return [factor for term in self.terms for _, factor in term.factors if isinstance(factor, Reference)]

    def _of_columns(self, rows: Rows, name: str) -> list[Relation]:
        width = len(rows[0]) if rows else 0
        target = _index(self.target.name, width)
        if target is None or target >= width:
            return []
        if self.step is not None:
            return _steps(self, rows, target)
        if self.total is not None:
            first, last = (0, target - 1) if self.span is None else (_index(each, width) for each in self.span)
            if first is None or last is None or not first <= last < width:
                return []
            columns = [(index, False) for index in range(first, last + 1) if index != target]
        else:
            references = self._references()
            columns = [(index, each.above) for each in references if (index := _index(each.name, width)) is not None]
            if len(columns) < len(references):
                return []
        if any(index >= width for index, _ in columns):
            return []
        return [
            self._relation(f"{name} {row + 1 if name == 'row' else column_name(row)}", places, f"this {name}")
            for row in range(any(above for _, above in columns), len(rows))
            if (places := (*((row - above, index) for index, above in columns), (row, target)))
        ]

    def _relation(self, name: str, places: tuple[Place, ...], what: str) -> Relation:
        if self.is_sum:
            return Relation(name, places, f"{what} adds up to {{wanted}}, not {{written}}", _sum_gap, is_sum=True)
        gap: Gap = _mean_gap if self.total == "mean" else _ExpressionGap(self.terms)
        return Relation(name, places, f"{self.text} gives {{wanted}}, not {{written}}", gap)


def parse_formula(text: str) -> Formula | None:
    """Parse a formula; None for a text without "=". Raises UserError if it is invalid."""
    text = " ".join(text.split())
    if match := _STEP.fullmatch(text):
        bounds = None if match[3] is None else (Decimal(match[3]), Decimal(match[4]))
        if bounds is not None and (match[2] != "rising" or bounds[0] > bounds[1]):
            raise UserError(f"expected such as 'B: rising 0..50', received '{text}'")
        return Formula(text, Reference(match[1].upper()), step=match[2], bounds=bounds)
    match = _FORMULA.fullmatch(text)
    if match is None:
        return None
    target, expression = _reference(match[1], text), match[2]
    if total := _TOTAL.fullmatch(expression):
        span = None if total[2] is None else (_of_axis(total[2], target), _of_axis(total[3], target))
        return Formula(text, target, total=total[1], span=span)
    return Formula(text, target, tuple(_terms(expression, text)))


def span_formula(target: int, addends: Sequence[int], of_rows: bool) -> Formula:
    """The formula of a sum of columns, or of rows."""

    def name(index: int) -> str:
        return f"row {index + 1}" if of_rows else column_name(index)

    first, last = (str(index + 1) if of_rows else column_name(index) for index in (addends[0], addends[-1]))
    is_span = [*addends] == [*range(addends[0], addends[-1] + 1)]
    text = f"{name(target)} = " + (f"sum {first}-{last}" if is_span else " + ".join(map(name, addends)))
    return Formula(text, Reference(name(target)), tuple(Term(1, (("*", Reference(name(each))),)) for each in addends))


def written(number: Fraction, like: str) -> str:
    """A number as text with as many decimals as a similar value, or more; rounded if it has no end."""
    decimals = len(re.split("[.,]", like)[-1]) if re.fullmatch(r"[-+]?\d+[.,]\d+", like) else 0
    exact = next((n for n in range(decimals, MAX_DECIMALS) if (number * 10**n).denominator == 1), decimals)
    number, decimals = Fraction(math.floor(number * 10**exact + Fraction(1, 2)), 10**exact), exact
    text = f"{Decimal(int(number * 10**decimals)).scaleb(-decimals):f}"
    if like.startswith("0") and like.isdigit() and number >= 0:
        text = text.zfill(len(like))
    return text.replace(".", ",") if "," in like else text


def number_of(cell: Cell, text: str) -> Fraction | None:
    """The number of a value of a cell: 0 if it is empty, None if it is no number or could not be read."""
    if not text:
        return None if cell.is_unread else Fraction(0)
    number = cell.number if text == cell.value else to_decimal(text)
    return None if number is None else Fraction(number)


def _reference(text: str, formula: str) -> Reference:
    match = _REFERENCE.fullmatch(text.strip())
    if match is None or not re.fullmatch(r"\w[\w ]{0,99}", match[1]):
        raise UserError(f"expected a formula such as {EXAMPLES}, received '{formula}'")
    name = match[1].upper() if re.fullmatch("[A-Za-z]{1,2}", match[1]) else match[1]
    return Reference(name, match[2] is not None)


def _of_axis(name: str, target: Reference) -> str:
    if name.isdigit() and target.name.startswith(("row ", "last row")):
        return f"row {name}"
    return name.upper() if re.fullmatch("[A-Za-z]{1,2}", name) else name


def _terms(expression: str, formula: str) -> list[Term]:
    first, *rest = _OPERATOR.split(expression.strip())
    pairs = [("+", first), *zip(rest[::2], rest[1::2], strict=True)]
    terms: list[Term] = []
    for operator, name in pairs:
        number = to_decimal(name)
        factor = _reference(name, formula) if number is None else Fraction(number)
        if operator in "+-":
            terms.append(Term(-1 if operator == "-" else 1, (("*", factor),)))
        else:
            terms[-1] = Term(terms[-1].sign, (*terms[-1].factors, ("/" if operator == "/" else "*", factor)))
    return terms


def _index(name: str, width: int) -> int | None:
    """The index of a column, or of a row, among n."""
    if name in ("last row", "last column"):
        return width - 1
    if match := _ROW.fullmatch(name):
        return int(match[1]) - 1
    return column_index(name) if re.fullmatch("[A-Z]{1,2}", name) else None


def _turned(relation: Relation) -> Relation:
    return replace(relation, places=tuple((row, column) for column, row in relation.places))


def _sum_gap(numbers: Sequence[Fraction]) -> Fraction:
    return numbers[-1] - sum(numbers[:-1])


def _mean_gap(numbers: Sequence[Fraction]) -> Fraction:
    return _rounded_gap(numbers[-1], Fraction(sum(numbers[:-1]), max(1, len(numbers) - 1)))


@dataclass(frozen=True)
class _ExpressionGap:
    terms: tuple[Term, ...]

    def __call__(self, numbers: Sequence[Fraction]) -> Fraction:
        left, value = iter(numbers), Fraction(0)
        for term in self.terms:
            product = Fraction(term.sign)
            for operator, factor in term.factors:
                number = next(left) if isinstance(factor, Reference) else factor
                product = product * number if operator == "*" else product / number if number else Fraction(0)
            value += product
        return _rounded_gap(numbers[-1], value)


def _rounded_gap(number: Fraction, exact: Fraction) -> Fraction:
    """The difference of a written number to the exact one, 0 if it is that one, rounded to its own decimals."""
    unit = Fraction(1)
    while (number / unit).denominator != 1 and unit > Fraction(1, 10**MAX_DECIMALS):
        unit /= 10
    is_whole = (exact / unit).denominator == 1 or (number.denominator == 1 and exact.denominator == 1)
    gap = number - exact
    return Fraction(0) if not is_whole and 2 * abs(gap) <= unit else gap


def _steps(formula: Formula, rows: Rows, column: int) -> list[Relation]:
    """The relations of each number of a column with the one before it."""
    filled = [row for row in range(len(rows)) if rows[row][column].value or rows[row][column].is_unread]
    pairs = [((before, column), (row, column)) for before, row in pairwise(filled)]
    if formula.step == "row number":
        return [_step(places[1], places, "is not one more than {above}", _RowGap(1)) for places in pairs]
    if formula.step == "next day":
        texts = [rows[row][column].value for row in filled]
        order = max(DAY_ORDERS, key=lambda each: _days_following(texts, each))
        day, like = _Day(order), _DayText(order)
        return [
            _step(places[1], places, "is not the day after {above}", _RowGap(1), number=day, text=like)
            for places in pairs
        ]
    digits = max((len(re.sub(r"\D.*", "", rows[row][column].value)) for row in filled), default=0)
    gap = _RisingGap(formula.bounds, Fraction(10**digits))
    says = "does not follow {above}" + (f" by {formula.bounds[0]} to {formula.bounds[1]}" if formula.bounds else "")
    return [_step(places[1], places, says, gap, is_evidence=False) for places in pairs]


def _step(place: tuple[int, int], places: tuple[Place, ...], says: str, gap: Any, **others: Any) -> Relation:
    return Relation(cell_name(*place), places, says, gap, **others)


@dataclass(frozen=True)
class _RowGap:
    step: int

    def __call__(self, numbers: Sequence[Fraction]) -> Fraction:
        return numbers[1] - numbers[0] - self.step


@dataclass(frozen=True)
class _RisingGap:
    bounds: tuple[Decimal, Decimal] | None
    modulus: Fraction  # a meter of n digits starts at 0 again

    def __call__(self, numbers: Sequence[Fraction]) -> Fraction:
        step = numbers[1] - numbers[0]
        if self.bounds is None:
            return min(step, Fraction(0))
        low, high = map(Fraction, self.bounds)
        if step < 0 and step + self.modulus <= high:
            step += self.modulus
        return min(step - low, Fraction(0)) + max(step - high, Fraction(0))


@dataclass(frozen=True)
class _Day:
    order: str

    def __call__(self, _: Cell, text: str) -> Fraction | None:
        parsed = _parse_day(text, self.order)
        return None if parsed is None else Fraction(parsed.toordinal())


@dataclass(frozen=True)
class _DayText:
    order: str

    def __call__(self, number: Fraction, like: str) -> str | None:
        return _like_day(date.fromordinal(int(number)), like, self.order) if number.denominator == 1 else None


def is_day(text: str) -> bool:
    """Whether a date is in the calendar, in the usual order of its parts."""
    return any(_parse_day(text, order) is not None for order in DAY_ORDERS)


def _parse_day(text: str, order: str) -> date | None:
    parts = re.split(r"[./-]", text.strip("."))
    if not all(map(str.isdigit, parts)) or len(parts) not in (2, 3) or (len(parts) == 2 and order == "ymd"):
        return None
    if len(parts) == 3 and (order == "ymd") != (len(parts[0]) == 4):
        return None
    named: Mapping[str, int] = dict(zip(order, map(int, parts), strict=False))
    day, month = named["d"], named["m"]
    year = named.get("y", LEAP_YEAR if (day, month) == (29, 2) else COMMON_YEAR)
    try:
        return date(year + 2000 if year < 100 else year, month, day)
    except ValueError:
        return None


def _like_day(day: date, like: str, order: str) -> str | None:
    """A date in the form of another one."""
    separators, parts = re.findall(r"[./-]", like.strip(".")), re.split(r"[./-]", like.strip("."))
    if len(parts) not in (2, 3):
        return None
    numbers = {"d": day.day, "m": day.month, "y": day.year}
    texts = []
    for letter, part in zip(order, parts, strict=False):
        number = numbers[letter] % 100 if letter == "y" and len(part) <= 2 else numbers[letter]
        texts.append(f"{number:0{len(part)}d}" if part.startswith("0") or letter == "y" else str(number))
    return "".join(part + separator for part, separator in zip(texts, [*separators, ""], strict=False))


def _days_following(texts: Sequence[str], order: str) -> int:
    days = [_parse_day(text, order) for text in texts]
    pairs = [(a, b) for a, b in pairwise(days) if a is not None and b is not None]
    return 1000 * sum((b - a).days == 1 for a, b in pairs) + len(pairs)
