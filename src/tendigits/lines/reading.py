"""Read the numbers of a page: find them, cut them out, read each in several views, collect the evidence.

readings = LineReader(finder, network, digits).readings(grey)       # in reading order
readings[0].text                                                    # "12.50"
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tendigits.digits.foreground import find_foreground
from tendigits.digits.network import Network
from tendigits.lines import finder
from tendigits.lines.decode import CHARACTERS, decode
from tendigits.lines.finder import Place, find_numbers
from tendigits.lines.first_look import numbers_in, same
from tendigits.lines.network import LineNetwork
from tendigits.lines.numbers import is_usual
from tendigits.lines.order import in_rows
from tendigits.lines.second_opinion import crops_of, strokes_beside
from tendigits.lines.strips import DIGIT, Pyramid, Strip, cut
from tendigits.lines.trust import Evidence
from tendigits.lines.vote import Candidate, View, vote

Grey = NDArray[np.uint8]
Floats = NDArray[np.float32]

DIGITS = 10
"""The first of CHARACTERS are the digits."""

VIEWS, MORE_VIEWS = (1.0, 0.8), (0.9,)
"""Scales of the strips in which each number is read, and of those that are asked too where the first disagree."""

BEYOND = 0.4
"""Of a digit's height: how far outside of a number's ends the middle of a character of it may lie."""

LEAST = 1e-4
"""Probability that no evidence falls below, so that no single one decides alone."""

CERTAIN, SUPPORT = 0.9, 0.1
"""Probabilities from which the second opinion contradicts, and below which it doesn't support, a digit."""

LINE_LIKE, LINE_SHARE = 4.0, 0.65
"""A picture of one line is at most so many digits high; and the height of a digit as a share of it."""


@dataclass(frozen=True, eq=False)
class Reading:
    """What was read in one place."""

    place: Place
    strip: Strip
    characters: list[Candidate]
    dropped: list[Candidate]
    """What may be there by less than half of the evidence."""
    crops: NDArray[np.uint8]
    """uint8 (n, 28, 28)"""
    second: Floats
    """float32 (n, 10): the second opinion's probability of each digit; of a sign all zeros."""
    beside: float

    @property
    def text(self) -> str:
        """The most probable characters."""
        return "".join(character.label for character in self.characters)


@dataclass(frozen=True)
class LineReader:
    """Reads the numbers of a page."""

    finder: finder.Network
    lines: LineNetwork
    digits: Network
    """The second opinion."""
    own: bool = False
    """`digits` is the user's: it says which digit each is."""
    untaught: Network | None = None
    """What `digits` was before a person taught it: where it has become certain of another digit, that one is read."""

    def readings(self, grey: Grey) -> list[Reading]:
        """Read a page: what stands where, in reading order; places without a digit are left out."""
        for places in self._ways(grey):
            found = [each for each in self.read_places(grey, places) if any(map(str.isdigit, each.text))]
            if found:
                rows = in_rows([each.place for each in found])
                return [found[i] for row in rows for i in row]
        return []

    def read_places(self, grey: Grey, places: Sequence[Place]) -> list[Reading]:
        """Read in each of some places."""
        pyramid = Pyramid(grey)
        looks = self._look(pyramid, [[place] for place in places], VIEWS[:1])
        shown = [each for place, (view,) in zip(places, looks, strict=True) for each in numbers_in(place, view)]
        numbers = same(shown)[: finder.MOST]
        views = self._look(pyramid, numbers, VIEWS)
        unclear = [i for i, seen in enumerate(views) if len({view.text for view in seen}) > 1]
        for i, more in zip(unclear, self._look(pyramid, [numbers[i] for i in unclear], MORE_VIEWS), strict=True):
            views[i] += more
        return self._with_second_opinion([number[0] for number in numbers], views)

    def _look(self, pyramid: Pyramid, numbers: Sequence[Sequence[Place]], scales: Sequence[float]) -> list[list[View]]:
        """What the line network sees in the places of each number, at each scale."""
        strips = [[cut(pyramid, place, scale) for place in places for scale in scales] for places in numbers]
        outputs = iter(self.lines([strip.picture for own in strips for strip in own]))
        return [[View(strip, *decode(next(outputs))) for strip in own] for own in strips]

    def _ways(self, grey: Grey) -> Iterator[list[Place]]:
        """Where numbers may stand; the next way is tried where nothing was read in one."""
        places = find_numbers(self.finder, grey)
        yield [*places, *whole_line(grey, places)]
        foreground = find_foreground(grey)
        if foreground is not None:
            places = find_numbers(self.finder, 255 - foreground)
            yield [*places, *whole_line(grey, places)]

    def _with_second_opinion(self, places: Sequence[Place], views: Sequence[Sequence[View]]) -> list[Reading]:
        """Join the views of each number, and ask the network for single digits about all digits at once."""
        strips = [seen[0].strip for seen in views]
        voted = [
            [[each for each in part if _is_within(each, strip)] for part in vote(seen)]
            for seen, strip in zip(views, strips, strict=True)
        ]
        foregrounds = [find_foreground(strip.picture) for strip in strips]
        crops = [crops_of(own, [each.box for each in read]) for own, (read, _) in zip(foregrounds, voted, strict=True)]
        together = np.concatenate([*crops, np.zeros((0, 28, 28), np.uint8)])
        predictions = self.digits(together)
        shares = predictions.digits * predictions.is_digit[:, None]
        decisive = self._decisive(shares, together)
        readings, first = [], 0
        for place, strip, own, cut_out, (read, dropped) in zip(places, strips, foregrounds, crops, voted, strict=True):
            is_digit = np.array([each.label.isdigit() for each in read], bool)
            second = shares[first : first + len(read)] * is_digit[:, None]
            decides = decisive[first : first + len(read)] & second.any(axis=1)
            first += len(read)
            read = [
                _with_vote(each, vote) if decided else each
                for each, vote, decided in zip(read, second, decides, strict=True)
            ]
            beside = strokes_beside(own, [each.box for each in read], DIGIT)
            readings.append(Reading(place, strip, read, dropped, cut_out, second, beside))
        return readings

    def _decisive(self, shares: Floats, crops: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Whether the second opinion, float32 (n, 10), decides about each crop: bool (n,)."""
        if self.untaught is None:
            return np.full(len(crops), self.own)
        before = self.untaught(crops).digits.argmax(axis=1)
        decisive: NDArray[np.bool_] = (shares.argmax(axis=1) != before) & (shares.max(axis=1, initial=0) >= CERTAIN)
        return decisive


def whole_line(grey: Grey, places: Sequence[Place]) -> list[Place]:
    """The whole picture as one place, if it may be of one line: another crop of it, or the only one."""
    height, width = grey.shape
    tallest = max((place.height for place in places), default=height)
    if height > LINE_LIKE * tallest or width < height or len(in_rows(places)) > 1:
        return []
    digit = LINE_SHARE * height
    return [Place(width / 2, height / 2, 0.0, width - digit / 2, digit, 0.0)]


def evidence(reading: Reading) -> Evidence:
    """What speaks against a reading."""
    read = [np.log(max(each.confidence, LEAST)) for each in reading.characters]
    absent = [np.log(max(1 - each.present, LEAST)) for each in reading.dropped]
    contradicted = unsupported = 0
    for each, shares in zip(reading.characters, reading.second, strict=True):
        if each.label.isdigit():
            same = float(shares[CHARACTERS.index(each.label)])
            contradicted += bool(same < shares.max() >= CERTAIN)
            unsupported += same < SUPPORT
    return Evidence(
        float(sum(read) + sum(absent)), float(min([*read, *absent], default=0.0)),
        contradicted, unsupported, reading.beside, float(not is_usual(reading.text)),
    )  # fmt: skip


def _is_within(candidate: Candidate, strip: Strip) -> bool:
    """Whether a character belongs to the number, and not to its neighbour."""
    middle, room = (candidate.box[0] + candidate.box[2]) / 2, BEYOND * DIGIT * strip.scale
    return strip.ends[0] - room <= middle <= strip.ends[1] + room


def _with_vote(candidate: Candidate, vote: Floats) -> Candidate:
    """A digit as the user's own network sees it."""
    joined = np.zeros(len(CHARACTERS), np.float32)
    joined[:DIGITS] = vote / vote.sum() * candidate.present
    return replace(candidate, shares=joined)
