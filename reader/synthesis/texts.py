"""What people write where numbers stand: integers, amounts, dates, times, sums; and words, which are not to be read.

text = draw_number(rng)     # "12.50"
"""

from pathlib import Path

import numpy as np

Rng = np.random.Generator

LENGTHS = (0.17, 0.2, 0.18, 0.15, 0.12, 0.09, 0.06, 0.03)
"""Probability of 1, 2, ... digits in an integer."""

ROUND = 0.12
"""Share of the integers that end in zeros."""

LETTERS = "acdefhkmnprtuvwyACEFHKMNPRTUVWXY"
"""Letters that do not look like a digit: only these stand alone. In words, the other letters show what one is."""

WORDS = Path(__file__).with_name("words.txt").read_text().split()
"""Words of forms, tables, bills and notes, in a few languages."""


def draw_integer(rng: Rng, longest: int = 8) -> str:
    """Digits, each as frequent as any other; leading zeros are allowed."""
    weights = np.array(LENGTHS[:longest])
    n = 1 + int(rng.choice(len(weights), p=weights / weights.sum()))
    digits = "".join(map(str, rng.integers(0, 10, n)))
    if n > 2 and rng.random() < ROUND:
        zeros = int(rng.integers(1, n))
        digits = digits[: n - zeros] + "0" * zeros
    return digits


def _fixed(rng: Rng, *lengths: int) -> list[str]:
    return ["".join(map(str, rng.integers(0, 10, n))) for n in lengths]


def _decimal(rng: Rng) -> str:
    return f"{draw_integer(rng, 4)}{rng.choice(list('.,'))}{_fixed(rng, int(rng.integers(1, 4)))[0]}"


def _thousands(rng: Rng) -> str:
    mark = str(rng.choice(list("..,")))
    groups = _fixed(rng, *[3] * int(rng.integers(1, 3)))
    if rng.random() < 0.3:
        groups[-1] = "000"
    return mark.join([draw_integer(rng, 3), *groups])


def draw_date(rng: Rng, marks: str = "./-") -> str:
    """A date, or a day and a month, with one of these marks between them."""
    mark, zeros = str(rng.choice(list(marks))), int(rng.integers(1, 3))
    first, second = (31, 12) if rng.random() < 0.7 else (12, 31)
    parts = [f"{rng.integers(1, most + 1):0{zeros}}" for most in (first, second)]
    year = _fixed(rng, 2)[0] if rng.random() < 0.5 else str(rng.integers(1900, 2050))
    return mark.join([*parts, year][: int(rng.integers(2, 4))])


def _time(rng: Rng) -> str:
    parts = [f"{rng.integers(0, 60):02}" for _ in range(int(rng.integers(1, 3)))]
    return ":".join([*_fixed(rng, int(rng.integers(1, 3))), *parts])


def _signed(rng: Rng) -> str:
    return str(rng.choice(list("---++×"))) + (draw_integer(rng, 5) if rng.random() < 0.6 else _decimal(rng))


def _sum(rng: Rng) -> str:
    text = f"{draw_integer(rng, 3)}{rng.choice(list('+-×÷÷:'))}{draw_integer(rng, 3)}"
    return text + (f"={draw_integer(rng, 3)}" if rng.random() < 0.6 else "=" if rng.random() < 0.5 else "")


def _points(rng: Rng) -> str:
    """Points out of a maximum, as on a test. Elsewhere a stroke between digits is a 1."""
    most = int(rng.choice([5, 6, 10, 12, 20, 25, 30, 40, 50, 60, 100]))
    return f"{rng.integers(0, most + 1)}/{most}"


def _amount(rng: Rng) -> str:
    """As on a cheque: with what keeps others from adding digits."""
    number = draw_integer(rng) if rng.random() < 0.4 else _thousands(rng)
    return number + str(rng.choice([".-", ",-", "-", "=", ".", ",", ".=", "--", "/-"]))


def _bracketed(rng: Rng) -> str:
    return f"({draw_integer(rng, 4)})"


def _percent(rng: Rng) -> str:
    return (draw_integer(rng, 3) if rng.random() < 0.6 else _decimal(rng)) + "%"


def draw_reading(rng: Rng) -> str:
    """What a meter shows: some digits, and often a point before the last ones."""
    zeros = "0" * int(rng.integers(1, 4)) if rng.random() < 0.4 else ""
    digits = zeros + _fixed(rng, int(rng.integers(1, 9 - len(zeros))))[0]
    decimals = int(rng.choice([1, 1, 1, 2, 3]))
    return f"{digits[:-decimals]}.{digits[-decimals:]}" if len(digits) > decimals and rng.random() < 0.55 else digits


KINDS = (draw_integer, _decimal, _thousands, draw_date, _points, _time, _signed, _sum, _amount, _bracketed, _percent)
SHARES = (0.33, 0.14, 0.09, 0.09, 0.02, 0.06, 0.06, 0.09, 0.07, 0.02, 0.03)


def draw_number(rng: Rng, longest: int | None = None) -> str:
    """A number as people write it, of CHARACTERS, up to a length."""
    text = KINDS[int(rng.choice(len(KINDS), p=SHARES))](rng)
    return text if longest is None or len(text) <= longest else draw_integer(rng, longest)


def draw_word(rng: Rng) -> str:
    """A word, or letters that make no word."""
    if rng.random() < 0.6:
        return WORDS[int(rng.integers(len(WORDS)))]
    return "".join(rng.choice(list(LETTERS), int(rng.integers(1, 7))))
