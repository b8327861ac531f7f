"""What a written number means, and whether it has a form that people write.

to_decimal("1.234,50", DecimalSeparator.AUTO)       # Decimal("1234.50")
to_decimal("12/05", DecimalSeparator.AUTO)          # None: a date
is_usual("12/05")                       # True
is_usual("1,,2")                        # False
is_usual("3/13456")                     # False: a leaning 1 is more frequent than such a stroke
"""

import re
from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum

FILLER = r"(?:[.,]?[-=]{1,2}|/-|[.,])"
"""What keeps others from adding digits: `500.-`, `500=`, `500,--`, `500/-`."""

AMOUNT = r"(?:\d+|\d{1,3}(?:\.\d{3})+|\d{1,3}(?:,\d{3})+)"
UNSIGNED = rf"(?:{AMOUNT}(?:[.,]\d+)?|[.,]\d+)"
NUMBER = rf"[-+]?{UNSIGNED}"

DATE, TIME = r"\d{1,4}([./-])\d{1,2}(?:\1\d{2,4})?", r"\d{1,3}(?::\d{2}){1,2}(?:[.,]\d+)?"

FORMS = (
    NUMBER,
    rf"={{0,2}}{NUMBER}{FILLER}",
    rf"={{1,2}}{NUMBER}",
    rf"{NUMBER}%",
    rf"\({NUMBER}\)",
    rf"{NUMBER}\)",
    DATE,
    TIME,
    rf"{NUMBER}(?:[-+x/:]{UNSIGNED})+(?:=(?:{NUMBER})?)?",  # sums
    rf"{NUMBER}=",
)

LONGEST_DATE = 10
"""Characters."""

MOST_POINTS = 100
"""Points that a test has."""

_USUAL = re.compile("|".join(f"(?:{form})" for form in FORMS).replace(r"\1", r"[./-]"))
_STROKES = re.compile(r"\d+(?:/\d+)+")
_AMOUNT = re.compile(rf"=*(?P<sign>[-+]?)(?P<amount>[\d.,]*?\d){FILLER}?")


class DecimalSeparator(StrEnum):
    """Which mark parts a number's decimals."""

    AUTO = "auto"
    """The one that the number itself tells, or the others on the page."""
    COMMA = "comma"
    POINT = "point"


def is_usual(text: str) -> bool:
    """Whether people write numbers, amounts, dates, times or sums like this.

    Strokes alone stand in dates and between points, as in `17/20`.
    """
    if not _STROKES.fullmatch(text):
        return _USUAL.fullmatch(text) is not None
    numbers = [int(part) for part in text.split("/")]
    days_and_months = numbers[:2], numbers[-2:]
    is_date = any(1 <= min(pair) <= 12 and max(pair) <= 31 for pair in days_and_months)
    are_points = len(numbers) == 2 and numbers[0] <= numbers[1] <= MOST_POINTS
    return are_points or (is_date and len(numbers) <= 3 and len(text) <= LONGEST_DATE)


def to_decimal(text: str, mark: DecimalSeparator = DecimalSeparator.AUTO) -> Decimal | None:
    """The number that is written.

    `(12)` is -12, `12%` is 0.12, and what only fills the room behind an amount, as in `500.-`, is ignored. None for
    dates, times, sums, and where the mark may part decimals or thousands: `1.234` with DecimalSeparator.AUTO.
    """
    if text.startswith("(") and text.endswith(")"):
        inner = to_decimal(text[1:-1], mark)
        return None if inner is None or inner < 0 else -inner
    if text.endswith("%"):
        whole = to_decimal(text[:-1], mark)
        return None if whole is None else whole / 100
    found = _AMOUNT.fullmatch(text)
    if found is None:
        return None
    parted = _part(found["amount"], mark)
    return None if parted is None else Decimal(found["sign"] + parted)


def common_separator(texts: Iterable[str]) -> DecimalSeparator:
    """The mark of decimals in numbers that stand on one page, AUTO if they don't tell or disagree."""
    seen = set()
    for text in texts:
        found = _AMOUNT.fullmatch(text)
        if found is None or not (marks := re.findall("[.,]", found["amount"])):
            continue
        tells = {
            mark
            for mark in (DecimalSeparator.POINT, DecimalSeparator.COMMA)
            if _part(found["amount"], mark) is not None
        }
        if len(tells) == 1 and (len(set(marks)) == 2 or _part(found["amount"], DecimalSeparator.AUTO) is not None):
            seen |= tells
    return seen.pop() if len(seen) == 1 else DecimalSeparator.AUTO


def _part(amount: str, mark: DecimalSeparator) -> str | None:
    """An amount with a point before its decimals and nothing else in it; None if it has another form."""
    if mark is DecimalSeparator.AUTO:
        both = {each: _part(amount, each) for each in (DecimalSeparator.POINT, DecimalSeparator.COMMA)}
        meant = {parted for parted in both.values() if parted is not None}
        return meant.pop() if len(meant) == 1 else None
    decimal, group = (",", ".") if mark is DecimalSeparator.COMMA else (".", ",")
    whole, *fraction = amount.split(decimal)
    if len(fraction) > 1 or (fraction and not fraction[0].isdigit()):
        return None
    groups = whole.split(group)
    grouped = len(groups) > 1
    if grouped and (not 1 <= len(groups[0]) <= 3 or groups[0].startswith("0") or any(len(g) != 3 for g in groups[1:])):
        return None
    return ".".join(["".join(groups) or "0", *fraction])
