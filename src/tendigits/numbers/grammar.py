"""What a written number means, and whether people usually write such a text.

to_decimal("1.234,50")      # Decimal("1234.50")
to_decimal("12/05")         # None: a date
is_usual("12/05")           # True
is_usual("1,,2")            # False
is_usual("3/13456")         # False: more likely a slanted 1 than a slash
without_closing("500.-")    # "500"
"""

import re
from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache

UNSIGNED = r"(?:\d+(?:[.,]\d+)?|\d{1,3}(?:\.\d{3})+[.,]\d+|\d{1,3}(?:,\d{3})+[.,]\d+|[.,]\d+)"
"""A number matches in one way only: otherwise the time for a sum that fails would double with each of its numbers."""

NUMBER = rf"[-+]?{UNSIGNED}"
DATE = r"\d{1,2}([./-])\d{1,2}(?:\1(?:\d{2}|\d{4}))?|\d{4}([./-])\d{1,2}\2\d{1,2}"
TIME = r"\d{1,3}(?::[0-5]\d){1,2}(?:[.,]\d+)?"
POINTS = r"(\d{1,3})/(\d{1,3})"

USUAL = (
    rf"={{0,2}}{NUMBER}",  # `=500`: nobody can add digits in front
    rf"{NUMBER}%",
    rf"\({NUMBER}\)",
    rf"{UNSIGNED}\)",  # the number of an item in a list
    TIME,
    rf"{NUMBER}(?:[-+×÷]{UNSIGNED})+",
    rf"{NUMBER}(?:[-+×÷/:]{UNSIGNED})+=(?:{NUMBER})?",
)
"""Regular expressions of what people write, without a closing mark; and dates and points, which are not any numbers."""

CACHED_TEXTS = 10_000  # whose form is remembered: on a page the same ones are weighed again and again
MAX_POINTS = 100  # points of a test, as in `17/20`
_USUAL = re.compile("|".join(f"(?:{form})" for form in USUAL))
_CLOSING = re.compile(r"(?:/-|[.,:=-]+)$")
_AMOUNT = re.compile(r"=*(?P<sign>[-+]?)(?P<amount>[\d.,]*\d)")


class DecimalSeparator(StrEnum):
    """Decimal separator."""

    AUTO = "auto"
    """Inferred from the number itself, or from the others on the page."""
    COMMA = "comma"
    POINT = "point"


def without_closing(text: str) -> str:
    """A number without the mark behind it, such as in `500.-`, `500=`, `500/-`, `3×4=`, or the point of a sentence."""
    return _CLOSING.sub("", text)


@lru_cache(CACHED_TEXTS)
def is_usual(text: str) -> bool:
    """Whether people write numbers, amounts, dates, times, points or sums like this."""
    core = without_closing(text)
    is_number = _USUAL.fullmatch(text) or _USUAL.fullmatch(core)
    is_usual_date = is_date(core) and core.count(".") != 1  # 12.05 is a number
    return not text.endswith(":") and (is_number is not None or is_usual_date or _is_points(core))


def is_date(text: str) -> bool:
    """Whether two of its numbers are a day and a month."""
    if re.fullmatch(DATE, text) is None:
        return False
    numbers = [int(part) for part in re.split("[./-]", text)]
    pairs = [sorted(numbers[:2]), sorted(numbers[-2:])]
    return any(1 <= month <= 12 and day <= 31 for month, day in pairs)


def _is_points(text: str) -> bool:
    """Whether it is a number of points out of others."""
    match = re.fullmatch(POINTS, text)
    return match is not None and int(match[1]) <= int(match[2]) <= MAX_POINTS


def to_decimal(text: str, separator: DecimalSeparator = DecimalSeparator.AUTO) -> Decimal | None:
    """Convert a written number: `(12)` is -12, `12%` is 0.12, and a closing mark is ignored.

    None for dates, times, sums, and for ambiguous numbers: `1.234` with DecimalSeparator.AUTO.
    """
    if text.startswith("(") and text.endswith(")"):
        inner = to_decimal(text[1:-1], separator)
        return None if inner is None or inner < 0 else -inner
    if text.endswith("%"):
        percent = to_decimal(text[:-1], separator)
        return None if percent is None else percent / 100
    match = _AMOUNT.fullmatch(without_closing(text))
    if match is None:
        return None
    amount = _normalize(match["amount"], separator)
    return None if amount is None else Decimal(match["sign"] + amount)


def common_separator(texts: Iterable[str]) -> DecimalSeparator:
    """The decimal separator of the numbers on a page; AUTO if they are ambiguous or disagree."""
    found = set()
    for match in filter(None, (_AMOUNT.fullmatch(without_closing(text)) for text in texts)):
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
