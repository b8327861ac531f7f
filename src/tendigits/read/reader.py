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
from tendigits.read.network import Network, Predictions, bundled, load_network
from tendigits.read.results import UNREAD, Digit, Line, Page
from tendigits.read.segment import Box, Component
from tendigits.read.split import Piece, Seam, best_path, between, pieces_of, seams_of

Grey = NDArray[np.uint8]

MAX_DIGITS = 2000
"""Digits of one page."""

CERTAIN = 0.9
"""Probability of being a digit from which a component is not split."""

PLAUSIBLE = 0.15
"""The smallest probability of being a digit for a digit, if a doubtful one, of a line."""

PIECE = 0.5
"""The smallest probability of being a digit for a piece of a component; a fifth of it if the component is wide."""

WIDE = 1.2
"""A component wider than this many digit heights certainly holds several digits."""

BROKEN = 0.15
"""The widest gap between two parts of a broken digit, in digit heights."""

WHICH_DIGIT = 0.3
"""Weight of the label's probability, beside the probability of being a digit, where a component is split."""

CLOSE = 0.6
"""The widest gap between a number and something that may belong to it, in digit heights."""

SPACE = 1.5
"""The narrowest gap between two numbers of a line, in digit heights."""


class Reader:
    """Reads digits with the package's network or the user's own."""

    def __init__(
        self, model: str | Path | Network | None = None, threshold: float | None = None, threads: int | None = None
    ) -> None:
        """Load the network.

        Args:
            model: a run's folder, a model file or a network; None takes the package's network.
            threshold: confidence from which a digit is accepted, 0 to 1; None takes the network's own.
            threads: most threads of the package's network; None takes all cores.

        Raises:
            TendigitsError: there is no such model, or the threshold is out of range.
        """
        self.model = model
        self.network = (
            bundled(threads) if model is None else model if isinstance(model, Network) else load_network(model)
        )
        if threshold is not None and not 0 <= threshold <= 1:
            raise UserError(f"expected a threshold from 0 to 1, received {threshold}; the default is about 0.9")
        self.threshold = self.network.threshold if threshold is None else threshold

    def digit(self, image: Any) -> Digit:
        """Read a picture of one digit: a path, bytes, a Pillow image or an array.

        Raises:
            DataError: the picture is damaged or too large.
        """
        return self.digits([image])[0]

    def digits(self, images: Iterable[Any]) -> list[Digit]:
        """Read several pictures of one digit each; see `digit`.

        Raises:
            UserError: `images` is one path or one file's bytes.
        """
        if isinstance(images, str | bytes | Path):
            raise UserError(f"expected a list of pictures, received {type(images).__name__}; use digit() for one")
        return self.classify_found([find_digit(image) for image in images])

    def classify_found(self, found: list[Found]) -> list[Digit]:
        """Classify located digits."""
        digits = self.classify([digit.crop for digit in found])
        return [replace(digit, box=place.box) for digit, place in zip(digits, found, strict=True)]

    def classify(self, crops: Sequence[Grey]) -> list[Digit]:
        """Classify crops, uint8 (28, 28) each, normalised like MNIST's; the boxes are those of the crops."""
        predictions = self.network(np.array(crops, np.uint8).reshape(-1, FIELD, FIELD))
        return [self._digit(predictions, i, crop, Box(0, 0, FIELD, FIELD)) for i, crop in enumerate(crops)]

    def read(self, image: Any) -> Page:
        """Read a page: every number in the picture, line by line.

        Raises:
            DataError: the picture is damaged or too large.
        """
        page = find_page(image)
        components = [component for line in page.lines for component in line][:MAX_DIGITS]
        pairs = [pair for line in page.lines for pair in pairwise(line) if _may_be_one(*pair, page.digit_height)]
        classified = self._classify_components(
            page, components + [left.join(right) for left, right in pairs[:MAX_DIGITS]]
        )
        lines = [list(_joined_where_broken(line, classified)) for line in page.lines]
        digits = {component: [digit] for component, digit in classified.items()}
        used = [component for line in lines for component in line if component in classified]
        digits |= self._cut_up(page, [component for component in used if classified[component].is_digit < CERTAIN])
        rows: list[Line] = []
        rejected: list[Digit] = []
        for line in lines:
            row = [
                digit
                for component in line
                for digit in digits.get(component, [])
                if _is_tall(digit, component, page.digit_height)
            ]
            kept = _trimmed(row)
            others = [digit for component in line for digit in digits.get(component, [])]
            rejected += [digit for digit in others if all(digit is not one for one in kept)]
            if kept:
                rows.append(_line(kept, _unread(row, kept)))
        return Page(rows, page.size, rejected)

    def _classify_components(self, page: FoundPage, components: list[Component]) -> dict[Component, Digit]:
        """Classify components as they are."""
        digits = self.classify([to_mnist(page.components.cut(component)) for component in components])
        return {
            component: replace(digit, box=page.in_picture(component.box))
            for component, digit in zip(components, digits, strict=True)
        }

    def _cut_up(self, page: FoundPage, doubtful: list[Component]) -> dict[Component, list[Digit]]:
        """Split components: classify all their pieces at once, and choose the most probable ones of each component."""
        cuts = [_Cuts.of(page.components.cut(component), page.digit_height) for component in doubtful]
        asked = iter(self.classify([crop for cut in cuts for crop in cut.crops]))
        digits = {}
        for component, cut in zip(doubtful, cuts, strict=True):
            classified = {piece: next(asked) for piece in cut.pieces}
            whole = (0, len(cut.seams) - 1)
            least = PIECE if component.box.width < WIDE * page.digit_height else PIECE / 5
            scores = {p: _score(d) for p, d in classified.items() if p == whole or d.is_digit >= least}
            chosen = best_path(len(cut.seams), scores)
            digits[component] = [
                replace(classified[piece], box=page.in_picture(cut.box(piece, component.box))) for piece in chosen
            ]
        return digits

    def _digit(self, predictions: Predictions, i: int, crop: Grey, box: Box) -> Digit:
        """Convert the i-th prediction: accept it, or say why not."""
        shares, is_digit = predictions.digits[i], float(predictions.is_digit[i])
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
    """The digits that a component may be split into."""

    foreground: Grey
    seams: list[Seam]
    pieces: list[Piece]
    crops: list[Grey]

    @classmethod
    def of(cls, foreground: Grey, digit_height: float) -> "_Cuts":
        seams = seams_of(foreground, digit_height)
        pieces = pieces_of(seams, digit_height)
        whole = (0, len(seams) - 1)
        return cls(
            foreground, seams, pieces,
            [to_mnist(foreground if piece == whole else between(foreground, seams, piece)) for piece in pieces],
        )  # fmt: skip

    def box(self, piece: Piece, whole: Box) -> Box:
        """The box of a piece of the component whose box is `whole`."""
        mask = between(self.foreground, self.seams, piece) > 0
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        if not len(rows):
            return whole
        return Box(
            whole.left + int(columns[0]), whole.top + int(rows[0]),
            whole.left + int(columns[-1]) + 1, whole.top + int(rows[-1]) + 1,
        )  # fmt: skip


def _score(digit: Digit) -> float:
    """The score of a piece: the logarithm of its probability of being a digit; the label's counts less."""
    best = float(digit.probabilities[digit.label])
    return float(np.log(max(digit.is_digit, 1e-6)) + WHICH_DIGIT * np.log(best))


def _may_be_one(left: Component, right: Component, digit_height: float) -> bool:
    """Whether two neighbours are close enough to be parts of one digit."""
    return left.box.gap(right.box) <= BROKEN * digit_height and left.box.join(right.box).width <= digit_height


def _joined_where_broken(line: list[Component], classified: dict[Component, Digit]) -> Iterator[Component]:
    """Join two neighbours if one of them is a doubtful digit and together they certainly are one."""
    rest = list(line)
    while rest:
        component = rest.pop(0)
        together = classified.get(component.join(rest[0])) if rest else None
        if together is not None and together.is_digit >= CERTAIN:
            apart = classified[component].is_digit, classified[rest[0]].is_digit
            if min(apart) < CERTAIN and together.confidence > apart[0] * apart[1]:
                component = component.join(rest.pop(0))
        yield component


def _is_tall(digit: Digit, component: Component, digit_height: float) -> bool:
    """Whether something is as high as a digit, or certainly is one."""
    return component.box.height >= LOW * digit_height or digit.is_digit >= CERTAIN


def _trimmed(row: list[Digit]) -> list[Digit]:
    """Remove non-digits from both ends of a line: letters, brackets, a currency."""
    digits = [i for i, digit in enumerate(row) if digit.is_digit >= PLAUSIBLE]
    return row[digits[0] : digits[-1] + 1] if digits else []


def _unread(row: list[Digit], kept: list[Digit]) -> tuple[str, ...]:
    """The sides on which something unread is close enough to belong to the number."""
    digit_height = float(np.median([digit.box.height for digit in kept]))
    first, last = row.index(kept[0]), row.index(kept[-1])
    before = [kept[0].box.left - digit.box.right for digit in row[:first][-1:]]
    behind = [digit.box.left - kept[-1].box.right for digit in row[last + 1 :][:1]]
    near = (("before", before), ("behind", behind))
    return tuple(place for place, gaps in near if any(gap < CLOSE * digit_height for gap in gaps))


def _line(digits: list[Digit], unread: tuple[str, ...]) -> Line:
    """Join digits into a line; a gap as wide as two digits becomes a space."""
    digit_height = float(np.median([digit.box.height for digit in digits]))
    value = ""
    box = digits[0].box
    for before, digit in pairwise([digits[0], *digits]):
        if digit.box.left - before.box.right > SPACE * digit_height:
            value += " "
        value += str(digit.label) if digit.is_digit >= PLAUSIBLE else UNREAD
        box = box.join(digit.box)
    confidence = float(np.prod([digit.confidence for digit in digits]))
    accepted = not unread and all(digit.accepted for digit in digits)
    return Line(value, confidence, accepted, box, digits, unread)
