"""How answers are scored: what is right, what its reader accepts, and how often it is wrong where it is confident.

score(own, answers).right              # own: a Set; answers: of each picture a list of (text, confidence, accepted)
score(own, answers, apart=True)        # numbers in a grid's cells: what the reader joined is taken apart
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from itertools import groupby
from typing import Any

from reading_sets import Set

Piece = Sequence[Any]
"""Of an answer: text, confidence (0 to 1), and whether the reader accepts it; None is where a digit may be."""

RISK = 0.01
"""Coverages are compared at this fraction of wrong answers among the accepted ones."""


@dataclass(frozen=True)
class Item:
    """Something that was read, and can be accepted: what stands in a picture, a line of a page, a number of a grid."""

    confidence: float
    accepted: bool
    right: bool


@dataclass
class Score:
    """The result of one reader on one set."""

    n: int = 0
    """Digits, lines or numbers that are there; pictures, where there is nothing to read."""
    right: int = 0
    """Those that were read exactly; pictures of nothing in which nothing was read."""
    pieces: int = 0
    """Pictures of one line that are right, but were read as several numbers."""
    items: list[Item] = field(default_factory=list)
    digits: int = 0
    """Digits that are there."""
    lost: int = 0
    """Those that were neither read nor reported, as far as a picture has more digits than that."""
    wrong: list[int] = field(default_factory=list)
    """The numbers of the pictures that were not read exactly."""

    def record(self) -> dict[str, Any]:
        """What is kept of it as JSON."""
        accepted = [item.right for item in self.items if item.accepted]
        curve = [*risk_coverage(self.items, self.n)]
        return {
            "n": self.n, "right": self.right, "pieces": self.pieces, "accepted": len(accepted),
            "wrong_accepted": accepted.count(False),
            "digits": self.digits, "lost": self.lost,
            "covered": round(max((coverage for coverage, risk in curve if risk <= RISK), default=0.0), 4),
        }  # fmt: skip


def score(own: Set, answers: Sequence[Sequence[Piece]], apart: bool = False) -> Score:
    """Score a reader's answers.

    Args:
        apart: each character of a grid is a separate number. Only where cells have one digit, for readers of text,
            which take a row for a line.
    """
    result = Score()
    for number, (true, pieces) in enumerate(zip(own.truth, answers, strict=True)):
        right_before, n_before = result.right, result.n
        n_reported, pieces = len(pieces), [piece for piece in pieces if piece[0] is not None]
        n_reported += _digits([text for text, _, _ in pieces]) - len(pieces)
        result.digits += _digits(true)
        result.lost += max(0, _digits(true) - n_reported)
        if own.kind == "nothing":
            _score_nothing(result, pieces)
        elif isinstance(true, list):
            _score_list(
                result, true, [(x, *rest) for text, *rest in pieces for x in text] if apart else pieces, own.kind
            )
        else:
            _score_one(result, true, pieces)
        if result.right - right_before < result.n - n_before:
            result.wrong.append(number)
    return result


def _digits(texts: Sequence[str]) -> int:
    """How many digits there are in some texts."""
    return sum(map(str.isdigit, "".join(texts)))


def _score_nothing(result: Score, pieces: Sequence[Piece]) -> None:
    """A picture with nothing to read: all that is read is wrong, and the picture counts once."""
    result.n += 1
    result.right += not pieces
    if pieces:
        _, confidences, accepted = zip(*pieces, strict=True)
        result.items.append(Item(max(confidences), any(accepted), False))


def _score_one(result: Score, true: str, pieces: Sequence[Piece]) -> None:
    """A digit or a line: the pieces make one number, which is as certain as the least certain of them."""
    result.n += 1
    if not pieces:
        return
    texts, confidences, accepted = zip(*pieces, strict=True)
    right = "".join(texts) == true
    result.right += right
    result.pieces += right and len(pieces) > 1
    result.items.append(Item(min(confidences), all(accepted), right))


def _score_list(result: Score, true: list[str], pieces: Sequence[Piece], kind: str) -> None:
    """A page of lines or a grid of numbers."""
    texts = [text for text, _, _ in pieces]
    good = {*(right_lines if kind == "page" else in_order)(texts, true)}
    result.n += len(true)
    result.right += len(good)
    result.items += [Item(confidence, accepted, i in good) for i, (_, confidence, accepted) in enumerate(pieces)]


def right_lines(read: list[str], true: list[str]) -> list[int]:
    """Which of a page's lines are right: in their order or, if lines were missed or invented, wherever they stand."""
    if len(read) == len(true):
        return [i for i, (a, b) in enumerate(zip(read, true, strict=True)) if a == b]
    left, right = Counter(true), []
    for i, line in enumerate(read):
        if left[line] > 0:
            left[line] -= 1
            right.append(i)
    return right


def in_order(read: list[str], true: list[str]) -> list[int]:
    """Which of the numbers that were read are right, where both stand in the same order."""
    blocks = SequenceMatcher(a=true, b=read, autojunk=False).get_matching_blocks()
    return [i for block in blocks for i in range(block.b, block.b + block.size)]


def risk_coverage(items: Sequence[Item], n: int) -> Iterator[tuple[float, float]]:
    """For each confidence: the fraction of `n` accepted from there on, and the fraction of these that is wrong."""
    taken = wrong = 0
    ordered = sorted(items, key=lambda item: -item.confidence)
    for _, equal in groupby(ordered, key=lambda item: item.confidence):
        for item in equal:
            taken, wrong = taken + 1, wrong + (not item.right)
        yield taken / n, wrong / taken
