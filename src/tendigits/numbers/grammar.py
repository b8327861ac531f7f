"""What a written number means, and whether people usually write such a text.

to_decimal("1.234,50")      # Decimal("1234.50")
to_decimal("12/05")         # None: a date
is_usual("12/05")           # True
is_usual("1,,2")            # False
is_usual("3/13456")         # False: more likely a slanted 1 than a slash
"""

import re
from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum

CLOSING = r"(?:[.,]?[-=]{1,2}|/-|[.,])"
"""Written behind an amount so that nobody can add digits: `500.-`, `500=`, `500,--`, `500/-`."""

UNSIGNED = r"(?:\d+(?:[.,]\d+)?|\d{1,3}(?:\.\d{3})+[.,]\d+|\d{1,3}(?:,\d{3})+[.,]\d+|[.,]\d+)"
"""A number matches in one way only: otherwise the time for a sum that fails would double with each of its numbers."""

NUMBER = rf"[-+]?{UNSIGNED}"
DATE = r"\d{1,4}([./-])\d{1,2}(?:\1\d{2,4})?"
TIME = r"\d{1,3}(?::\d{2}){1,2}(?:[.,]\d+)?"
SUM = rf"{NUMBER}(?:[-+x/:]{UNSIGNED})+(?:=(?:{NUMBER})?)?"

FORMS = (
    NUMBER,
    rf"={{0,2}}{NUMBER}{CLOSING}",
    rf"={{1,2}}{NUMBER}",
    rf"{NUMBER}%",
    rf"\({NUMBER}\)",
    rf"{NUMBER}\)",
    DATE,
    TIME,
    SUM,
    rf"{NUMBER}=",
)
"""Regular expressions of what people write."""

MAX_DATE_LENGTH = 10  # characters
MAX_POINTS = 100  # points of a test, as in `17/20`
_USUAL = re.compile("|".join(f"(?:{form})" for form in FORMS).replace(r"\1", r"[./-]"))
_SLASHES = re.compile(r"\d+(?:/\d+)+")
_AMOUNT = re.compile(rf"=*(?P<sign>[-+]?)(?P<amount>[\d.,]*?\d){CLOSING}?")


class DecimalSeparator(StrEnum):
    """Decimal separator."""

    AUTO = "auto"
    """Inferred from the number itself, or from the others on the page."""
    COMMA = "comma"
    POINT = "point"


def is_usual(text: str) -> bool:
    """Whether people write numbers, amounts, dates, times or sums like this.

    With slashes alone, only dates and points such as `17/20` are usual.
    """
    if not _SLASHES.fullmatch(text):
        return _USUAL.fullmatch(text) is not None
    numbers = [int(part) for part in text.split("/")]
    day_and_month = numbers[:2], numbers[-2:]
    is_date = any(1 <= min(pair) <= 12 and max(pair) <= 31 for pair in day_and_month)
    is_points = len(numbers) == 2 and numbers[0] <= numbers[1] <= MAX_POINTS
    return is_points or (is_date and len(numbers) <= 3 and len(text) <= MAX_DATE_LENGTH)


def to_decimal(text: str, separator: DecimalSeparator = DecimalSeparator.AUTO) -> Decimal | None:
    """Convert a written number: `(12)` is -12, `12%` is 0.12, and a closing mark, as in `500.-`, is ignored.

    None for dates, times, sums, and for ambiguous numbers: `1.234` with DecimalSeparator.AUTO.
    """
    if text.startswith("(") and text.endswith(")"):
        inner = to_decimal(text[1:-1], separator)
        return None if inner is None or inner < 0 else -inner
    if text.endswith("%"):
        percent = to_decimal(text[:-1], separator)
        return None if percent is None else percent / 100
    match = _AMOUNT.fullmatch(text)
    if match is None:
        return None
    amount = _normalize(match["amount"], separator)
    return None if amount is None else Decimal(match["sign"] + amount)


def common_separator(texts: Iterable[str]) -> DecimalSeparator:
    """The decimal separator of the numbers on a page; AUTO if they are ambiguous or disagree."""
    found = set()
    for match in filter(None, map(_AMOUNT.fullmatch, texts)):
        separators = DecimalSeparator.POINT, DecimalSeparator.COMMA
        possible = {each for each in separators if _normalize(match["amount"], each) is not None}
        if len(possible) == 1:
            found |= possible
    return found.pop() if len(found) == 1 else DecimalSeparator.AUTO


def _normalize(amount: str, separator: DecimalSeparator) -> str | None:
    """An amount with a decimal point and without groups of thousands; None if it has another form."""
    if separator is DecimalSeparator.AUTO:
        both = (_normalize(amount, each) for each in (DecimalSeparator.POINT, DecimalSeparator.COMMA))
        meanings = {each for each in both if each is not None}
        return meanings.pop() if len(meanings) == 1 else None
    decimal, group = (",", ".") if separator is DecimalSeparator.COMMA else (".", ",")
    whole, *fraction = amount.split(decimal)
    if len(fraction) > 1 or (fraction and not fraction[0].isdigit()):
        return None
    first, *others = whole.split(group)
    if others and (not 1 <= len(first) <= 3 or first.startswith("0") or any(len(each) != 3 for each in others)):
        return None
    return ".".join(["".join([first, *others]) or "0", *fraction])
