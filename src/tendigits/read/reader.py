"""Read digits in pictures.

reader = tendigits.Reader()
reader.read("page.jpg").lines[0].value          # a page: lines of numbers
reader.digit("seven.png").label                 # a picture of one digit
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tendigits.data.preprocess import FIELD, to_mnist
from tendigits.errors import UserError
from tendigits.read.find import Found, FoundPage, find_digit, find_page
from tendigits.read.lines import LOW
from tendigits.read.network import Answers, Network, bundled, of_file
from tendigits.read.results import UNREAD, Digit, Line, Page
from tendigits.read.segment import Blob, Box
from tendigits.read.split import Piece, Seam, best_path, between, pieces_of, seams_of

Grey = NDArray[np.uint8]

MAX_DIGITS = 2000
"""Of one page."""

SURE = 0.9
"""How likely a blob is a digit, whichever, from which on it is not tried in pieces."""

PLAUSIBLE = 0.15
"""How likely something is a digit at least that is written as one in a line, if a doubtful one."""

HALF = 0.5
"""How likely a piece of a blob is a digit at least; of one so wide that it is several for certain, a fifth of that."""

SEVERAL = 1.2
"""Width of what is several digits for certain, in usual heights."""

BROKEN = 0.15
"""Gap between two parts of a broken digit at most, in usual heights."""

WHICH = 0.3
"""Weight of which digit a piece is, beside whether it is one, where a blob is cut."""

CLOSE = 0.6
"""Gap at most, in heights of a digit, between a number and something that may belong to it."""

SPACE = 1.5
"""Gap between two numbers of a line, in heights of a digit."""


class Reader:
    """Reads with the network of the package, or with a person's own."""

    def __init__(
        self, model: str | Path | Network | None = None, threshold: float | None = None, threads: int | None = None
    ) -> None:
        """Load the network.

        Args:
            model: a run's folder, a model file or a network; None takes the network of the package.
            threshold: confidence, 0 to 1, from which on a digit is accepted; None takes the network's own.
            threads: cores that the network of the package takes at most; None takes all.

        Raises:
            TendigitsError: no such model, or the threshold is out of its range.
        """
        self.is_bundled = model is None
        self.network = bundled(threads) if model is None else model if isinstance(model, Network) else of_file(model)
        if threshold is not None and not 0 <= threshold <= 1:
            raise UserError(f"expected a threshold from 0 to 1, received {threshold}; the default is 0.9 or so")
        self.threshold = self.network.threshold if threshold is None else threshold

    def digit(self, image: Any) -> Digit:
        """Read a picture of one digit: a path, bytes, a Pillow image or an array.

        Raises:
            DataError: not a whole picture, or one that is too large.
        """
        return self.digits([image])[0]

    def digits(self, images: Iterable[Any]) -> list[Digit]:
        """Read many pictures of one digit each; see `digit`."""
        return self.classify_found([find_digit(image) for image in images])

    def classify_found(self, found: list[Found]) -> list[Digit]:
        """Ask the network what was found."""
        digits = self.classify([digit.crop for digit in found])
        return [replace(digit, box=place.box) for digit, place in zip(digits, found, strict=True)]

    def classify(self, crops: Sequence[Grey]) -> list[Digit]:
        """Ask the network about crops, uint8 (28, 28) each, as MNIST's are; the boxes are the crops' own."""
        answers = self.network(np.array(crops, np.uint8).reshape(-1, FIELD, FIELD))
        return [self._digit(answers, i, crop, Box(0, 0, FIELD, FIELD)) for i, crop in enumerate(crops)]

    def read(self, image: Any) -> Page:
        """Read a page: every number in the picture, line by line.

        Raises:
            DataError: not a whole picture, or one that is too large.
        """
        page = find_page(image)
        blobs = [blob for line in page.lines for blob in line][:MAX_DIGITS]
        pairs = [pair for line in page.lines for pair in pairwise(line) if _may_be_one(*pair, page.usual)]
        judged = self._judge_blobs(page, blobs + [left.join(right) for left, right in pairs[:MAX_DIGITS]])
        lines = [list(_joined_where_broken(line, judged)) for line in page.lines]
        digits = {blob: [digit] for blob, digit in judged.items()}
        used = [blob for line in lines for blob in line if blob in judged]
        digits |= self._cut_up(page, [blob for blob in used if judged[blob].is_digit < SURE])
        rows: list[Line] = []
        rejected: list[Digit] = []
        for line in lines:
            row = [digit for blob in line for digit in digits.get(blob, []) if _is_tall(digit, blob, page.usual)]
            kept = _trimmed(row)
            others = [digit for blob in line for digit in digits.get(blob, [])]
            rejected += [digit for digit in others if all(digit is not one for one in kept)]
            if kept:
                rows.append(_line(kept, _unread(row, kept)))
        return Page(rows, page.size, rejected)

    def _judge_blobs(self, page: FoundPage, blobs: list[Blob]) -> dict[Blob, Digit]:
        """Ask the network about blobs as they are."""
        digits = self.classify([to_mnist(page.blobs.cut(blob)) for blob in blobs])
        return {blob: replace(digit, box=page.place(blob.box)) for blob, digit in zip(blobs, digits, strict=True)}

    def _cut_up(self, page: FoundPage, doubtful: list[Blob]) -> dict[Blob, list[Digit]]:
        """Ask the network about the pieces of blobs, all at once; the digits of each are the likeliest pieces."""
        cuts = [_Cuts.of(page.blobs.cut(blob), page.usual) for blob in doubtful]
        asked = iter(self.classify([crop for cut in cuts for crop in cut.crops]))
        digits = {}
        for blob, cut in zip(doubtful, cuts, strict=True):
            judged = {piece: next(asked) for piece in cut.pieces}
            whole = (0, len(cut.seams) - 1)
            least = HALF if blob.box.width < SEVERAL * page.usual else HALF / 5
            scores = {p: _score(d) for p, d in judged.items() if p == whole or d.is_digit >= least}
            chosen = best_path(len(cut.seams), scores)
            digits[blob] = [replace(judged[piece], box=page.place(cut.box(piece, blob.box))) for piece in chosen]
        return digits

    def _digit(self, answers: Answers, i: int, crop: Grey, box: Box) -> Digit:
        """The i-th answer, judged."""
        shares, is_digit = answers.digits[i], float(answers.is_digit[i])
        label = int(shares.argmax())
        reason = None
        if not crop.any():
            is_digit, reason = 0.0, "no digit"
        elif is_digit < 0.5:
            reason = "not a digit"
        elif float(shares[label]) * is_digit < self.threshold:
            others = [str(other) for other in np.argsort(-shares, kind="stable")[:3] if shares[other] > 0.05]
            reason = f"may be {' or '.join(others)}" if len(others) > 1 else "may be no digit"
        return Digit(label, shares, is_digit, box, crop, reason is None, reason)


@dataclass(frozen=True, eq=False)
class _Cuts:
    """The digits that a blob may be, between its seams."""

    ink: Grey
    seams: list[Seam]
    pieces: list[Piece]
    crops: list[Grey]

    @classmethod
    def of(cls, ink: Grey, usual: float) -> "_Cuts":
        seams = seams_of(ink, usual)
        pieces = pieces_of(seams, usual)
        whole = (0, len(seams) - 1)
        return cls(
            ink, seams, pieces,
            [to_mnist(ink if piece == whole else between(ink, seams, piece)) for piece in pieces],
        )  # fmt: skip

    def box(self, piece: Piece, whole: Box) -> Box:
        """Where a piece is, in a blob that is in `whole`."""
        mask = between(self.ink, self.seams, piece) > 0
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        if not len(rows):
            return whole
        return Box(
            whole.left + int(columns[0]), whole.top + int(rows[0]),
            whole.left + int(columns[-1]) + 1, whole.top + int(rows[-1]) + 1,
        )  # fmt: skip


def _score(digit: Digit) -> float:
    """How good a piece is: the logarithm of how likely it is a digit, whichever; which one matters less."""
    best = float(digit.probabilities[digit.label])
    return float(np.log(max(digit.is_digit, 1e-6)) + WHICH * np.log(best))


def _may_be_one(left: Blob, right: Blob, usual: float) -> bool:
    """Whether two neighbours stand so close that they may be the parts of one digit."""
    return left.box.gap(right.box) <= BROKEN * usual and left.box.join(right.box).width <= usual


def _joined_where_broken(line: list[Blob], judged: dict[Blob, Digit]) -> Iterator[Blob]:
    """The line, with two neighbours as one where one of them is a doubtful digit and together they are a sure one."""
    rest = list(line)
    while rest:
        blob = rest.pop(0)
        together = judged.get(blob.join(rest[0])) if rest else None
        if together is not None and together.is_digit >= SURE:
            apart = judged[blob].is_digit, judged[rest[0]].is_digit
            if min(apart) < SURE and together.confidence > apart[0] * apart[1]:
                blob = blob.join(rest.pop(0))
        yield blob


def _is_tall(digit: Digit, blob: Blob, usual: float) -> bool:
    """Whether something is written as high as a digit, or is surely one."""
    return blob.box.height >= LOW * usual or digit.is_digit >= SURE


def _trimmed(row: list[Digit]) -> list[Digit]:
    """A line without what is no digit at its ends: letters, brackets, a currency."""
    digits = [i for i, digit in enumerate(row) if digit.is_digit >= PLAUSIBLE]
    return row[digits[0] : digits[-1] + 1] if digits else []


def _unread(row: list[Digit], kept: list[Digit]) -> tuple[str, ...]:
    """On which side of what was kept something stands so close that it may belong to the number."""
    usual = float(np.median([digit.box.height for digit in kept]))
    first, last = row.index(kept[0]), row.index(kept[-1])
    before = [kept[0].box.left - digit.box.right for digit in row[:first][-1:]]
    behind = [digit.box.left - kept[-1].box.right for digit in row[last + 1 :][:1]]
    near = (("before", before), ("behind", behind))
    return tuple(place for place, gaps in near if any(gap < CLOSE * usual for gap in gaps))


def _line(digits: list[Digit], unread: tuple[str, ...]) -> Line:
    """Put digits together; a gap as wide as two digits is a space."""
    usual = float(np.median([digit.box.height for digit in digits]))
    value = ""
    box = digits[0].box
    for before, digit in pairwise([digits[0], *digits]):
        if digit.box.left - before.box.right > SPACE * usual:
            value += " "
        value += str(digit.label) if digit.is_digit >= PLAUSIBLE else UNREAD
        box = box.join(digit.box)
    confidence = float(np.prod([digit.confidence for digit in digits]))
    accepted = not unread and all(digit.accepted for digit in digits)
    return Line(value, confidence, accepted, box, digits, unread)
