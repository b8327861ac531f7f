"""Read the numbers of a page: detect them, crop each, read it, collect evidence.

readings = NumberReader(finder, network).read_page(grey, Budget())        # in reading order
readings[0].text                                                        # "12.50"
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np

from tendigits.digits.foreground import find_foreground
from tendigits.digits.network import Choose, Mask, Network, Predictions
from tendigits.digits.runtime import Floats
from tendigits.numbers import finder
from tendigits.numbers.crops import CHARACTER_COST, Budget, PageCrops, crop_known_numbers, crop_numbers
from tendigits.numbers.decode import CHARACTERS, N_DIGITS, Candidate, Edges, centre, text_of
from tendigits.numbers.detections import Detection, in_rows
from tendigits.numbers.grammar import is_usual
from tendigits.numbers.hypotheses import reweigh
from tendigits.numbers.network import NumberNetwork
from tendigits.numbers.options import DEFAULT_OPTIONS, NumberOptions
from tendigits.numbers.reading import Reading, without_repeated
from tendigits.numbers.spacing import (
    SIGNS,
    adds_sign,
    group_evenly_spaced,
    has_ink_before,
    is_addend,
    join_detections,
    reach_left,
)
from tendigits.numbers.strips import DIGIT_HEIGHT_PX, Crop, Strip
from tendigits.pictures.image import Grey

UNREAD_NEIGHBOUR = "there is more ink next to it"
DISPLAY = "may have lost a decimal point, as wide displays do"
MAX_UNREAD_SIGNS = 2  # of column sums on a page, or as many as were read
UNUSUAL_LOG_PRIOR = -3.0  # of a text that people do not usually write, relative to one that they do


@dataclass(frozen=True)
class NumberReader:
    """Reads the numbers of a page."""

    finder: finder.Network
    network: NumberNetwork
    digits: Network | None = None  # the user's network, which decides which digit each is
    base_network: Network | None = None
    """`digits` before it was fine-tuned: where it has become certain of another digit, that one is read."""
    options: NumberOptions = DEFAULT_OPTIONS

    def detect(self, grey: Grey, budget: Budget) -> list[Detection]:
        """Where numbers may stand on a page, the highest score first."""
        detections, is_truncated = finder.find_numbers(self.finder, grey, self.options)
        budget.is_truncated |= is_truncated
        return detections

    def crops(self, grey: Grey) -> PageCrops:
        """The crops of a page; none of them is computed yet."""
        return PageCrops(self.network, grey, self.options)

    def read_page(
        self, grey: Grey, budget: Budget, detections: list[Detection] | None = None, crops: PageCrops | None = None
    ) -> list[Reading]:
        """The numbers of a page in reading order, as far as the budget goes.

        Args:
            detections: result of `detect`, if it was called before.
            crops: of this page, if there are any yet.
        """
        crops = self.crops(grey) if crops is None else crops
        for readings in self._attempts(crops, budget, detections):
            if readings:
                indices = in_rows([each.detection for each in readings])
                rows = self._join(crops, [[readings[i] for i in row] for row in indices], budget)
                rows = self._with_far_signs(crops, rows, budget)
                return self.see_again(crops, [*chain.from_iterable(rows)], budget)
        return []

    def read_known(self, crops: PageCrops, detections: Sequence[Detection], budget: Budget) -> dict[Detection, Reading]:
        """Read detections that are known to hold one number each, from the top as far as the budget goes."""
        numbers = crop_known_numbers(crops, detections, budget)
        return {each.detection: each for each in self._read(crops, numbers, budget)}

    def see_again(self, crops: PageCrops, readings: Sequence[Reading], budget: Budget) -> list[Reading]:
        """Readings; of one that is not clear, what a view with larger or smaller digits shows, if that is clearer."""

        def surprise(reading: Reading) -> float:
            return reading.surprise / max(1, len(reading.text))

        heights = self.options.view_heights
        views = {
            reading: [replace(reading.detection, height=height * reading.detection.height) for height in heights]
            for reading in readings
            if surprise(reading) > self.options.min_surprise
        }
        with budget.part() as part:  # what it does not pay for has been read before
            read = self.read_known(crops, [*chain.from_iterable(views.values())], part)

        def clearest(reading: Reading) -> Reading:
            others = [read[view] for view in views.get(reading, ()) if view in read]
            if not others:
                return reading
            own = [reading, *others]
            best = min(filter(_has_digit, own), key=surprise, default=reading)
            rivals = [np.exp(-surprise(each)) for each in own if each.text != best.text]
            # Where it stands and how high it is, the first view shows.
            return replace(best, detection=reading.detection, doubt=reading.doubt, rival=max(rivals, default=0.0))

        return [*map(clearest, readings)]

    def lenient(self) -> "NumberReader":
        """A copy with a lower threshold, for crops that are known to contain a character."""
        return replace(self, options=replace(self.options, min_read=self.options.min_faint_read))

    def _join(self, crops: PageCrops, rows: list[list[Reading]], budget: Budget) -> list[list[Reading]]:
        """Read numbers whose digits stand far apart, and were detected in parts, as a whole."""
        grouped = [[[row[i] for i in group] for group in group_evenly_spaced(rows, n)] for n, row in enumerate(rows)]
        joint = [join_detections(parts) for groups in grouped for parts in groups if len(parts) > 1]
        whole = self.read_known(crops, joint, budget)

        def joined(parts: list[Reading]) -> list[Reading]:
            reading = whole.get(join_detections(parts)) if len(parts) > 1 else None
            return [reading] if reading is not None and _has_digit(reading) else parts

        return [[each for parts in groups for each in joined(parts)] for groups in grouped]

    def _with_far_signs(self, crops: PageCrops, rows: list[list[Reading]], budget: Budget) -> list[list[Reading]]:
        """Read numbers of a column sum with the sign that stands far to the left of them."""
        indices = [(n, i) for n, row in enumerate(rows) for i in range(len(row)) if is_addend(rows, n, i)]
        wanted = {reach_left(rows[n], i): (n, i) for n, i in indices}
        unread = []
        for detection, reading in self.lenient().read_known(crops, [*wanted], budget).items():
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

    def _attempts(
        self, crops: PageCrops, budget: Budget, detections: list[Detection] | None
    ) -> Iterator[list[Reading]]:
        """What is read on the page; if it is nothing, on its foreground; else in the whole picture as one number.

        The whole picture must show the same with two heights of its digits.
        """
        grey = crops.grey
        found = self.detect(grey, budget) if detections is None else detections
        yield self._read_numbers(crops, self._with_whole_picture(crops, found, budget), budget)
        foreground = find_foreground(grey)
        if foreground is not None:
            found = self.detect(255 - foreground, budget)
            yield self._read_numbers(crops, self._with_whole_picture(crops, found, budget), budget)
        wholes = [self._whole_picture(grey, fraction) for fraction in self.options.whole_digit_fractions]
        read = [self._read_numbers(crops, [whole], budget) for whole in wholes]
        texts = [[each.text for each in readings] for readings in read]
        yield next((readings for readings, text in zip(read, texts, strict=True) if texts.count(text) > 1), [])

    def _read_numbers(self, crops: PageCrops, detections: list[Detection], budget: Budget) -> list[Reading]:
        """The numbers in some detections."""
        numbers = crop_numbers(crops, detections, budget)
        return without_repeated([each for each in self._read(crops, numbers, budget) if _has_digit(each)])

    def _with_whole_picture(self, crops: PageCrops, detections: list[Detection], budget: Budget) -> list[Detection]:
        """Detections, and the whole picture as one more, if it may be a single line of writing.

        If it is not clear and its digits are as wide as those of many displays, a narrowed view shows more, and is the
        only one.
        """
        height, width = crops.grey.shape
        tallest = max((each.height for each in detections), default=height)
        max_height = self.options.max_line_picture_height * tallest
        if height > max_height or width < height or len(in_rows(detections)) > 1:
            return detections
        plain = self._whole_picture(crops.grey, self.options.line_digit_fraction)
        views = [plain, *(replace(plain, stretch=stretch) for stretch in self.options.line_stretches)]
        if budget.afford([sum(map(crops.cost, [*views, *detections]))]) == 0:
            return detections
        crops.compute([plain, *detections])
        if min((peak.confidence for peak in crops[plain].peaks), default=0.0) < self.options.clear_in_line:
            crops.compute(views)
            best = max(views, key=lambda view: self._evidence(crops, view))
            if best.stretch > 1 and self._evidence(crops, best) > 0:
                return [best]
        return [*detections, plain]

    def _whole_picture(self, grey: Grey, fraction: float) -> Detection:
        """The whole picture as one number, whose digits have a fraction of its height."""
        height, width = grey.shape
        digit = fraction * height
        return Detection(width / 2, height / 2, 0.0, max(width - digit / 2, digit / 2), digit, 0.0)

    def _evidence(self, crops: PageCrops, view: Detection) -> float:
        """How many characters a view shows, and how clearly: log probabilities, relative to that of a doubtful one."""
        read = [peak.confidence for peak in crops[view].peaks if peak.present >= self.options.min_read]
        evidence = float(np.log(np.array(read) / self.options.doubtful_in_line).sum())
        return evidence - self.options.wider_log_odds * (view.stretch > 1)

    def _read(self, crops: PageCrops, numbers: Sequence[Detection], budget: Budget) -> list[Reading]:
        """Read cropped numbers."""
        readings = [self._reading(number, crops[number]) for number in numbers]
        return self._with_user_digits(readings, self.digits, budget) if readings and self.digits else readings

    def _with_user_digits(self, readings: Sequence[Reading], network: Network, budget: Budget) -> list[Reading]:
        """Readings with the digits of the user's network where it decides; all are classified in one batch.

        Doubtful digits are classified again, rotated, from the top as far as the budget goes.
        """
        crops = np.concatenate([reading.crops for reading in readings])

        def choose(doubtful: Mask) -> Mask:
            indices = np.flatnonzero(doubtful)
            doubtful[indices[budget.afford([CHARACTER_COST] * len(indices)) :]] = False
            return doubtful

        predictions = network(crops, choose)
        decisive = self._is_decisive(predictions, crops, choose)
        ends = np.cumsum([len(reading.characters) for reading in readings[:-1]])
        parts = zip(readings, np.split(predictions.digits, ends), np.split(decisive, ends), strict=True)
        return [_with_digits(*part) for part in parts]

    def _reading(self, detection: Detection, crop: Crop) -> Reading:
        """What a crop shows of a number."""
        strip = crop.strip
        read = [peak for peak in crop.peaks if peak.present >= self.options.min_read]
        faint = [peak for peak in crop.peaks if peak.present < self.options.min_read]
        return Reading(
            detection,
            strip,
            _in_usual_form([peak for peak in read if strip.holds(peak.box)]),
            [peak for peak in faint if strip.holds(peak.box)],
            self._borders(strip, crop.borders),
            [peak.box for peak in read],
            doubt=DISPLAY if detection.stretch > 1 else None,
        )

    def _is_decisive(self, predictions: Predictions, crops: Grey, choose: Choose) -> Mask:
        """Whether the user's network decides about each crop: bool (n,)."""
        if self.base_network is None:
            return np.full(len(crops), True)
        before = self.base_network(crops, choose).digits.argmax(axis=1)
        is_certain = predictions.confidence >= self.options.min_contradiction
        decisive: Mask = (predictions.digits.argmax(axis=1) != before) & is_certain
        return decisive

    def _borders(self, strip: Strip, borders: Sequence[Edges]) -> tuple[bool, bool]:
        """Whether cell borders stand on the left and on the right of the number in a strip."""
        (first, last), tolerance = strip.ends, self.options.border_tolerance * DIGIT_HEIGHT_PX
        return any(centre(x) < first + tolerance for x in borders), any(centre(x) > last - tolerance for x in borders)


def _has_digit(reading: Reading) -> bool:
    return any(map(str.isdigit, reading.text))


def _in_usual_form(characters: list[Candidate]) -> list[Candidate]:
    """Characters whose text people write, where it is nearly as probable: not `3/-3` but `31-3`."""
    if is_usual(text_of(characters)):
        return characters
    return reweigh(characters, lambda text: 0.0 if is_usual(text) else UNUSUAL_LOG_PRIOR)


def _with_digits(reading: Reading, digits: Floats, decisive: Mask) -> Reading:
    """A reading whose digits are as probable as these, float32 (n, 10), for each character, where they are decisive."""
    characters = [*reading.characters]
    for i in np.flatnonzero(decisive).tolist():
        if characters[i].label.isdigit():
            probabilities = np.zeros(len(CHARACTERS), np.float32)
            probabilities[:N_DIGITS] = digits[i] * characters[i].present
            characters[i] = replace(characters[i], probabilities=probabilities)
    return replace(reading, characters=characters)
