"""Hands that write: characters and words on a canvas, in one person's way or in a font.

shapes = Shapes(x_train, y_train, fonts, rng)       # what all hands share
hand = draw_hand(shapes, rng, height=26.0)
end = shapes.write_number(canvas, "12.50", 10.0, 33.0, hand, rng)
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from synthesis.fonts import DISPLAYED, Font
from synthesis.glyphs import EM, PAD, Glyph, Grey, Rng, distances, glyph_of, write
from synthesis.signs import MARKS, SIGNS, draw_glyph, draw_sign_glyph
from synthesis.strokes import draw_digit
from synthesis.texts import draw_word

Box = tuple[float, float, float, float]

Drawings = dict[str, list[Grey]]
"""How somebody writes: drawings, uint8 (height, width), white on black, by label."""

People = Sequence[tuple[float, Sequence[Drawings]]]
"""Groups of real people: the share of the mixed hands that are of each group, and its people."""

OTHER_SHAPES = 0.12
"""Share of the digits of one person's hand that are another's, for there are few drawings of some people."""

LABEL_TRIES = 6
"""Printed words of a form that are tried until some fit their place."""

SIGN_EDGES = {
    "/": ((-0.4, 0.05), (0.95, 1.4)),
    "+": ((0.1, 0.4), (0.7, 0.95)),
    "×": ((0.2, 0.5), (0.8, 1.0)),
    "÷": ((0.15, 0.45), (0.75, 1.0)),
}
"""Digit heights below the top of a digit between which a person's sign begins, and ends."""

N_SHAPES, WORDS = 600, 600
"""Drawn shapes of each character, and words; to draw one anew each time would cost more than the rest of a line."""

SOURCES = {"mixed": 0.5, "script": 0.13, "print": 0.21, "display": 0.16}
"""Shares of lines by mixed hands, in one handwriting font, in one printed font, and of seven segments."""

OF_MNIST, OF_STROKES = 0.5, 0.36
"""Shares of a mixed hand's digits that are MNIST's and that are drawn from strokes; the others are a font's."""

LINKED = 0.1
"""Share of the numbers in which zeros are joined by a stroke."""

SLASHED_ZERO = 0.12
"""Share of the numbers by hand in which a stroke runs through each zero."""

RAISED, MIN_RAISE, MAX_RAISE = 0.2, 0.3, 0.55
"""Share of the numbers in which points stand above the baseline, and by how much, in digit heights."""

UNLIT = 90
"""Of 255: how dark the segments of a display that are off may be."""

BESIDE_SIGN = 0.03
"""Of a digit's height: the narrowest gap next to a sign."""

WIDE_ZEROS = 1.7
"""How much wider joined or low zeros may be than other digits; joined ones may also overlap."""

SMALL_ZEROS = 0.25
"""Share of the numbers by hand in which zeros are lower than other digits."""

LARGE_FIRST, LARGEST_FIRST = 0.14, 2.0
"""Share of the numbers by hand that begin with a larger digit, and how much larger at most."""

TALL_ONES, TALLEST_ONE = 0.3, 1.6
"""Share of the numbers by hand with 1s that are higher than other digits, and how much at most."""

STEEP, STEEPEST = 0.2, 0.7
"""Share of the hands that slant far to the right, and how far at most: the top of a digit, in digit heights."""

MIN_DISPLAY_GAP, USUAL_DISPLAY_GAP, MAX_DISPLAY_GAP, MAX_DISPLAY_SLANT = 0.08, 0.2, 0.7, 0.28
"""Of a display's digits: gaps between them, and how far the top leans to the right at most, in digit heights."""

DISPLAY_ASPECT, DISPLAY_ASPECT_STD = 0.22, 0.3
"""Logarithm of how much wider a display's digits are than the font's: cameras look from below, crops are stretched."""

WORN, MIN_HAIRLINE, MAX_HAIRLINE = 0.25, 0.06, 0.11
"""Share of the printed numbers whose type is worn, and how thick the lines are that it has lost, in digit heights."""

LOW_DECIMALS, HIDDEN_POINT = 0.45, 0.5
"""Share of a display's numbers with lower digits behind the point; and of these, those without a point before them."""

SEGMENT = 2.6
"""Of the pens of a font: how thick the segments of a display are."""

PLAIN_SEVEN, FIXED_PITCH, CLOSE_POINT = 0.6, 0.8, 0.7
"""Shares of a display's numbers whose 7 has no upper left segment, whose 1 takes as much room as other digits, and
whose point stands in the gap between two digits."""

UNITS, N_UNITS = ("kWh", "kW h", "kW", "kVAh", "Wh", "W", "V", "A", "m", "h", "C", "kg", "L", "CUM"), 10
"""What displays measure in, and how often each is drawn."""

SPREAD, MIN_SPREAD_GAP, MAX_SPREAD_GAP = 0.1, 0.4, 1.5
"""Share of the hands whose digits stand far apart, and how far at least and at most, in digit heights."""

FAR_SIGN, MAX_SIGN_GAP = 0.3, 3.5
"""Share of the signs that stand far in front of a number, as in a column sum, and how far at most, in digit heights."""

BEND = 0.022
"""Standard deviation of the points by which a shape is bent, in digit heights."""


@dataclass(frozen=True)
class Hand:
    """How somebody writes."""

    font: Font | None
    """None is a mixed hand."""
    height: float
    """Of a digit, in pixels."""
    aspect: float
    """How wide it writes; 1 leaves the shapes as they are."""
    pen: float
    """Half the width of a stroke, in pixels."""
    slant: float
    """How far the top of a digit moves to the right, in digit heights."""
    gap: float
    """Between two characters, in digit heights; below 0 they overlap."""
    uneven: float
    """Standard deviation of sizes and places, in digit heights; 0 in print."""
    slope: float
    """Pixels down for each pixel to the right."""
    own: float
    """Probability that a character looks like the same character before it."""
    person: Drawings = field(default_factory=dict)
    """What this person's characters look like, as far as they are known."""

    @property
    def is_display(self) -> bool:
        """Whether it is a display, which shows digits and points."""
        return self.font is not None and self.font.is_display

    @property
    def is_spread(self) -> bool:
        """Whether the digits of its numbers stand far apart."""
        return self.gap >= MIN_SPREAD_GAP


@dataclass(eq=False)
class Canvas:
    """What is written, and what stands next to it and is not to be read."""

    shape: tuple[int, int]
    writing: Grey = field(init=False)
    others: Grey = field(init=False)
    labels: list[str] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.writing, self.others = np.zeros(self.shape, np.uint8), np.zeros(self.shape, np.uint8)

    def add(self, layer: Grey, strokes: Grey, left: float, top: float) -> Box | None:
        """Add strokes to a layer; returns the box of what is in the picture, None if nothing is."""
        x, y = round(left), round(top)
        height, width = self.shape
        part = strokes[max(0, -y) : max(0, height - y), max(0, -x) : max(0, width - x)]
        if not part.size:
            return None
        x, y = max(0, x), max(0, y)
        place = layer[y : y + part.shape[0], x : x + part.shape[1]]
        np.maximum(place, part, out=place)
        column, row, across, down = cv2.boundingRect((part > 100).astype(np.uint8))
        return (x + column, y + row, x + column + across, y + row + down) if across else None


class Shapes:
    """The characters, words and marks that hands write."""

    def __init__(self, x: Grey, y: NDArray[np.uint8], fonts: list[Font], rng: Rng, people: People = ()) -> None:
        """Draw them.

        Args:
            x: MNIST's digits to write with, uint8 (n, 28, 28).
            y: their labels, uint8 (n,).
            people: real people, some of the mixed hands; see reader/real/people.py.
        """
        self.people = people
        self.x = x
        self.rows = {str(label): np.flatnonzero(y == label) for label in range(10)}
        self.scripts = [font for font in fonts if font.written]
        self.prints = [font for font in fonts if not font.written and not font.is_display]
        self.displays = [font for font in fonts if font.is_display]
        self.kept = {
            str(n): [glyph_of(str(n), draw_digit(n, rng, rare=True)) for _ in range(N_SHAPES)] for n in range(10)
        }
        self.kept |= {label: [draw_sign_glyph(label, rng) for _ in range(N_SHAPES)] for label in SIGNS}
        self.marks = [draw_glyph("", MARKS[i % len(MARKS)], rng, wobble=0.06) for i in range(WORDS)]
        self.words = [self._draw_word(rng) for _ in range(WORDS)]
        self.labels = [self._draw_label(rng) for _ in range(WORDS)]
        self.units = [self._print(unit, rng) for unit in UNITS for _ in range(N_UNITS)]

    def write_number(self, canvas: Canvas, text: str, x: float, base: float, hand: Hand, rng: Rng) -> float:
        """Write a number from x on, as far as it fits; returns where it ends.

        Args:
            base: the baseline at x = 0, in pixels.
        """
        if hand.is_display:
            text = "".join(label for label in text if label in DISPLAYED)
        low = float(rng.uniform(0.5, 0.8)) if hand.is_display and rng.random() < LOW_DECIMALS else 1.0
        before: dict[str, Glyph] = {}
        linked = rng.random() < LINKED
        is_slashed = bool(hand.uneven) and rng.random() < SLASHED_ZERO
        raised = float(rng.uniform(MIN_RAISE, MAX_RAISE)) if rng.random() < RAISED else 0.0
        unlit = int(rng.integers(1, UNLIT)) if hand.is_display and rng.random() < 0.5 else 0
        is_pitched, is_close = (hand.is_display and rng.random() < share for share in (FIXED_PITCH, CLOSE_POINT))
        is_hidden = low < 1.0 and rng.random() < HIDDEN_POINT
        is_plain = hand.is_display and rng.random() < PLAIN_SEVEN
        is_worn = not hand.uneven and not hand.is_display and rng.random() < WORN
        hairline = max(2, round(float(rng.uniform(MIN_HAIRLINE, MAX_HAIRLINE)) * hand.height)) if is_worn else 0
        small = bool(hand.uneven) and rng.random() < SMALL_ZEROS
        zero = float(rng.uniform(0.38, 0.9)) if small else 1.0
        wide = float(rng.uniform(0.9, WIDE_ZEROS)) if (linked or small) and hand.uneven else 1.0
        large = float(rng.uniform(1.1, LARGEST_FIRST)) if hand.uneven and rng.random() < LARGE_FIRST else 1.0
        one = float(rng.uniform(1.05, TALLEST_ONE)) if hand.uneven and rng.random() < TALL_ONES else 1.0
        below = float(rng.uniform(0, 0.6))  # of what a 1 is higher, the share below the baseline
        for place, label in enumerate(text):
            glyph = before.get(label)
            if glyph is None or rng.random() > hand.own:
                glyph = self._glyph(label, hand, rng)
                glyph = before[label] = _plain_seven(glyph) if is_plain and label == "7" else glyph
            usual = hand.height * float(np.exp(rng.normal(0, hand.uneven))) * (zero if label == "0" else large)
            usual *= low if "." in text[:place] else 1.0
            height = usual * (one if label == "1" else 1.0)
            large = 1.0
            bend = rng.normal(0, BEND * EM, (4, 4, 2)).astype(np.float32) if hand.uneven else None
            width = usual * hand.aspect * (wide if label == "0" else 1.0)
            if is_pitched and label == "1":
                x += (self._glyph("8", hand, rng).width - glyph.width) * width
            strokes, left, top = write(glyph, (height, width), hand.pen, hand.slant, bend)
            if hairline and label.isdigit():
                strokes = _worn(strokes, hairline, float(rng.uniform(0.4, 0.95)))
            end = x + glyph.width * width
            if max(end, x + left + strokes.shape[1] - PAD * width / EM) > canvas.shape[1] - 2:
                break
            y = base - height + below * (height - usual) + hand.slope * x + float(rng.normal(0, hand.uneven)) * usual
            y -= raised * usual if label == "." else 0.0
            layer = np.zeros_like(canvas.writing) if is_hidden and label == "." else canvas.writing
            box = canvas.add(layer, strokes, x + left, y + top)
            if box is None:
                break
            if is_slashed and label == "0":
                _slash(canvas.writing, box, hand, rng)
            if unlit and label.isdigit():
                whole = write(self._glyph("8", hand, rng), (height, width), hand.pen, hand.slant)[0]
                lit = x + left + strokes.shape[1]  # all digits of a display end at the same segments
                canvas.add(canvas.others, (whole * (unlit / 255)).astype(np.uint8), lit - whole.shape[1], y + top)
            canvas.labels.append(label)
            canvas.boxes.append(box)
            if linked and canvas.labels[-2:] == ["0", "0"]:
                _link(canvas.writing, canvas.boxes[-2], box, hand, rng)
            joined = linked and text[place : place + 2] == "00"
            gap = min(hand.gap, float(rng.uniform(-0.12, 0.08))) if joined else hand.gap
            if any(sign in text[place : place + 2] for sign in SIGNS):
                gap = BESIDE_SIGN if is_close else max(gap, BESIDE_SIGN)  # or a digit hides it
            if place == 0 and label in "+-×" and rng.random() < FAR_SIGN:
                gap = float(rng.uniform(gap, MAX_SIGN_GAP))
            uneven = 0.1 * hand.gap if hand.is_spread else 0.05
            x = end + (gap + float(rng.normal(0, uneven if hand.uneven else 0.0))) * height
        return x

    def write_other(self, canvas: Canvas, x: float, middle: float, hand: Hand, rng: Rng) -> float:
        """Write what is no number: a word, a mark or a scribble; returns where it ends."""
        chance = rng.random()
        if chance < 0.1:
            points = rng.normal(0, 1, (int(rng.integers(5, 14)), 2)).cumsum(axis=0)
            points = points * rng.uniform(0.08, 0.3) * hand.height + [x + hand.height / 3, middle]
            pixels = np.round(points * 16).astype(np.int32)
            cv2.polylines(canvas.others, [pixels], False, 255, max(1, round(2 * hand.pen)), cv2.LINE_AA, shift=4)
            return float(points[:, 0].max())
        kept = self.words if chance < 0.65 else self.marks
        glyph = kept[int(rng.integers(len(kept)))]
        height = hand.height * float(rng.uniform(0.6, 1.2))
        strokes, left, top = write(glyph, (height, height * hand.aspect), hand.pen, hand.slant)
        canvas.add(canvas.others, strokes, x + left, middle - height / 2 + top + float(rng.normal(0, 0.06)) * height)
        return x + glyph.width * height * hand.aspect

    def write_label(self, canvas: Canvas, x: float, base: float, height: float, rng: Rng, end: float = np.inf) -> None:
        """Print some words from x on, with digits as high as `height` pixels, unless they go on beyond an end."""
        for glyph in (self.labels[i] for i in rng.integers(len(self.labels), size=LABEL_TRIES)):
            if x + glyph.width * height <= end:
                strokes, left, top = write(glyph, (height, height), max(0.45, 0.06 * height), 0.0)
                canvas.add(canvas.others, strokes, x + left, base - height + top)
                break

    def write_unit(self, canvas: Canvas, x: float, base: float, hand: Hand, rng: Rng) -> None:
        """Print what a display measures in, in small letters behind its number."""
        height = float(rng.uniform(0.25, 0.6)) * hand.height
        rise = float(rng.uniform(-0.1, 1.0)) * (hand.height - height)
        glyph = self.units[int(rng.integers(len(self.units)))]
        strokes, left, top = write(glyph, (height, height * hand.aspect), max(0.45, 0.08 * height), 0.0)
        canvas.add(canvas.others, strokes, x + left, base + hand.slope * x - rise - height + top)

    def _glyph(self, label: str, hand: Hand, rng: Rng) -> Glyph:
        """A character's shape in somebody's hand."""
        if hand.font is not None:
            return hand.font.glyph(label)
        if label in hand.person and rng.random() >= OTHER_SHAPES:
            drawings, edges = hand.person[label], SIGN_EDGES.get(label, ((0, 0), (1, 1)))
            top, bottom = (float(rng.uniform(*limits)) for limits in edges)
            return glyph_of(label, drawings[int(rng.integers(len(drawings)))], top, bottom - top)
        chance = rng.random()
        if label in self.rows and chance < OF_MNIST:
            rows = self.rows[label]
            return glyph_of(label, self.x[rows[int(rng.integers(len(rows)))]])
        if chance < OF_MNIST + OF_STROKES:
            kept = self.kept[label]
            return kept[int(rng.integers(len(kept)))]
        return self.scripts[int(rng.integers(len(self.scripts)))].glyph(label)

    def _draw_label(self, rng: Rng) -> Glyph:
        """One to four words in a printed font, as one glyph."""
        text = " ".join(draw_word(rng) for _ in range(int(rng.integers(1, 5)))).capitalize()
        text = f"({text})" if rng.random() < 0.1 else text + str(rng.choice(["", "", ":", " =", "."]))
        return self._print(text, rng)

    def _print(self, text: str, rng: Rng) -> Glyph:
        """A text in a printed font, as one glyph."""
        fonts = self.prints or self.scripts
        shape, top, height = fonts[int(rng.integers(len(fonts)))].text(text)
        return glyph_of("", shape, top, max(0.1, height))

    def _draw_word(self, rng: Rng) -> Glyph:
        """A word in a font, as one glyph."""
        fonts = self.scripts if rng.random() < 0.6 else self.prints
        shape, top, height = fonts[int(rng.integers(len(fonts)))].text(draw_word(rng))
        return glyph_of("", shape, top, max(0.1, height))


def draw_hand(shapes: Shapes, rng: Rng, height: float, source: str | None = None) -> Hand:
    """Choose somebody's way to write, of one of the SOURCES or of any."""
    source = source or str(rng.choice(list(SOURCES), p=list(SOURCES.values())))
    fonts = {"mixed": [], "script": shapes.scripts, "print": shapes.prints, "display": shapes.displays}[source]
    printed = bool(fonts) and source in ("print", "display")
    close = (
        rng.uniform(0.08, 0.2) if printed else rng.uniform(-0.12, 0.1) if rng.random() < 0.5 else rng.uniform(0.05, 0.4)
    )
    if rng.random() < SPREAD:
        close = rng.uniform(MIN_SPREAD_GAP, MAX_SPREAD_GAP)
    slant = 0.0 if printed else float(rng.uniform(0.25, STEEPEST) if rng.random() < STEEP else rng.normal(0.12, 0.2))
    is_display = printed and source == "display"
    if is_display:
        close = rng.triangular(MIN_DISPLAY_GAP, USUAL_DISPLAY_GAP, MAX_DISPLAY_GAP)
        slant = float(rng.uniform(0, MAX_DISPLAY_SLANT))
    width = (DISPLAY_ASPECT, DISPLAY_ASPECT_STD) if is_display else (0.0, 0.08 if printed else 0.2)
    thin = rng.uniform(0.015, 0.05) if rng.random() < 0.5 else rng.uniform(0.035, 0.1)
    return Hand(
        font=fonts[int(rng.integers(len(fonts)))] if fonts else None,
        height=height,
        aspect=float(np.exp(rng.normal(*width))),
        pen=max(0.45, height * float(thin)),
        slant=slant,
        gap=float(close),
        uneven=0.0 if printed else float(rng.uniform(0.01, 0.07)),
        slope=float(rng.normal(0, 0.01 if printed else 0.03)),
        own=0.8 if rng.random() < 0.5 else 0.0,
        person={} if fonts else _draw_person(shapes.people, rng),
    )


def _plain_seven(glyph: Glyph) -> Glyph:
    """A display's 7 without its upper left segment."""
    mask = (glyph.field > 0).astype(np.uint8)
    mask[PAD + round(SEGMENT * glyph.pen) :, : mask.shape[1] // 2] = 0
    return replace(glyph, field=distances(mask))


def _draw_person(people: People, rng: Rng) -> Drawings:
    """Choose one of the people, or none."""
    chance = rng.random() if people else 0.0
    for share, group in people:
        if chance < share:
            return group[int(rng.integers(len(group)))]
        chance -= share
    return {}


def _worn(strokes: Grey, hairline: int, loss: float) -> Grey:
    """Strokes without most of what is thinner than a hairline, in pixels, as old type prints them."""
    opened = cv2.morphologyEx(strokes, cv2.MORPH_OPEN, np.ones((hairline, hairline), np.uint8))
    worn: Grey = cv2.addWeighted(strokes, 1 - loss, opened, loss, 0).astype(np.uint8)
    return worn


def _slash(strokes: Grey, box: Box, hand: Hand, rng: Rng) -> None:
    """Draw a stroke through a zero, from its lower left to its upper right."""
    left, top, right, bottom = box
    across, down = right - left, bottom - top
    start = left + rng.uniform(-0.15, 0.3) * across, bottom - rng.uniform(-0.1, 0.3) * down
    end = right - rng.uniform(-0.2, 0.3) * across, top + rng.uniform(-0.15, 0.3) * down
    points = [(round(x), round(y)) for x, y in (start, end)]
    cv2.line(strokes, points[0], points[1], 230, max(1, round(2 * hand.pen)), cv2.LINE_AA)


def _link(strokes: Grey, left: Box, right: Box, hand: Hand, rng: Rng) -> None:
    """Join two zeros by a stroke."""
    ends = [
        (round((box[0] + box[2]) / 2), round(rng.uniform(box[1], box[1] + 0.4 * (box[3] - box[1]))))
        for box in (left, right)
    ]
    cv2.line(strokes, ends[0], ends[1], 230, max(1, round(2 * hand.pen)), cv2.LINE_AA)
