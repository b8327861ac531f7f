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
from tendigits.lines.decode import CHARACTERS, HEIGHT, NONE, Edges, Peak, decode
from tendigits.lines.finder import Place, find_numbers, same_place
from tendigits.lines.network import LineNetwork
from tendigits.lines.numbers import is_usual
from tendigits.lines.order import in_rows
from tendigits.lines.second_opinion import crops_of, has_rule, strokes_beside
from tendigits.lines.strips import DIGIT, Pyramid, Strip, cut_all
from tendigits.lines.trust import Evidence
from tendigits.lines.vote import READ, Candidate, vote

Grey = NDArray[np.uint8]
Floats = NDArray[np.float32]

DIGITS = 10
"""The first of CHARACTERS are the digits."""

VIEWS, MORE_VIEWS = (1.0, 0.85), (1.15, 0.75)
"""Scales of the strips in which each number is read, and of those that are asked too where the first disagree."""

BEYOND = 0.4
"""Of a digit's height: how far outside of a number's ends the middle of a character of it may lie."""

SPLIT = 0.9
"""Of a digit's height: characters that are further apart belong to two numbers."""

TALLEST = 1.38
"""Of a digit's height: what is higher is no character."""

MOST_CHANGE = 1.6
"""How many times higher or lower than the finder says digits may be."""

LEAST = 1e-4
"""Probability that no evidence falls below, so that no single one decides alone."""

LINE_SHARE = 0.65
"""Of a picture's height: the height of digits, where the whole picture is tried as one line."""


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
        looks = cut_all(pyramid, places, VIEWS[0])
        (seen,) = self._peaks([looks])
        places = [number for at in zip(places, looks, seen, strict=True) for number in numbers_in(*at)]
        views = [cut_all(pyramid, places, scale) for scale in VIEWS]
        peaks = self._peaks(views)
        unclear = [i for i in range(len(places)) if len({_text(view[i]) for view in peaks}) > 1]
        more = [cut_all(pyramid, [places[i] for i in unclear], scale) for scale in MORE_VIEWS]
        more_peaks = self._peaks(more)
        voted = []
        for i, strip in enumerate(views[0]):
            looked = [(view[i], found[i]) for view, found in zip(views, peaks, strict=True)]
            if i in unclear:
                n = unclear.index(i)
                looked += [(view[n], found[n]) for view, found in zip(more, more_peaks, strict=True)]
            moved = [[replace(peak, box=view.in_strip(peak.box, strip)) for peak in found] for view, found in looked]
            voted.append([[each for each in part if _is_within(each, strip)] for part in vote(moved)])
        return distinct(self._with_second_opinion(places, views[0], voted))

    def _ways(self, grey: Grey) -> Iterator[list[Place]]:
        """Where numbers may stand; the next way is tried where nothing was read in one."""
        yield find_numbers(self.finder, grey)
        foreground = find_foreground(grey)
        if foreground is None:
            return
        yield find_numbers(self.finder, 255 - foreground)
        height, width = grey.shape
        digit = LINE_SHARE * height
        if width > digit:
            yield [Place(width / 2, height / 2, 0.0, width - digit / 4, digit, 0.0)]

    def _peaks(self, views: Sequence[Sequence[Strip]]) -> list[list[list[Peak]]]:
        """What the network sees in each strip of each view."""
        outputs = iter(self.lines([strip.picture for view in views for strip in view]))
        return [[decode(next(outputs)) for _ in view] for view in views]

    def _with_second_opinion(
        self, places: Sequence[Place], strips: Sequence[Strip], voted: Sequence[Sequence[list[Candidate]]]
    ) -> list[Reading]:
        """Ask the network for single digits about all digits at once."""
        foregrounds = [find_foreground(strip.picture) for strip in strips]
        crops = [crops_of(ink, [each.box for each in read]) for ink, (read, _) in zip(foregrounds, voted, strict=True)]
        predictions = self.digits(np.concatenate([*crops, np.zeros((0, 28, 28), np.uint8)]))
        shares = predictions.digits * predictions.is_digit[:, None]
        readings, first = [], 0
        for place, strip, ink, cut, (read, dropped) in zip(places, strips, foregrounds, crops, voted, strict=True):
            second = (
                shares[first : first + len(read)] * [[each.label.isdigit()] for each in read] if read else shares[:0]
            )
            first += len(read)
            if self.own:
                read = [_with_vote(each, vote) if vote.any() else each for each, vote in zip(read, second, strict=True)]
            beside = strokes_beside(ink, [each.box for each in read], DIGIT)
            readings.append(Reading(place, strip, read, dropped, cut, second, beside))
        return readings


def numbers_in(place: Place, strip: Strip, peaks: Sequence[Peak]) -> list[Place]:
    """The numbers that a first look shows in a place: their ends and heights, from the boxes of their characters.

    The finder may have joined neighbours, or cut off an end.
    """
    groups: list[list[Peak]] = []
    foreground = find_foreground(strip.picture)
    digit_height = _digit_height(peaks)
    for peak in sorted(peaks, key=lambda peak: peak.box[0]):
        if peak.present < READ:
            continue
        if is_rule(peak.box, digit_height) and has_rule(foreground, peak.box[0], peak.box[2]):
            groups.append([])
            continue
        end = max((each.box[2] for each in groups[-1]), default=0.0) if groups else 0.0
        if not groups or not groups[-1] or peak.box[0] - end >= SPLIT * DIGIT or has_rule(foreground, end, peak.box[0]):
            groups.append([peak])
        else:
            groups[-1].append(peak)
    numbers = []
    for group in groups:
        digits = [peak.box for peak in group if peak.label.isdigit()]
        if not digits:
            continue
        left, right = min(peak.box[0] for peak in group), max(peak.box[2] for peak in group)
        if right < strip.ends[0] or left > strip.ends[1]:
            continue
        top, bottom = np.median([box[1] for box in digits]), np.median([box[3] for box in digits])
        x, y = strip.matrix @ [(left + right) / 2, (top + bottom) / 2, 1]
        unit = place.height / (DIGIT * strip.scale)
        height = float(np.clip((bottom - top) * unit, place.height / MOST_CHANGE, place.height * MOST_CHANGE))
        numbers.append(replace(place, x=float(x), y=float(y), length=(right - left) * unit, height=height))
    return numbers


def distinct(readings: Sequence[Reading]) -> list[Reading]:
    """Of readings of the same number, the one with the most characters."""
    kept: list[Reading] = []
    for reading in sorted(readings, key=lambda reading: -len(reading.characters)):
        if not any(same_place(reading.place, other.place) for other in kept):
            kept.append(reading)
    return kept


def evidence(reading: Reading) -> Evidence:
    """What speaks against a reading."""
    read = [np.log(max(each.confidence, LEAST)) for each in reading.characters]
    absent = [np.log(max(1 - each.present, LEAST)) for each in reading.dropped]
    second = [
        np.log(max(float(shares[CHARACTERS.index(each.label)]), LEAST))
        for each, shares in zip(reading.characters, reading.second, strict=True)
        if each.label.isdigit()
    ]
    return Evidence(
        float(sum(read) + sum(absent)), float(min([*read, *absent], default=0.0)), float(sum(second)),
        reading.beside, float(not is_usual(reading.text)),
    )  # fmt: skip


def _text(peaks: Sequence[Peak]) -> str:
    return "".join(peak.label for peak in peaks if peak.present >= READ)


def is_rule(box: Edges, digit_height: float) -> bool:
    """Whether something runs through the whole strip, too high for a character: the side of a cell."""
    return box[1] < 3 and box[3] > HEIGHT - 3 and box[3] - box[1] > TALLEST * digit_height


def _digit_height(characters: Sequence[Peak | Candidate]) -> float:
    """The median height of the digits, in pixels of the strip; DIGIT if there are none."""
    heights = [each.box[3] - each.box[1] for each in characters if each.label.isdigit()]
    return float(np.median(heights)) if heights else DIGIT


def _is_within(candidate: Candidate, strip: Strip) -> bool:
    """Whether a character belongs to the number, and not to its neighbour."""
    middle, room = (candidate.box[0] + candidate.box[2]) / 2, BEYOND * DIGIT * strip.scale
    return strip.ends[0] - room <= middle <= strip.ends[1] + room


def _with_vote(candidate: Candidate, vote: Floats) -> Candidate:
    """A digit as the user's own network sees it."""
    joined = np.zeros(NONE, np.float32)
    joined[:DIGITS] = vote / vote.sum() * candidate.present
    return replace(candidate, shares=joined)
