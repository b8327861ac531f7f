"""Lines of numbers as they stand on paper, with every character's label and box.

writer = LineWriter(shapes, patterns)
for line in writer.lines(rng, 100):     # line.picture is uint8 (40, width); labels and boxes say what stands where
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from synthesis.camera import GOOD, GOOD_DISPLAY, POOR, POOR_DISPLAY, photograph
from synthesis.glyphs import Floats, Grey, Rng
from synthesis.hands import Box, Canvas, Hand, Shapes, draw_hand
from synthesis.patterns import Patterns
from synthesis.texts import draw_date, draw_number, draw_reading
from tendigits.numbers.decode import BAR, HEIGHT

WIDTH = 256
"""Pixels: how wide a line may be."""

LOWEST, HIGHEST = 15.0, 36.0
"""Pixels: the height of a digit."""

LOWEST_GOOD, HIGHEST_GOOD = 19.0, 33.0
"""Likewise in lines that are good to read."""

UNKNOWN = "?"
"""Label of a place where something may stand that nobody named: nothing is learned there."""

SLASHED = 0.15
"""Share of the numbers of people whose slashes are known that are dates with slashes."""

NOTHING, WORD_BEFORE, ONE_NUMBER, WORD_BEHIND = 0.14, 0.12, 0.55, 0.15
"""Shares of the lines without a number, and with a word in front of it; of the numbers that end their line, and that
are followed closely by a word."""

MARGIN, WIDE_MARGIN = 0.8, 3.0
"""Paper behind the last character, at most, in heights of a line; in a fifth of the lines it may be wide."""

UNIT, FRAME = 0.6, 0.3
"""Shares of the displays with a unit behind the last number, and with edges on both sides."""

NEIGHBOUR, RULE_BELOW, RULE_ABOVE, CELLS = 0.25, 0.3, 0.12, 0.33
"""Shares of the lines with a part of another line above or below, ruled lines, and the sides of cells."""


CUT, ROOM = 0.35, 0.25
"""Share of the lines of which only the number is kept, as in a picture of one field, and how much is kept around it at
most, in heights of a line; what lies outside is as the edges are, as when a number is cut out of such a picture."""

COMB = 0.3
"""Share of these with a side between any two characters, as in a form."""

WIDE_GAP = 10
"""Pixels between two characters, from which on the side of a cell may stand there."""

SPECKS, MAX_SPECKS = 0.2, 5
"""Share of the lines with specks and ticks on empty paper, and how many at most."""

SPECK_DISTANCE = 0.6
"""Digit heights: from a speck to what is written, at least; a closer one may be a point."""

DUST, MAX_DUST = 0.2, 40
"""Share of the lines with dust, as on copies: tiny dots, also close to the characters, and how many at most."""

SQUEEZED = 0.4
"""Share of the cells whose sides may touch what is written between them."""

FAINT = 60
"""Of 255: what is darker on a canvas is written, and no side crosses it."""


@dataclass(frozen=True, eq=False)
class Line:
    """A line and what stands in it."""

    picture: Grey
    """uint8 (HEIGHT, width); the width is even, 24 to WIDTH."""
    labels: list[str]
    boxes: Floats
    """float32 (n, 4): left, top, right, bottom of each character, in pixels."""


@dataclass(frozen=True)
class LineWriter:
    """Writes lines."""

    shapes: Shapes
    patterns: Patterns

    def lines(self, rng: Rng, n: int, good: bool = False) -> Iterator[Line]:
        """Write n lines; each has a part of the one before above or below it, or all of it on its back.

        Args:
            good: only such that anybody can read them, to learn from in the end.
        """
        light, heights = (GOOD, (LOWEST_GOOD, HIGHEST_GOOD)) if good else (POOR, (LOWEST, HIGHEST))
        last = np.zeros((HEIGHT, WIDTH), np.uint8)
        for _ in range(n):
            canvas = Canvas((HEIGHT, WIDTH))
            hand = draw_hand(self.shapes, rng, float(rng.uniform(*heights)))
            end = self._write(canvas, hand, rng)
            _add_neighbour(canvas, last, rng)
            _add_rules(canvas, rng)
            if hand.is_display and rng.random() < FRAME:
                _add_frame(canvas, rng)
            _add_specks(canvas, hand, rng)
            _add_dust(canvas, rng)
            margin = float(rng.uniform(0.05, MARGIN if rng.random() < 0.8 else WIDE_MARGIN)) * HEIGHT
            end = max([end, *(box[2] for box in canvas.boxes)])  # a slanted character ends further to the right
            width = min(WIDTH, max(24, 2 * round((end + margin) / 2 + 0.5)))
            seen = (GOOD_DISPLAY if good else POOR_DISPLAY) if hand.is_display else light
            picture = photograph(canvas, self.patterns, last, rng, seen)[:, :width]
            if canvas.labels and BAR not in canvas.labels and rng.random() < CUT:
                picture = _cut(picture, canvas.boxes, rng)
            last = canvas.writing
            yield Line(picture, canvas.labels, np.array(canvas.boxes, np.float32).reshape(-1, 4))

    def _write(self, canvas: Canvas, hand: Hand, rng: Rng) -> float:
        """Numbers and what stands next to them, from left to right; returns where the last ends."""
        x = float(rng.uniform(2, 8 if rng.random() < 0.5 else 40))
        if rng.random() < NOTHING:
            for _ in range(int(rng.integers(0, 3))):
                x = self._other(canvas, x, hand, rng) + float(rng.uniform(0.2, 2)) * hand.height
            return x
        base = (HEIGHT + hand.height) / 2 + float(rng.normal(0, 0.06)) * HEIGHT - hand.slope * WIDTH / 4
        if rng.random() < WORD_BEFORE:
            x = self._other(canvas, x, hand, rng) + float(rng.uniform(0.15, 1)) * hand.height
        while x < WIDTH - 0.7 * hand.height:
            is_slashed = "/" in hand.person and rng.random() < SLASHED
            text = draw_date(rng, "/") if is_slashed else draw_reading(rng) if hand.is_display else draw_number(rng)
            x = self.shapes.write_number(canvas, text, x, base, hand, rng)
            chance = rng.random()
            if chance < ONE_NUMBER:
                if hand.is_display and rng.random() < UNIT:
                    self.shapes.write_unit(canvas, x, base, hand, rng)
                break
            if chance < ONE_NUMBER + WORD_BEHIND:
                x = self._other(canvas, x + float(rng.uniform(0.15, 1)) * hand.height, hand, rng)
            x += float(rng.uniform(0.9, 2.5)) * hand.height
        return x

    def _other(self, canvas: Canvas, x: float, hand: Hand, rng: Rng) -> float:
        return self.shapes.write_other(canvas, x, HEIGHT / 2, hand, rng)


def _cut(picture: Grey, boxes: list[Box], rng: Rng) -> Grey:
    """Keep what is close to the characters."""
    height, width = picture.shape
    edges, room = np.array(boxes), rng.uniform(0, ROOM * HEIGHT, 4)
    left, top = np.maximum(0, edges[:, :2].min(axis=0) - room[:2]).astype(int).tolist()
    right, bottom = np.minimum((width, height), np.ceil(edges[:, 2:].max(axis=0) + room[2:])).astype(int).tolist()
    outside = top, height - bottom, left, width - right
    kept: Grey = cv2.copyMakeBorder(picture[top:bottom, left:right], *outside, cv2.BORDER_REPLICATE).astype(np.uint8)
    return kept


def _add_neighbour(canvas: Canvas, other: Grey, rng: Rng) -> None:
    """A part of another line, above or below, that touches nothing."""
    if rng.random() >= NEIGHBOUR:
        return
    shift = int(rng.integers(round(0.62 * HEIGHT), HEIGHT))
    moved = np.zeros_like(other)
    if rng.random() < 0.5:
        moved[shift:] = other[:-shift]
    else:
        moved[:-shift] = other[shift:]
    if not (moved & canvas.writing).any():
        np.maximum(canvas.others, moved, out=canvas.others)


def _add_rules(canvas: Canvas, rng: Rng) -> None:
    """Ruled lines along the line, and the sides of cells or of a comb's teeth between its characters."""
    written = np.maximum(canvas.writing, canvas.others) > FAINT
    dark, thick = int(rng.integers(90, 256)), int(rng.choice([1, 1, 1, 2, 3, 5]))
    tilt = float(rng.normal(0, 0.01)) * WIDTH
    for share, chance in ((rng.uniform(0.45, 1.0), RULE_BELOW), (rng.uniform(0.0, 0.2), RULE_ABOVE)):
        if rng.random() < chance:
            y = share * HEIGHT
            cv2.line(canvas.others, (0, round(y)), (WIDTH, round(y + tilt)), dark, thick, cv2.LINE_AA)
    if rng.random() >= CELLS:
        return
    top, lean = 0 if rng.random() < 0.8 else HEIGHT // 2, float(rng.normal(0, 1.5))
    is_squeezed = rng.random() < SQUEEZED
    for edge in _sides(canvas.boxes, rng, -2.0 if is_squeezed else 1.0):
        ends = (round(edge + lean), top), (round(edge - lean), HEIGHT)
        drawn = cv2.line(np.zeros_like(canvas.others), *ends, dark, thick, cv2.LINE_AA)
        reach = max(1.0, abs(lean)) + thick / 2
        if (is_squeezed or not drawn[written].any()) and reach <= edge < WIDTH - reach:
            np.maximum(canvas.others, drawn, out=canvas.others)
            canvas.boxes.append((edge - reach, top, edge + reach, HEIGHT))
            canvas.labels.append(BAR)


def _add_frame(canvas: Canvas, rng: Rng) -> None:
    """The edges of a display on the left and right of what it shows."""
    if not canvas.boxes:
        return
    dark, thick = int(rng.integers(60, 256)), int(rng.integers(2, 60))
    left, right = canvas.boxes[0][0] - rng.uniform(2, 30), canvas.boxes[-1][2] + rng.uniform(2, 60)
    for first, last in ((left - thick, left), (right, right + thick)):
        if last > 0:
            cv2.rectangle(canvas.others, (round(first), 0), (round(last), HEIGHT), dark, -1)


def _add_specks(canvas: Canvas, hand: Hand, rng: Rng) -> None:
    """Specks and short ticks on empty paper."""
    if rng.random() >= SPECKS:
        return
    reach = 2 * round(SPECK_DISTANCE * hand.height) + 1
    taken = cv2.dilate(np.maximum(canvas.writing, canvas.others), np.ones((reach, reach), np.uint8)) > FAINT
    for _ in range(int(rng.integers(1, MAX_SPECKS + 1))):
        x, y = (float(rng.uniform(0, size)) for size in (WIDTH, HEIGHT))
        length, angle = float(rng.uniform(0, 0.4)) * hand.height, float(rng.uniform(0, np.pi))
        end = round(x + length * np.cos(angle)), round(y + length * np.sin(angle))
        thick = max(1, round(hand.pen * float(rng.uniform(0.5, 2))))
        drawn = cv2.line(np.zeros_like(canvas.others), (round(x), round(y)), end, 255, thick, cv2.LINE_AA)
        if not drawn[taken].any():
            np.maximum(canvas.others, drawn, out=canvas.others)


def _add_dust(canvas: Canvas, rng: Rng) -> None:
    """Tiny dots, in the whole line or around one place."""
    if rng.random() >= DUST:
        return
    n, reach = int(rng.integers(3, MAX_DUST + 1)), WIDTH if rng.random() < 0.5 else float(rng.uniform(3, 15))
    x, y = rng.uniform(0, WIDTH), rng.uniform(0.2, 0.8) * HEIGHT
    columns = np.clip(rng.normal(x, reach, n), 0, WIDTH - 1).astype(int)
    rows = np.clip(rng.normal(y, min(reach, HEIGHT / 2), n), 0, HEIGHT - 1).astype(int)
    dust = np.zeros_like(canvas.others)
    dust[rows, columns] = rng.integers(120, 256, n)
    dust = cv2.dilate(dust, np.ones((int(rng.integers(1, 3)), int(rng.integers(1, 4))), np.uint8))
    np.maximum(canvas.others, dust, out=canvas.others)


def _sides(boxes: list[Box], rng: Rng, nearest: float) -> list[float]:
    """Columns of the sides of cells, around and between characters."""
    if not boxes:
        return [float(x) for x in rng.uniform(0, WIDTH, int(rng.integers(1, 4)))]
    if rng.random() < COMB:
        return [box[0] - 2 for box in boxes] + [boxes[-1][2] + 2]
    gaps = [(a[2], b[0]) for a, b in pairwise(boxes) if b[0] - a[2] > WIDE_GAP]
    outer = boxes[0][0] - rng.uniform(nearest, 20), boxes[-1][2] + rng.uniform(nearest, 20)
    return [*outer, *(float(rng.uniform(left + 3, right - 3)) for left, right in gaps)]
