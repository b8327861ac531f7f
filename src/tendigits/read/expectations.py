r"""What a person expects in a column, in a field of a form, or on the whole page.

expected = parse("A: roster.csv, B: date, C-E: 0..20")
expected.targets["A"].fits("40275")     # whether it is one of the roster
parse("\d{8} and luhn").everywhere      # for every number of the page

Errors never show what stands in a file of values.
"""

import csv
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

from tendigits.errors import UserError, reason_of
from tendigits.numbers.decode import CHARACTERS
from tendigits.numbers.grammar import TIME, DecimalSeparator, is_date, to_decimal, without_closing
from tendigits.tables.cell import column_index, column_name
from tendigits.tables.formulas import Formula, is_day, parse_formula
from tendigits.tables.options import Sums
from tendigits.untrusted import read_file

MAX_VALUES = 10_000  # of a list: among more, most misread numbers would be valid ones, too
MAX_FILE_BYTES = 4 * 2**20
MAX_KINDS = 4  # that are joined by "and"
MAX_KIND_CHARACTERS = 500  # of a file's name or a pattern; only a list may be longer
MAX_VARIABLE_ITEMS = 4  # ? + * {1,2} of a pattern: with more, trying it could take minutes

EXAMPLE = "A: 0..100, B: date, C-E: roster.csv"
FILES = (".csv", ".txt")
KINDS = r"0..20, 7|14|21, date, time, decimal(1), integer, number, luhn, mod11, isbn, ean, \d{2}/\d{4} or roster.csv"

SUMS = {"total = sum": Sums.BOTH, "last column = sum": Sums.LAST_COLUMN, "last row = sum": Sums.LAST_ROW}
STEPS = {"rising": "number", "next day": "date", "row number": "integer"}  # and what each value is then

# What commas separate, but not those of a pattern. Lengths are limited, so that no text takes long.
PART = re.compile(r"(?:\\.|\{[\d,]{0,9}\}|\[[^\]]{0,99}\]|[^,])+")
_TARGET = re.compile(r"([^:\\\[{(|]{1,100}?)\s*:(?![\\/])\s*(.+)")
_COLUMNS = re.compile(r"([A-Za-z]{1,2})(?:\s*-\s*([A-Za-z]{1,2}))?")
_MISTYPED_RANGE = re.compile(r"(?:([\w -]{0,99}?)[\s:]\s*)?(\d+(?:\.\d+)?)\s*(?:-|–|\.+|to)\s*(\d+(?:\.\d+)?)")  # noqa: RUF001
_SET = r"\[(?:\d-\d|[\d.,/:+=()%×÷]|-(?=\]))+\]"
_ITEM = re.compile(rf"(\\d|\\[^\w\s]|{_SET}|[^\\\[\](){{}}|?*+^$])(\{{\d{{1,2}}(?:,\d{{1,2}})?\}}|[?*+])?")
_SPECIAL = re.compile(r"[\\\[{?*+]")
_DECIMAL = re.compile(r"decimal\(([1-9])\)")

Fits = Callable[[str, Decimal | None], bool]
"""Whether a value, and the number that it stands for, are as expected. Can be pickled."""


class Kind(NamedTuple):
    """A kind of values."""

    fits: Fits
    example: str = "0"
    values: tuple[str, ...] | None = None  # all of them, if they are listed
    path: Path | None = None  # of the file with the list


@dataclass(frozen=True)
class Expectation:
    """What is expected of one value."""

    text: str  # as the user wrote it, such as "0..100"
    kinds: tuple[Kind, ...] = field(repr=False)  # it is of all of these

    @property
    def values(self) -> tuple[str, ...] | None:
        """All values that fit, if they are listed."""
        return next((kind.values for kind in self.kinds if kind.values is not None), None)

    def fits(self, value: str, separator: DecimalSeparator = DecimalSeparator.AUTO) -> bool:
        """Whether a value, without a closing mark, is as expected."""
        number = to_decimal(value, separator)
        return all(kind.fits(value, number) for kind in self.kinds)


@dataclass(frozen=True)
class Expectations:
    """What is expected on a page."""

    everywhere: Expectation | None = None  # of every number for which nothing else is expected
    targets: Mapping[str, Expectation] = field(default_factory=dict)  # by the column's or the field's name
    sums: Sums = Sums.AUTO  # where tables have them
    formulas: tuple[Formula, ...] = ()  # which connect columns, rows or fields

    def of(self, name: str) -> Expectation | None:
        """What is expected of a column or a field."""
        return self.targets.get(name, self.everywhere)

    @property
    def paths(self) -> list[Path]:
        """The files of values."""
        expectations = filter(None, [self.everywhere, *self.targets.values()])
        return [kind.path for each in expectations for kind in each.kinds if kind.path is not None]

    def check_fields(self, fields: Iterable[str]) -> None:
        """Raise UserError if something is expected of a field that the form does not have."""
        fields = [*fields]
        check_fields(self.targets, fields)
        for formula in self.formulas:
            check_fields(formula.names, fields)


NOTHING = Expectations()


def parse(text: "str | Expectations", *, fields: bool = False, files: bool = True) -> Expectations:
    """Parse expectations such as `A: 0..100, B: date`, or `date` for all numbers.

    Args:
        text: parts of the form `TARGET: KIND and KIND`, separated by commas, the target left out for the whole page;
            what was parsed already is returned as it is.
        fields: whether the targets are fields of a form, and not columns of a table.
        files: whether it may name files of values on this machine.

    Raises:
        UserError: something has another form, or could never be found.
    """
    if isinstance(text, Expectations):
        return text
    everywhere: Expectation | None = None
    targets: dict[str, Expectation] = {}
    sums, formulas = Sums.AUTO, list[Formula]()
    for part in filter(None, map(str.strip, PART.findall(text))):
        if (formula := parse_formula(part)) is not None:
            if not fields and formula.text in SUMS:
                sums = SUMS[formula.text]
                continue
            if not fields and (unknown := formula.unknown_columns()):
                raise UserError(f"expected columns such as B or rows such as row 7, received '{unknown}' in '{part}'")
            formulas.append(formula)
            if formula.step is None:
                continue
            part = f"{formula.target.name}: {STEPS[formula.step]}"
        match = _TARGET.fullmatch(part)
        names = [""] if match is None else [match[1]] if fields else _columns(match[1], part)
        expectation = _parse_expectation(part if match is None else match[2], part, files)
        if repeated := [name for name in names if name in targets or (not name and everywhere is not None)]:
            raise UserError(
                f"expected one kind for {repeated[0] or 'the whole page'}, received two; join them: '... and ...'"
            )
        if match is None:
            everywhere = expectation
        else:
            targets |= dict.fromkeys(names, expectation)
    return Expectations(everywhere, targets, sums, tuple(formulas))


def parse_answer(text: str) -> Expectation:
    """Parse the answer of a key: a value, or what several of them have in common, such as `9.8..10` or `1/2|0.5`."""
    number = to_decimal(text)
    if text and not set(text) - {*CHARACTERS} and ".." not in text:
        return Expectation(text, (Kind(partial(_is_value, text, number), text),))
    return _parse_expectation(text, text, files=False)


def check_fields(names: Iterable[str], fields: Iterable[str]) -> None:
    """Raise UserError for a name that is not a field of the form."""
    known = [*fields]
    if unknown := [name for name in names if name not in known]:
        raise UserError(f'the form has no field "{unknown[0]}", expected one of its fields: {", ".join(known)}')


def read_rows(path: Path) -> list[list[str]]:
    """The rows of a CSV, without empty ones; see `read_csv`."""
    return [row for row in read_csv(path) if any(row)]


def read_csv(path: Path) -> list[list[str]]:
    """All rows of a CSV with commas, semicolons or tabs. Raises UserError."""
    try:
        return parse_csv(read_file(path, MAX_FILE_BYTES).decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise UserError(f"expected text in UTF-8 in {path}, received other bytes; save it as CSV UTF-8") from None
    except (OSError, ValueError, csv.Error) as error:
        raise UserError(f"expected a CSV file at {path}, received {reason_of(error)}") from None


def parse_csv(text: str) -> list[list[str]]:
    """All rows of a CSV. Raises csv.Error."""
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    return [[cell.strip() for cell in row] for row in csv.reader(text.splitlines(), delimiter=delimiter)]


def _columns(text: str, part: str) -> list[str]:
    """The names of the columns of a target such as C-E."""
    match = _COLUMNS.fullmatch(text)
    if match is None:
        raise UserError(f"expected columns such as '{EXAMPLE}', received '{part}'")
    first, last = column_index(match[1]), column_index(match[2] or match[1])
    if first > last:
        raise UserError(f"expected columns from left to right, received {text}; write {match[2]}-{match[1]}")
    return [column_name(index) for index in range(first, last + 1)]


def _parse_expectation(text: str, part: str, files: bool) -> Expectation:
    parts = text.split(" and ")
    if len(parts) > MAX_KINDS:
        raise UserError(f"expected at most {MAX_KINDS} kinds joined by 'and', received {len(parts)}")
    kinds = tuple(_parse_kind(kind.strip(), part, files) for kind in parts)
    checks = [kind for kind in kinds if kind.fits in CHECK_DIGITS.values()]
    if checks and (others := [kind.example for kind in kinds if not kind.example.replace("-", "").isdigit()]):
        raise UserError(f"expected whole numbers for a check digit, received '{part}', which are such as {others[0]}")
    expectation = Expectation(text, kinds)
    for row, value in enumerate(expectation.values or (), 1):
        if not expectation.fits(value):
            raise UserError(f"expected values that fit '{text}', value {row} of its list does not")
    return expectation


def _parse_kind(text: str, part: str, files: bool) -> Kind:
    if text in NAMED:
        return NAMED[text]
    if "|" in text and not _SPECIAL.search(text):
        return _list(text.split("|"), "the list")
    if len(text) > MAX_KIND_CHARACTERS:
        raise UserError(f"expected at most {MAX_KIND_CHARACTERS} characters for a kind, received {len(text):,}")
    if match := _DECIMAL.fullmatch(text):
        n = int(match[1])
        return Kind(partial(_has_decimals, n), "0." + "0" * n)
    low, dots, high = text.partition("..")
    if dots and (bounds := _range(low, high)):
        return Kind(partial(_is_between, *bounds), low)
    if Path(text.partition("#")[0]).suffix.lower() in FILES:
        if not files:
            raise UserError(f"expected no file of values here, received '{part}'; list them as 7|14|21")
        return _list(_values_of(text), text)._replace(path=Path(text.partition("#")[0]))
    if _SPECIAL.search(text):
        return _parse_pattern(text)
    hint = f"expected {KINDS}, or 'A: date' for column A"
    if match := _MISTYPED_RANGE.fullmatch(part):
        target, (low, high) = f"{match[1]}: " if match[1] else "", sorted(match.groups()[1:], key=float)
        hint = f"expected '{target}{low}..{high}'"
    raise UserError(f"{hint}, received '{part}'")


def _range(low: str, high: str) -> tuple[Decimal, Decimal] | None:
    try:
        bounds = Decimal(low), Decimal(high)
    except InvalidOperation:
        return None
    return bounds if bounds[0].is_finite() and bounds[1].is_finite() and bounds[0] <= bounds[1] else None


def _parse_pattern(text: str) -> Kind:
    """Parse a regular expression without groups. Raises UserError if nothing that is read can match it."""
    examples = []
    for alternative in text.split("|"):
        items = [*_ITEM.finditer(alternative)]
        if "".join(item[0] for item in items) != alternative:
            raise UserError(rf"expected a pattern of characters, \d, [135], ?, +, *, {{2}}, received '{alternative}'")
        if all(item[2] in ("{0}", "{0,0}") for item in items):
            raise UserError(f"expected a pattern that matches something, received '{text}'")
        if sum(item[2] is not None and ("," in item[2] or "{" not in item[2]) for item in items) > MAX_VARIABLE_ITEMS:
            raise UserError(f"expected at most {MAX_VARIABLE_ITEMS} of ?, +, * and {{1,2}}, received '{alternative}'")
        examples.append("".join(map(_example_of, items)))
    try:
        pattern = re.compile(text)
    except (re.error, OverflowError) as error:
        raise UserError(f"expected a pattern, received '{text}': {reason_of(error)}") from None
    for alternative, example in zip(text.split("|"), examples, strict=True):
        if example != without_closing(example):
            raise UserError(f"'{alternative}' ends with a mark that closes a number, which is not read as a part of it")
    return Kind(partial(_matches, pattern), examples[0])


def _example_of(item: re.Match[str]) -> str:
    """The shortest text that an item of a pattern matches."""
    n = {"?": 0, "*": 0, "+": 1, None: 1}.get(item[2])
    n = int(item[2].strip("{}").partition(",")[0]) if n is None else n
    character = next((each for each in CHARACTERS if re.fullmatch(item[1], each)), "")
    if n and not character:
        raise UserError(f"'{item.string}' cannot match: '{item[1]}' is not read, only {CHARACTERS}")
    return n * character


def _list(values: Sequence[str], name: str) -> Kind:
    if len(values) > MAX_VALUES:
        raise UserError(f"expected at most {MAX_VALUES:,} values in {name}, received {len(values):,}")
    places: dict[str, int] = {}
    for row, value in enumerate(values, 1):
        if not value or set(value) - {*CHARACTERS}:
            raise UserError(f"expected numbers in {name}, value {row} has characters that are not read")
        if (before := places.setdefault(value, row)) != row:
            raise UserError(f"expected each value of {name} once, the values {before} and {row} are the same")
    return Kind(partial(_is_one_of, frozenset(values)), values[0], tuple(values))


def _values_of(address: str) -> list[str]:
    """The values in a file: its only column of numbers, or the one that is named, as in roster.csv#student."""
    path, _, wanted = address.partition("#")
    rows = read_rows(Path(path))
    if rows and len(rows) * max(map(len, rows)) > MAX_FILE_BYTES:  # each cell of a rectangle takes a byte of the file
        raise UserError(f"expected rows of equally many columns in {path}, received one of {max(map(len, rows)):,}")
    columns = [[*column] for column in zip_longest(*rows, fillvalue="")]
    if wanted:
        heads = rows[0] if rows else []
        is_letter = _COLUMNS.fullmatch(wanted) and wanted.isalpha() and column_index(wanted) < len(columns)
        index = heads.index(wanted) if wanted in heads else column_index(wanted) if is_letter else None
        if index is None:
            raise UserError(f"expected the head or the letter of a column of {path}, received '{wanted}'")
        found = [columns[index]]
    else:
        found = [column for column in columns if all(map(_is_readable, column[1:])) and any(map(_is_readable, column))]
    if len(found) != 1:
        raise UserError(
            f"expected one column of numbers in {path}, received {len(found)}; write {path}#B for its second one"
        )
    (column,) = found
    return column if _is_readable(column[0]) else column[1:]


def _is_readable(value: str) -> bool:
    return bool(value) and not set(value) - {*CHARACTERS}


def _is_value(text: str, wanted: Decimal | None, value: str, number: Decimal | None) -> bool:
    return value == text or (number is not None and number == wanted)


def _is_between(low: Decimal, high: Decimal, value: str, number: Decimal | None) -> bool:
    has_needless_sign = low >= 0 and value.startswith("+")
    return number is not None and low <= number <= high and not has_needless_sign


def _is_one_of(values: frozenset[str], value: str, _: Decimal | None) -> bool:
    return value in values


def _matches(pattern: re.Pattern[str], value: str, _: Decimal | None) -> bool:
    return pattern.fullmatch(value) is not None


def _has_decimals(n: int, value: str, _: Decimal | None) -> bool:
    return re.fullmatch(rf"[-+]?\d+[.,]\d{{{n}}}", value) is not None


def _is_integer(_: str, number: Decimal | None) -> bool:
    return number is not None and number == number.to_integral_value()


def _is_number(_: str, number: Decimal | None) -> bool:
    return number is not None


def _is_date(value: str, _: Decimal | None) -> bool:
    return is_date(value) and is_day(value)


def _is_time(value: str, _: Decimal | None) -> bool:
    return re.fullmatch(TIME, value) is not None


def _has_luhn(value: str, _: Decimal | None) -> bool:
    """ISO/IEC 7812-1: every second digit from the right is doubled, and its digits are added."""
    return value.isdigit() and _weighted(value, (1, 2), digit_sums=True) % 10 == 0


def _has_mod11(value: str, _: Decimal | None) -> bool:
    """Weights 1, 2, 3, ... from the right, as of ISBN-10 and of NHS numbers."""
    return value.isdigit() and _weighted(value, range(1, len(value) + 1)) % 11 == 0


def _has_ean(value: str, _: Decimal | None) -> bool:
    """GTIN-8, -12, -13 and -14."""
    return value.isdigit() and len(value) in (8, 12, 13, 14) and _weighted(value, (1, 3)) % 10 == 0


def _has_isbn(value: str, _: Decimal | None) -> bool:
    """ISBN-13, or ISBN-10 unless its check digit is an X, which is not read; with or without hyphens."""
    digits = value.replace("-", "")
    is_new = len(digits) == 13 and digits.startswith(("978", "979")) and _has_ean(digits, None)
    return is_new or (len(digits) == 10 and _has_mod11(digits, None))


def _weighted(value: str, weights: Sequence[int], digit_sums: bool = False) -> int:
    products = [int(digit) * weights[i % len(weights)] for i, digit in enumerate(reversed(value))]
    return sum(map(int, "".join(map(str, products)))) if digit_sums else sum(products)


CHECK_DIGITS: Mapping[str, Fits] = {"luhn": _has_luhn, "mod11": _has_mod11, "isbn": _has_isbn, "ean": _has_ean}
NAMED: Mapping[str, Kind] = {
    "integer": Kind(_is_integer),
    "number": Kind(_is_number),
    "date": Kind(_is_date, "1/1"),
    "time": Kind(_is_time, "0:00"),
    **{name: Kind(fits) for name, fits in CHECK_DIGITS.items()},
}
