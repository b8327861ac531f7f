"""Read the numbers of a page: detect them, view each, vote, ask the digit network, collect evidence.

readings, lost = NumberReader(finder, network, digits).read_page(grey, Budget())        # in reading order
readings[0].text                                                                # "12.50"
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from tendigits.digits.foreground import find_foreground
from tendigits.digits.network import Choose, Mask, Network
from tendigits.digits.runtime import Floats
from tendigits.numbers import finder
from tendigits.numbers.decode import CHARACTERS, N_DIGITS, Candidate, Edges, centre
from tendigits.numbers.detections import Detection, in_rows
from tendigits.numbers.lost import find_lost_digits
from tendigits.numbers.missed import as_lost, extend, missed_digits, strokes_beyond, unread_strokes
from tendigits.numbers.network import NumberNetwork
from tendigits.numbers.options import DEFAULT_OPTIONS, NumberOptions
from tendigits.numbers.reading import Reading, digits_of
from tendigits.numbers.rhythm import (
    SIGNS,
    adds_sign,
    group_by_rhythm,
    has_ink_before,
    is_addend,
    join_detections,
    join_readings,
    reach_left,
)
from tendigits.numbers.second_opinion import classify_crops, crop_characters, stray_ink
from tendigits.numbers.strips import DIGIT_HEIGHT_PX, Strip
from tendigits.numbers.views import (
    CROP_COST,
    Budget,
    PageViews,
    ViewedNumber,
    from_the_top,
    view_known_numbers,
    view_numbers,
)
from tendigits.numbers.vote import View, apply_prior, vote
from tendigits.pictures.image import Grey

UNREAD_NEIGHBOUR = "something next to it could not be read"
PART = "may be a part of a longer number"
MIN_PROBABILITY = 1e-4  # of a digit, where two networks are weighed, so that neither alone rules it out
MIN_NUMBER_GAP = 0.1  # digit heights: two numbers that are closer are pieces of one, or of the same strokes
MAX_UNREAD_SIGNS = 2  # of column sums on a page, or as many as were read
MAX_LOST_DISTANCE = 1.6  # digit heights: a lost digit that is closer may belong to the number next to it


@dataclass(frozen=True)
class NumberReader:
    """Reads the numbers of a page."""

    finder: finder.Network
    network: NumberNetwork
    digits: Network  # the network for single digits
    is_user_network: bool = False  # whether `digits` was given by the user: then it decides which digit each is
    base_network: Network | None = None
    """`digits` before it was fine-tuned: where it has become certain of another digit, that one is read."""
    options: NumberOptions = DEFAULT_OPTIONS

    def detect(self, grey: Grey, budget: Budget) -> list[Detection]:
        """Where numbers may stand on a page, the highest score first."""
        detections, is_truncated = finder.find_numbers(self.finder, grey, self.options)
        budget.is_short |= is_truncated
        return detections

    def views(self, grey: Grey) -> PageViews:
        """The views of a page; none of them is computed yet."""
        return PageViews(self.network, grey, self.options)

    def read_page(
        self, grey: Grey, budget: Budget, detections: list[Detection] | None = None, views: PageViews | None = None
    ) -> tuple[list[Reading], list[Reading]]:
        """The numbers of a page in reading order, as far as the budget goes, and digits that belong to none of them.

        Args:
            detections: result of `detect`, if it was called before.
            views: of this page, if there are any yet.
        """
        views = self.views(grey) if views is None else views
        for found in self._attempts(grey, budget, detections):
            numbers = view_numbers(views, found, budget)
            readings = [each for each in self._read(numbers, budget) if any(map(str.isdigit, each.text))]
            if readings:
                readings, lost = self._extended(views, readings, budget)
                readings += self._lost_digits(views, readings, budget)
                indices = in_rows([each.detection for each in readings])
                rows = self._join(views, [[readings[i] for i in row] for row in indices], budget)
                rows = self._with_far_signs(views, rows, budget)
                every = [each for row in rows for each in _with_neighbours(row)]
                return [each for each in every if not each.is_lost], [*lost, *(each for each in every if each.is_lost)]
        return [], []

    def read_known(self, grey: Grey, detections: Sequence[Detection], budget: Budget) -> dict[Detection, Reading]:
        """Read detections that are known to hold one number each, from the top as far as the budget goes."""
        return self._read_known(self.views(grey), detections, budget)

    def _read_known(
        self, views: PageViews, detections: Sequence[Detection], budget: Budget
    ) -> dict[Detection, Reading]:
        numbers = view_known_numbers(views, [[each] for each in detections], budget)
        return {each.detection: each for each in self._read(numbers, budget)}

    def _extended(
        self, views: PageViews, readings: Sequence[Reading], budget: Budget
    ) -> tuple[list[Reading], list[Reading]]:
        """Look beyond the ends of numbers where strokes of no other number stand, and read more of them.

        Returns the numbers, and lost digits: strokes that stand alone there and still are not read; several are a word.
        """
        extended, lost = [*readings], []
        wanted = {
            detection: i for i in range(len(readings)) if (detection := extend(readings, i)) != readings[i].detection
        }
        for detection, reading in self._read_known(views, [*wanted], budget).items():
            before = readings[wanted[detection]]
            alone = [stroke for strokes in reading.beyond if len(strokes) == 1 for stroke in strokes]
            if digits_of(before.text) == digits_of(reading.text) and alone:
                extended[wanted[detection]] = replace(before, doubt=UNREAD_NEIGHBOUR)
                lost += [as_lost(reading, stroke) for stroke in alone]
            elif digits_of(before.text) in digits_of(reading.text) and reading.text != before.text:
                extended[wanted[detection]] = reading
        return extended, lost

    def _lost_digits(self, views: PageViews, readings: Sequence[Reading], budget: Budget) -> list[Reading]:
        """Digits that the finder missed, read where they stand: they may be parts of numbers."""
        if budget.is_short:  # then most of what is left is not lost, but was not looked at
            return []
        lost = find_lost_digits(self.digits, views.grey, [each.detection for each in readings])
        read = self._lenient()._read_known(views, lost, budget).values()
        return [replace(each, is_lost=True) for each in read if len(each.text) == 1 and each.text.isdigit()]

    def _lenient(self) -> "NumberReader":
        """The same reader where something must stand: it reads what is less probable."""
        return replace(self, options=replace(self.options, min_vote=self.options.min_lost_vote))

    def _join(self, views: PageViews, rows: list[list[Reading]], budget: Budget) -> list[list[Reading]]:
        """Read numbers whose digits stand far apart, and were detected in parts, as a whole."""
        grouped = [[[row[i] for i in group] for group in group_by_rhythm(rows, n)] for n, row in enumerate(rows)]
        joint = [join_detections(parts) for groups in grouped for parts in groups if len(parts) > 1]
        whole = self._read_known(views, joint, budget)

        def joined(parts: list[Reading]) -> list[Reading]:
            reading = whole.get(join_detections(parts)) if len(parts) > 1 else None
            return parts if reading is None else [join_readings(parts, reading)]

        return [[each for parts in groups for each in joined(parts)] for groups in grouped]

    def _with_far_signs(self, views: PageViews, rows: list[list[Reading]], budget: Budget) -> list[list[Reading]]:
        """Read numbers of a column sum with the sign that stands far to the left of them."""
        indices = [(n, i) for n, row in enumerate(rows) for i in range(len(row)) if is_addend(rows, n, i)]
        wanted = {reach_left(rows[n], i): (n, i) for n, i in indices}
        unread = []
        for detection, reading in self._lenient()._read_known(views, [*wanted], budget).items():
            n, i = wanted[detection]
            if adds_sign(reading, rows[n][i]):
                rows[n][i] = reading
            elif has_ink_before(reading, rows[n][i]):
                unread.append((n, i))
        n_signs = sum(each.text.startswith(SIGNS) for row in rows for each in row)
        if len(unread) <= max(MAX_UNREAD_SIGNS, n_signs):  # more are names in front of a table's numbers
            for n, i in unread:
                rows[n][i] = replace(rows[n][i], doubt=UNREAD_NEIGHBOUR)
        return rows

    def _attempts(self, grey: Grey, budget: Budget, detections: list[Detection] | None) -> Iterator[list[Detection]]:
        """Detections on the page; if nothing is read there, on its foreground; else the whole picture as one number."""
        yield self._with_whole_picture(grey, self.detect(grey, budget) if detections is None else detections)
        foreground = find_foreground(grey)
        if foreground is not None:
            yield self._with_whole_picture(grey, self.detect(255 - foreground, budget))
        yield [self._whole_picture(grey, fraction) for fraction in self.options.whole_digit_fractions]

    def _with_whole_picture(self, grey: Grey, detections: list[Detection]) -> list[Detection]:
        """Detections, and the whole picture as one more, if it may be a single line of writing."""
        height, width = grey.shape
        tallest = max((each.height for each in detections), default=height)
        max_height = self.options.max_line_picture_height * tallest
        if height > max_height or width < height or len(in_rows(detections)) > 1:
            return detections
        return [*detections, self._whole_picture(grey, self.options.line_digit_fraction)]

    def _whole_picture(self, grey: Grey, fraction: float) -> Detection:
        """The whole picture as one number, whose digits have a fraction of its height."""
        height, width = grey.shape
        digit = fraction * height
        return Detection(width / 2, height / 2, 0.0, max(width - digit / 2, digit / 2), digit, 0.0)

    def _read(self, numbers: Sequence[ViewedNumber], budget: Budget) -> list[Reading]:
        """Vote over the views of each number, and classify the digits of all numbers in one batch.

        Doubtful digits are classified again, from the top as far as the budget goes.
        """
        if not numbers:
            return []
        readings = [self._vote(number) for number in numbers]
        sizes = [len(reading.crops) for reading in readings]
        crops = np.concatenate([reading.crops for reading in readings])
        owner = np.repeat(np.arange(len(readings)), sizes)  # of each crop
        is_partial: Mask = np.array([reading.is_partial for reading in readings], bool)

        def choose(doubtful: Mask) -> Mask:
            doubtful &= ~is_partial[owner]
            unpaid = np.bincount(owner[doubtful], minlength=len(readings)) - [each.n_rotations for each in numbers]
            costs = CROP_COST * np.maximum(0, unpaid)
            unpaid[from_the_top([each.detection for each in numbers], costs.tolist(), budget)] = 0
            is_partial[unpaid > 0] = True
            doubtful &= ~is_partial[owner]
            return doubtful

        opinions = classify_crops(self.digits, crops, choose)
        decisive, ends = self._is_decisive(opinions, crops, choose), np.cumsum(sizes[:-1])
        parts = zip(readings, np.split(opinions, ends), np.split(decisive, ends), is_partial.tolist(), strict=True)
        return [_with_second_opinion(*part, self.options.second_opinion_weight) for part in parts]

    def _vote(self, number: ViewedNumber) -> Reading:
        """What the views of a number show, without a second opinion."""
        first = number.views[0]
        strip, foreground = first.strip, find_foreground(first.strip.picture)
        accepted, rejected = vote(number.views, self.options)
        read = self._inside(accepted, strip)
        read_boxes = [each.box for each in read]
        strokes = unread_strokes(foreground, read_boxes)
        missed = self._inside(missed_digits(self.digits, foreground, read_boxes, strokes), strip)
        characters = apply_prior(sorted([*read, *missed], key=lambda each: centre(each.box)), self.options)
        boxes, borders = [each.box for each in characters], self._borders(strip, first.borders)
        return Reading(
            number.detection,
            strip,
            characters,
            self._inside(rejected, strip),
            crop_characters(foreground, boxes),
            np.zeros((len(boxes), N_DIGITS), np.float32),
            stray_ink(foreground, boxes, DIGIT_HEIGHT_PX),
            [self._view_text(view, strip) for view in number.views],
            borders,
            self._clearance([each.box for each in accepted], strip, borders),
            number.is_partial,
            beyond=strokes_beyond(boxes, strokes),
        )

    def _is_decisive(self, opinions: Floats, crops: Grey, choose: Choose) -> Mask:
        """Whether the digit network decides about each crop: bool (n,)."""
        if self.base_network is None:
            return np.full(len(crops), self.is_user_network)
        before = self.base_network(crops, choose).digits.argmax(axis=1)
        is_certain = opinions.max(axis=1, initial=0) >= self.options.min_contradiction
        decisive: Mask = (opinions.argmax(axis=1) != before) & is_certain
        return decisive

    def _is_inside(self, box: Edges, strip: Strip) -> bool:
        """Whether a character belongs to the number of a strip, and not to its neighbour."""
        margin = self.options.max_outside * DIGIT_HEIGHT_PX
        return strip.ends[0] - margin <= centre(box) <= strip.ends[1] + margin

    def _inside(self, candidates: Sequence[Candidate], strip: Strip) -> list[Candidate]:
        return [each for each in candidates if self._is_inside(each.box, strip)]

    def _view_text(self, view: View, strip: Strip) -> str:
        """What a view shows of the number in a strip."""
        inside = [peak for peak in view.peaks if self._is_inside(view.strip.in_strip(peak.box, strip), strip)]
        return "".join(peak.label for peak in inside if peak.present >= self.options.min_vote)

    def _borders(self, strip: Strip, borders: Sequence[Edges]) -> tuple[bool, bool]:
        """Whether cell borders stand on the left and on the right of the number in a strip."""
        (first, last), tolerance = strip.ends, self.options.border_tolerance * DIGIT_HEIGHT_PX
        return any(centre(x) < first + tolerance for x in borders), any(centre(x) > last - tolerance for x in borders)

    def _clearance(self, boxes: Sequence[Edges], strip: Strip, borders: tuple[bool, bool]) -> float:
        """From the ends of the number in a strip to the next characters outside of it, in digit heights."""
        outside = [box for box in boxes if not self._is_inside(box, strip)]
        first, last = strip.ends
        left = [first - box[2] for box in outside if box[0] < first and not borders[0]]
        right = [box[0] - last for box in outside if box[2] > last and not borders[1]]
        return min([*left, *right], default=np.inf) / DIGIT_HEIGHT_PX


def _with_neighbours(row: Sequence[Reading]) -> list[Reading]:
    """The numbers of a row, from left to right, with the distance to the next; a lost digit may belong to both."""
    gaps: list[float] = [np.inf]
    doubts: list[str | None] = [None]
    for a, b in pairwise(row):
        distance = np.hypot(b.detection.x - a.detection.x, b.detection.y - a.detection.y)
        gap = float(distance - (a.detection.length + b.detection.length) / 2)
        gap /= max(a.detection.height, b.detection.height)
        gaps.append(np.inf if a.borders[1] or b.borders[0] else gap)
        is_lost = (a.is_lost or b.is_lost) and gaps[-1] <= MAX_LOST_DISTANCE
        is_part = gaps[-1] <= max(MIN_NUMBER_GAP, a.widest_gap(), b.widest_gap())
        doubts.append(UNREAD_NEIGHBOUR if is_lost else PART if is_part else None)
    neighbours = zip(row, pairwise([*gaps, np.inf]), pairwise([*doubts, None]), strict=True)
    return [
        replace(each, clearance=min(each.clearance, *gap), doubt=before or after or each.doubt)
        for each, gap, (before, after) in neighbours
    ]


def _with_second_opinion(
    reading: Reading, opinions: Floats, decisive: Mask, is_partial: bool, weight: float
) -> Reading:
    """A reading with the digit network's probabilities, float32 (n, 10), which change its own.

    Where it is decisive they replace them, elsewhere they are weighed with them.
    """
    opinions = opinions * np.array([each.label.isdigit() for each in reading.characters], bool)[:, None]
    characters = [*reading.characters]
    for i in np.flatnonzero(opinions.any(axis=1)).tolist():
        probabilities = np.zeros(len(CHARACTERS), np.float32)
        if decisive[i]:
            probabilities[:N_DIGITS] = opinions[i] / opinions[i].sum() * characters[i].present
        else:
            probabilities[:] = characters[i].probabilities
            digits = probabilities[:N_DIGITS]
            mixed = (digits + MIN_PROBABILITY) ** (1 - weight) * (opinions[i] + MIN_PROBABILITY) ** weight
            probabilities[:N_DIGITS] = mixed * (digits.sum() / mixed.sum())
        characters[i] = replace(characters[i], probabilities=probabilities)
    return replace(reading, characters=characters, second_opinion=opinions, is_partial=is_partial)
