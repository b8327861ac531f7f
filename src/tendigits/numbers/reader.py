"""Read the numbers of a page: find them, cut them out, read each in several views, collect the evidence.

readings = NumberReader(finder, network, digits).readings(grey, Budget())     # in reading order
readings[0].text                                                        # "12.50"
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tendigits.digits.budget import Budget
from tendigits.digits.foreground import find_foreground
from tendigits.digits.network import Network
from tendigits.numbers import finder
from tendigits.numbers.confidence import CLEAREST, ConfidenceFeatures
from tendigits.numbers.decode import CHARACTERS, Edges
from tendigits.numbers.finder import Detection, find_numbers
from tendigits.numbers.network import NumberNetwork
from tendigits.numbers.order import in_rows
from tendigits.numbers.second_opinion import crops_of, shares_of, strokes_beside
from tendigits.numbers.strips import DIGIT, Strip
from tendigits.numbers.values import is_usual
from tendigits.numbers.views import Seen, Sight, views_at, views_of
from tendigits.numbers.vote import READ, Candidate, View, as_people_write, vote

Grey = NDArray[np.uint8]
Floats = NDArray[np.float32]

DIGITS = 10
"""The first of CHARACTERS are the digits."""

BEYOND = 0.4
"""Of a digit's height: how far outside of a number's ends the middle of a character of it may lie."""

AT_END = 0.2
"""Of a digit's height: the side of a cell may stand so far within a number's ends, where it is slanted."""

LEAST = 1e-4
"""Probability that what is read never falls below, so that it doesn't decide alone."""

CERTAIN, SUPPORT = 0.9, 0.1
"""Probabilities from which the second opinion contradicts, and below which it doesn't support, a digit."""

WIDE, NARROW = 0.5, 1.5
"""Heights of a digit: a wider gap within a number, or a narrower one beside it, may be the other."""

LINE_LIKE, LINE_SHARE = 4.0, 0.65
"""A picture of one line is at most so many digits high; and the height of a digit as a share of it."""


@dataclass(frozen=True, eq=False)
class Reading:
    """What was read in one place."""

    place: Detection
    strip: Strip
    characters: list[Candidate]
    dropped: list[Candidate]
    """What may be there by less than half of the evidence."""
    crops: NDArray[np.uint8]
    """uint8 (n, 28, 28)"""
    second: Floats
    """float32 (n, 10): the second opinion's probability of each digit; of a sign all zeros."""
    beside: float
    seen: list[str]
    """What each view shows alone."""
    walls: tuple[bool, bool] = (False, False)
    """Whether the side of a cell stands to its left and to its right."""
    room: float = np.inf
    """To the next number in its row, or character in the strip, in heights of a digit, if no side of a cell stands
    between."""
    is_partial: bool = False
    """Whether it is doubtful, but the page's budget was spent before it was seen in further views."""

    @property
    def text(self) -> str:
        """The most probable characters."""
        return "".join(character.label for character in self.characters)


@dataclass(frozen=True)
class NumberReader:
    """Reads the numbers of a page."""

    finder: finder.Network
    lines: NumberNetwork
    digits: Network
    """The second opinion."""
    own: bool = False
    """`digits` is the user's: it says which digit each is."""
    base_network: Network | None = None
    """What `digits` was before a person taught it: where it has become certain of another digit, that one is read."""

    def places(self, grey: Grey, budget: Budget) -> list[Detection]:
        """Where numbers may stand on a page, the likeliest first."""
        places, more = find_numbers(self.finder, grey)
        budget.is_short |= more
        return places

    def readings(
        self, grey: Grey, budget: Budget, known: list[Detection] | None = None, seen: Seen | None = None
    ) -> list[Reading]:
        """Read a page, as far as the budget goes.

        Args:
            known: its `places`, if they were asked for before.
            seen: what was seen in some of these places, likewise.

        Returns:
            What stands where, in reading order, without places that have no digit.
        """
        for places, before in self._ways(grey, budget, known, seen or {}):
            read = self._with_second_opinion(views_of(self.lines, grey, places, before, budget))
            found = [each for each in read if any(map(str.isdigit, each.text))]
            if found:
                rows = in_rows([each.place for each in found])
                return [each for row in rows for each in _with_room([found[i] for i in row])]
        return []

    def readings_at(self, grey: Grey, places: Sequence[Detection], budget: Budget) -> list[Reading]:
        """Read a page again where numbers are known to stand, one in each of the first places, as the budget goes."""
        return self._with_second_opinion(views_at(self.lines, grey, places, budget))

    def _ways(
        self, grey: Grey, budget: Budget, known: list[Detection] | None, seen: Seen
    ) -> Iterator[tuple[list[Detection], Seen]]:
        """Where numbers may stand, and what was seen there.

        The next way is tried where nothing was read in one.
        """
        places = self.places(grey, budget) if known is None else known
        yield [*places, *whole_line(grey, places)], seen
        foreground = find_foreground(grey)
        if foreground is not None:
            places = self.places(255 - foreground, budget)
            yield [*places, *whole_line(grey, places)], {}

    def _with_second_opinion(self, numbers: Sequence[Sight]) -> list[Reading]:
        """Join the views of each number, and ask the network for single digits about all digits at once."""
        views = [sight.views for sight in numbers]
        strips = [seen[0].strip for seen in views]
        all_voted = [vote(seen) for seen in views]
        voted = [
            (as_people_write(_within(read, strip)), _within(dropped, strip))
            for (read, dropped), strip in zip(all_voted, strips, strict=True)
        ]
        foregrounds = [find_foreground(strip.picture) for strip in strips]
        crops = [crops_of(own, [each.box for each in read]) for own, (read, _) in zip(foregrounds, voted, strict=True)]
        together = np.concatenate([*crops, np.zeros((0, 28, 28), np.uint8)])
        hurried = [sight.is_partial for sight, own in zip(numbers, crops, strict=True) for _ in own]
        shares = shares_of(self.digits, together, np.array(hurried, bool))
        decisive = self._decisive(shares, together)
        readings, first = [], 0
        for sight, strip, own, cut_out, (read, dropped), (all_read, _) in zip(
            numbers, strips, foregrounds, crops, voted, all_voted, strict=True
        ):
            is_digit = np.array([each.label.isdigit() for each in read], bool)
            second = shares[first : first + len(read)] * is_digit[:, None]
            decides = decisive[first : first + len(read)] & second.any(axis=1)
            first += len(read)
            read = [
                _with_vote(each, vote) if decided else each
                for each, vote, decided in zip(read, second, decides, strict=True)
            ]
            beside = strokes_beside(own, [each.box for each in read], DIGIT)
            texts = [_text_within(view, strip) for view in sight.views]
            walls = _walls(strip, sight.views[0].sides)
            room = _room([each.box for each in all_read], strip, walls)
            seen = texts, walls, room, sight.is_partial
            readings.append(Reading(sight.place, strip, read, dropped, cut_out, second, beside, *seen))
        return readings

    def _decisive(self, shares: Floats, crops: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Whether the second opinion, float32 (n, 10), decides about each crop: bool (n,)."""
        if self.base_network is None:
            return np.full(len(crops), self.own)
        before = self.base_network(crops).digits.argmax(axis=1)
        decisive: NDArray[np.bool_] = (shares.argmax(axis=1) != before) & (shares.max(axis=1, initial=0) >= CERTAIN)
        return decisive


def whole_line(grey: Grey, places: Sequence[Detection]) -> list[Detection]:
    """The whole picture as one place, if it may be of one line: another crop of it, or the only one."""
    height, width = grey.shape
    tallest = max((place.height for place in places), default=height)
    if height > LINE_LIKE * tallest or width < height or len(in_rows(places)) > 1:
        return []
    digit = LINE_SHARE * height
    return [Detection(width / 2, height / 2, 0.0, width - digit / 2, digit, 0.0)]


def confidence_features(reading: Reading) -> ConfidenceFeatures:
    """What speaks against a reading."""
    right = [*(each.confidence for each in reading.characters), *(1 - each.present for each in reading.dropped)]
    all_right = float(np.clip(np.prod(right), LEAST, 1 - LEAST))
    contradicted = unsupported = 0
    for each, shares in zip(reading.characters, reading.second, strict=True):
        if each.label.isdigit():
            same = float(shares[CHARACTERS.index(each.label)])
            contradicted += bool(same < shares.max() >= CERTAIN)
            unsupported += same < SUPPORT
    boxes = [each.box for each in reading.characters]
    inside = max(((b[0] - a[2]) / DIGIT for a, b in pairwise(boxes)), default=0.0)
    digits = _digits(reading.text)
    return ConfidenceFeatures(
        min(0.0, float(np.log(all_right / (1 - all_right))) - CLEAREST),
        float(np.mean([text != reading.text for text in reading.seen])),
        float(np.mean([_digits(text) != digits for text in reading.seen])),
        contradicted, unsupported, reading.beside, float(not is_usual(reading.text)),
        max(0.0, inside - WIDE), max(0.0, NARROW - reading.room),
    )  # fmt: skip


def _digits(text: str) -> str:
    return "".join(filter(str.isdigit, text))


def _is_within(box: Edges, strip: Strip) -> bool:
    """Whether a character belongs to the number, and not to its neighbour."""
    middle, room = (box[0] + box[2]) / 2, BEYOND * DIGIT
    return strip.ends[0] - room <= middle <= strip.ends[1] + room


def _within(candidates: Sequence[Candidate], strip: Strip) -> list[Candidate]:
    return [each for each in candidates if _is_within(each.box, strip)]


def _text_within(view: View, strip: Strip) -> str:
    """What a view shows of the number that is in a strip."""
    within = [peak for peak in view.peaks if _is_within(view.strip.in_strip(peak.box, strip), strip)]
    return "".join(peak.label for peak in within if peak.present >= READ)


def _walls(strip: Strip, sides: Sequence[Edges]) -> tuple[bool, bool]:
    """Whether the sides of a cell stand on the left and on the right of the number in a strip."""
    middles = [(left + right) / 2 for left, _, right, _ in sides]
    first, last = strip.ends
    return any(x < first + AT_END * DIGIT for x in middles), any(x > last - AT_END * DIGIT for x in middles)


def _room(boxes: Sequence[Edges], strip: Strip, walls: tuple[bool, bool]) -> float:
    """From the ends of the number in a strip to what is read beyond them, in heights of a digit."""
    beyond = [box for box in boxes if not _is_within(box, strip)]
    first, last = strip.ends
    left = [first - box[2] for box in beyond if box[0] < first and not walls[0]]
    right = [box[0] - last for box in beyond if box[2] > last and not walls[1]]
    return min([*left, *right], default=np.inf) / DIGIT


def _gap(a: Detection, b: Detection) -> float:
    """Between two numbers of a row, in heights of a digit."""
    away = float(np.hypot(b.x - a.x, b.y - a.y))
    return (away - (a.length + b.length) / 2) / max(a.height, b.height)


def _with_room(row: Sequence[Reading]) -> list[Reading]:
    """The numbers of a row, from left to right, with the room to their neighbours."""
    gaps = [np.inf if a.walls[1] or b.walls[0] else _gap(a.place, b.place) for a, b in pairwise(row)]
    rooms = zip([np.inf, *gaps], [*gaps, np.inf], strict=True)
    return [replace(each, room=min(each.room, *room)) for each, room in zip(row, rooms, strict=True)]


def _with_vote(candidate: Candidate, vote: Floats) -> Candidate:
    """A digit as the user's own network sees it."""
    joined = np.zeros(len(CHARACTERS), np.float32)
    joined[:DIGITS] = vote / vote.sum() * candidate.present
    return replace(candidate, shares=joined)
