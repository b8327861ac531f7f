"""Read digits in pictures.

reader = tendigits.Reader()
reader.read("page.jpg").lines[0].value          # a page: lines of numbers
reader.digit("seven.png").label                 # a picture of one digit
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tendigits.data.prepare import FIELD, to_mnist
from tendigits.errors import UserError
from tendigits.read.find import Found, FoundPage, find_digit, find_page
from tendigits.read.network import Answers, Network, bundled, of_run
from tendigits.read.page import UNREAD, Digit, Line, Page
from tendigits.read.segment import LOW, Blob, Box
from tendigits.read.split import Piece, Seam, best_path, between, pieces_of, seams_of

Grey = NDArray[np.uint8]

MAX_DIGITS = 2000
"""Of one page."""

SURE = 0.9
"""How likely a blob is a digit, whichever, from which on it is not tried in pieces."""

PLAUSIBLE = 0.15
"""How likely something is a digit at least that is written as one in a line, if a doubtful one."""

BROKEN = 0.15
"""Gap between two parts of a broken digit at most, in usual heights."""

WHICH = 0.3
"""Weight of which digit a piece is, beside whether it is one, where a blob is cut."""

SPACE = 1.5
"""Gap between two numbers of a line, in heights of a digit."""


class Reader:
    """Reads with the network of the package, or with a person's own."""

    def __init__(self, model: str | Path | None = None, threshold: float | None = None) -> None:
        """Load the network.

        Args:
            model: a run's folder or model file; None takes the network of the package.
            threshold: confidence, 0 to 1, from which on a digit is accepted; None takes the network's own.

        Raises:
            TendigitsError: no such model, or the threshold is out of its range.
        """
        self.network: Network = bundled() if model is None else of_run(model)
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
        return self.judge([find_digit(image) for image in images])

    def judge(self, found: list[Found]) -> list[Digit]:
        """Ask the network what was found."""
        digits = self._ask([digit.patch for digit in found])
        return [replace(digit, box=place.box) for digit, place in zip(digits, found, strict=True)]

    def _ask(self, patches: list[Grey]) -> list[Digit]:
        """The network's answers, judged; their boxes are not known yet."""
        answers = self.network(np.array(patches, np.uint8).reshape(-1, FIELD, FIELD))
        return [self._digit(answers, i, patch, Box(0, 0, FIELD, FIELD)) for i, patch in enumerate(patches)]

    def read(self, image: Any) -> Page:
        """Read a page: every number in the picture, line by line.

        Raises:
            DataError: not a whole picture, or one that is too large.
        """
        page = find_page(image)
        lines = self._joined_where_broken(page)
        digits = self._cut_where_doubtful(page, [blob for line in lines for blob in line][:MAX_DIGITS])
        rows: list[Line] = []
        rejected: list[Digit] = []
        for line in lines:
            row: list[Digit] = []
            for blob in line:
                sure = blob.box.height >= LOW * page.usual or all(d.is_digit >= SURE for d in digits.get(id(blob), []))
                (row if sure else rejected).extend(digits.get(id(blob), []))
            kept = _trimmed(row)
            rejected += [digit for digit in row if all(digit is not other for other in kept)]
            if kept:
                rows.append(_line(kept))
        return Page(rows, page.size, rejected)

    def _joined_where_broken(self, page: FoundPage) -> list[list[Blob]]:
        """The page's lines, with two neighbours as one where both are doubtful digits and together a sure one."""
        found = [blob for line in page.lines for blob in line][:MAX_DIGITS]
        sure = {
            id(blob): digit.is_digit
            for blob, digit in zip(found, self._ask([to_mnist(page.blobs.cut(b)) for b in found]), strict=True)
        }
        pairs = [
            (left, right)
            for line in page.lines
            for left, right in pairwise(line)
            if left.box.gap(right.box) <= BROKEN * page.usual
            and left.box.join(right.box).width <= page.usual
            and min(sure.get(id(left), 1.0), sure.get(id(right), 1.0)) < SURE
        ]
        together = self._ask([to_mnist(page.blobs.cut(left.join(right))) for left, right in pairs])
        better = {
            id(left): right
            for (left, right), digit in zip(pairs, together, strict=True)
            if digit.is_digit >= SURE and digit.confidence > sure[id(left)] * sure[id(right)]
        }
        return [list(_merged(line, better)) for line in page.lines]

    def _cut_where_doubtful(self, page: FoundPage, found: list[Blob]) -> dict[int, list[Digit]]:
        """Ask the network about all blobs at once, then about the pieces of those that it is not sure of.

        Returns:
            The digits of each blob, by its id.
        """
        whole = self._ask([to_mnist(page.blobs.cut(blob)) for blob in found])
        digits = {
            id(blob): [replace(digit, box=page.place(blob.box))] for blob, digit in zip(found, whole, strict=True)
        }
        doubtful = [blob for blob, judged in zip(found, whole, strict=True) if judged.is_digit < SURE]
        cuts = [_Cuts.of(page.blobs.cut(blob), page.usual) for blob in doubtful]
        asked = iter(self._ask([patch for cut in cuts for patch in cut.patches]))
        for blob, cut in zip(doubtful, cuts, strict=True):
            judged = {piece: next(asked) for piece in cut.pieces}
            whole_piece = (0, len(cut.seams) - 1)
            scores = {p: _score(d) for p, d in judged.items() if p == whole_piece or d.is_digit >= 0.5}
            chosen = best_path(len(cut.seams), scores)
            digits[id(blob)] = [replace(judged[piece], box=page.place(cut.box(piece, blob.box))) for piece in chosen]
        return digits

    def _digit(self, answers: Answers, i: int, patch: Grey, box: Box) -> Digit:
        """The i-th answer, judged."""
        shares, is_digit = answers.digits[i], float(answers.is_digit[i])
        label = int(shares.argmax())
        reason = None
        if not patch.any():
            is_digit, reason = 0.0, "no digit"
        elif is_digit < 0.5:
            reason = "not a digit"
        elif float(shares[label]) * is_digit < self.threshold:
            others = [str(other) for other in np.argsort(-shares, kind="stable")[:3] if shares[other] > 0.05]
            reason = f"may be {' or '.join(others)}" if len(others) > 1 else "may be no digit"
        return Digit(label, shares, is_digit, box, patch, reason is None, reason)


@dataclass(frozen=True, eq=False)
class _Cuts:
    """The digits that a blob may be, between its seams."""

    ink: Grey
    seams: list[Seam]
    pieces: list[Piece]
    patches: list[Grey]

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


def _merged(line: list[Blob], better: dict[int, Blob]) -> Iterator[Blob]:
    """A line whose blobs are joined with the next where that is better."""
    rest = iter(line)
    for blob in rest:
        following = better.get(id(blob))
        if following is None:
            yield blob
        else:
            next(rest)
            yield blob.join(following)


def _trimmed(row: list[Digit]) -> list[Digit]:
    """A line without what is no digit at its ends: letters, brackets, a currency."""
    digits = [i for i, digit in enumerate(row) if digit.is_digit >= PLAUSIBLE]
    return row[digits[0] : digits[-1] + 1] if digits else []


def _line(digits: list[Digit]) -> Line:
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
    return Line(value, confidence, all(digit.accepted for digit in digits), box, digits)
