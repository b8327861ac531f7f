"""Parts of pages with numbers in lines and tables, and where each number stands.

writer = PageWriter(shapes, patterns)
for page in writer.pages(rng, 10):      # page.picture is uint8 (320, 320); page.numbers say what stands where
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from synthesis.camera import GOOD, POOR, photograph
from synthesis.glyphs import Grey, Rng
from synthesis.hands import Canvas, Hand, Shapes, draw_hand
from synthesis.patterns import Patterns
from synthesis.sheet import SIDE, Number, as_seen, camera_angle, crop, draw_desk, visible_fraction
from synthesis.texts import draw_number

LOWEST, HIGHEST = 6.0, 40.0
"""Pixels: heights of digits that the network finds."""

LOWEST_GOOD = 10.0
"""Likewise on pages that are good to read."""

TOO_HIGH, HIGHER = 2.5, 0.15
"""How many times higher digits may be that it leaves to a smaller copy of the page, and the share of such pages."""

CLOSE = 0.5
"""Of a digit's height: closer to the next cell, a number is hard to tell from its neighbour."""

TOOTH = 1.6
"""Likewise: digits in narrower cells of one each may be one number in a comb."""

UNRULED = 2.5
"""Of a digit's height: the narrowest column of a table without ruled lines, where only room parts the cells."""

EMPTY, TABLE, ALONE, COLUMN_SUMS, FORM = 0.06, 0.4, 0.12, 0.08, 0.13
"""Shares of the pages without a number, with a table, with one number, with sums written below each other, and of
printed forms that were filled in."""

ONE_DIGIT = 0.3
"""Share of the pages with one number on which that is a single digit."""

CARRIES = 0.2
"""Share of the sums below each other with small digits that are carried, above them."""

WORD, NOTHING = 0.2, 0.2
"""Shares of a table's cells with a word, and with nothing; of the numbers in lines with words in front or behind."""

RULED = 0.75
"""Share of the tables with ruled lines."""

ONE_A_CELL, SMALL_NOTE = 0.35, 0.12
"""Share of the ruled tables with one digit in each cell, as on score pads and in puzzles, and of their cells with a
small number in a corner."""

TWO_HANDS, OTHERS_CELL = 0.4, 0.4
"""Share of the tables that are filled in by a second hand, as a printed form is, and of their cells that it wrote."""

SIDEWAYS_HEADS, BLACK, SCREENED = 0.15, 0.06, 0.1
"""Share of the ruled tables whose first row has heads that are turned by 90 degrees, and of the rows and columns of a
third of them that are black, and that are printed with a screen of dots."""

PENCIL, FAINTEST_PENCIL = 0.2, 0.15
"""Share of the pages on which the writing is fainter than the print, and how faint at most."""

FILLED_PLACE = 0.7
"""Share of a form's places that are filled in."""

WHOLE = 0.4
"""Share of the tables that end within the page: a corner is no 7."""

PRINTED, UNIFORM = 0.3, 0.35
"""Share of the tables that are printed, and of those whose numbers all have the same number of digits and decimals."""

UNIFORM_GAPS = ((0.5, 2.0), (0.8, 2.5))
"""Of a digit's height: the least and the widest gap between such numbers with and without ruled lines."""

THICK_EVERY = 3
"""Rows and columns between two thick lines, in half of the ruled tables."""

DESK = 0.2
"""Share of the pages that end within the picture."""


MIN_VISIBLE = 0.6
"""Fraction of a number that must be visible for it to be taught; one that is to be read is visible as a whole."""

CROPPED = 0.2
"""Share of the pages of which only the surroundings of a number are kept, as in a picture of one line or cell."""


@dataclass(frozen=True, eq=False)
class Page:
    """A part of a page."""

    picture: Grey
    """uint8 (SIDE, SIDE)"""
    numbers: list[Number]
    hidden: list[Number]
    """Those of which most is beyond the sheet or the picture."""


@dataclass(frozen=True)
class PageWriter:
    """Writes pages."""

    shapes: Shapes
    patterns: Patterns
    lowest: float = LOWEST
    """Pixels: least height of a digit."""

    def pages(self, rng: Rng, n: int, good: bool = False) -> Iterator[Page]:
        """Write n pages; on the back of each stands the one before.

        Args:
            good: only such that anybody can read them.
        """
        light, lowest = (GOOD, max(self.lowest, LOWEST_GOOD)) if good else (POOR, self.lowest)
        last = np.zeros((SIDE, SIDE), np.uint8)
        for _ in range(n):
            canvas = Canvas((SIDE, SIDE))
            limits = (HIGHEST, TOO_HIGH * HIGHEST) if rng.random() < HIGHER else (lowest, HIGHEST)
            hand = draw_hand(self.shapes, rng, float(np.exp(rng.uniform(*np.log(limits)))))
            numbers = self._write(canvas, hand, rng)
            matrix = camera_angle(rng)
            canvas.writing = cv2.warpPerspective(canvas.writing, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR)
            canvas.others = cv2.warpPerspective(canvas.others, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR)
            desk = draw_desk(matrix, rng) if rng.random() < DESK else np.zeros((SIDE, SIDE), np.uint8)
            canvas.writing[desk > 0] = canvas.others[desk > 0] = 0
            if rng.random() < PENCIL:
                canvas.writing = (canvas.writing * rng.uniform(FAINTEST_PENCIL, 0.8)).astype(np.uint8)
            picture = photograph(canvas, self.patterns, last, rng, light)
            if desk.any():
                dark = picture * rng.uniform(0.1, 0.7) * (1 + _wood(rng))
                picture[desk > 0] = dark.clip(0, 255).astype(np.uint8)[desk > 0]
            last = canvas.writing
            taken = [as_seen(number, matrix) for number in numbers]
            if rng.random() < CROPPED:
                inside = [number for number in taken if visible_fraction(desk, number) >= MIN_VISIBLE]
                if inside:
                    desk = crop(picture, inside[int(rng.integers(len(inside)))], rng)
            fractions = [visible_fraction(desk, number) for number in taken]
            both = [*zip(taken, fractions, strict=True)]
            yield Page(
                picture,
                [
                    replace(number, clear=number.clear and fraction == 1)
                    for number, fraction in both
                    if fraction >= MIN_VISIBLE
                ],
                [number for number, fraction in both if fraction < MIN_VISIBLE],
            )

    def _write(self, canvas: Canvas, hand: Hand, rng: Rng) -> list[Number]:
        """Write a page of some kind."""
        chance = rng.random()
        if chance < EMPTY:
            return self._words(canvas, hand, rng)
        if chance < EMPTY + ALONE:
            x, base = float(rng.uniform(5, SIDE / 2)), float(rng.uniform(hand.height, SIDE - 4))
            text = str(rng.integers(10)) if rng.random() < ONE_DIGIT else None
            return self._number(canvas, x, base, hand, rng, text)
        if chance < EMPTY + ALONE + TABLE:
            return self._table(canvas, replace(hand, gap=min(hand.gap, CLOSE)), rng)
        if chance < EMPTY + ALONE + TABLE + COLUMN_SUMS:
            return self._column_sums(canvas, hand, rng)
        if chance < EMPTY + ALONE + TABLE + COLUMN_SUMS + FORM:
            return self._form(canvas, replace(hand, gap=min(hand.gap, CLOSE)), rng)
        return self._lines(canvas, hand, rng)

    def _number(
        self, canvas: Canvas, x: float, base: float, hand: Hand, rng: Rng, text: str | None = None
    ) -> list[Number]:
        """Write one number; returns where, or nothing if there was no room."""
        first = len(canvas.boxes)
        self.shapes.write_number(canvas, text or draw_number(rng), x, base - hand.slope * x, hand, rng)
        return self._number_since(canvas, first, x, base, hand)

    def _number_since(self, canvas: Canvas, first: int, x: float, base: float, hand: Hand) -> list[Number]:
        """What was written as one number, from the first box on; nothing if there was no room."""
        boxes = canvas.boxes[first:]
        if not boxes:
            return []
        ends = min(box[0] for box in boxes), max(box[2] for box in boxes)
        middle = base - hand.height / 2
        start, end = (np.array([end, middle + hand.slope * (end - x)], np.float32) for end in ends)
        text = "".join(canvas.labels[first:])
        has_far_sign = len(boxes) > 1 and boxes[1][0] - boxes[0][2] > CLOSE * hand.height
        return [Number(start, end, hand.height, text, clear=text.isdigit() or not (hand.is_spread or has_far_sign))]

    def _lines(self, canvas: Canvas, hand: Hand, rng: Rng) -> list[Number]:
        """Lines of numbers, and some words, from top to bottom."""
        numbers: list[Number] = []
        base, step = float(rng.uniform(1, 3)) * hand.height, float(rng.uniform(1.35, 3.5)) * hand.height
        left, columns = float(rng.uniform(2, SIDE / 3)), rng.random() < 0.5 and not hand.is_spread
        while base < SIDE - 2:
            x = left + float(rng.uniform(0, 2)) * hand.height
            while rng.random() < 1.5 * WORD and not hand.is_spread:
                x = self._other(canvas, x, base, hand, rng)
            while x < SIDE - hand.height:
                found = self._number(canvas, x, base, hand, rng)
                numbers += found
                if not found or not columns or rng.random() < 0.3:
                    break
                x = float(found[0].end[0])
                if rng.random() < WORD:
                    x = self._other(canvas, x + float(rng.uniform(0.2, 1)) * hand.height, base, hand, rng)
                x += float(rng.uniform(1.2, 5)) * hand.height
            base += step * float(rng.uniform(0.95, 1.2))
        return numbers

    def _other(self, canvas: Canvas, x: float, base: float, hand: Hand, rng: Rng) -> float:
        """Write a word or a mark; returns where something may follow."""
        end = self.shapes.write_other(canvas, x, base - hand.height / 2, hand, rng)
        return end + float(rng.uniform(0.2, 1)) * hand.height

    def _table(self, canvas: Canvas, hand: Hand, rng: Rng) -> list[Number]:
        """A table, ruled or not."""
        numbers: list[Number] = []
        if rng.random() < PRINTED:
            hand = draw_hand(self.shapes, rng, hand.height, "print")
            hand = replace(hand, gap=min(hand.gap, CLOSE))
        ruled = rng.random() < RULED
        is_uniform = rng.random() < UNIFORM
        single = ruled and not is_uniform and rng.random() < ONE_A_CELL
        whole, decimals = int(rng.integers(1, 4)), int(rng.integers(0, 4))
        words, nothing = (
            rng.uniform(0, 1) * share for share in ((0.1, 0.1) if is_uniform else (2 * WORD / 3, 2 * NOTHING))
        )
        down = float(rng.uniform(1.1, 2.6)) * hand.height
        across = float(np.exp(rng.uniform(np.log(1.2 if ruled else UNRULED), np.log(6)))) * hand.height
        if single:
            across = down * float(rng.uniform(0.85, 1.15))
        if is_uniform:
            width = (whole + decimals) * (0.55 * hand.aspect + max(0.0, hand.gap)) + (0.35 if decimals else 0.0)
            across = (width + float(rng.uniform(*UNIFORM_GAPS[not ruled]))) * hand.height
        top, left = (float(rng.uniform(-0.5, 1)) * size for size in (down, across))
        rows, columns = np.arange(top, SIDE, down), np.arange(left, SIDE, across)
        is_whole = rng.random() < WHOLE
        if is_whole:
            rows, columns = (edges[: max(1, int(rng.uniform(0.3, 1) * len(edges)))] for edges in (rows, columns))
        second = draw_hand(self.shapes, rng, hand.height * float(rng.uniform(0.8, 1.25)))
        tooth = TOOTH * hand.height if single else 0.0
        others = OTHERS_CELL if rng.random() < TWO_HANDS and second.height < 0.9 * down else 0.0
        if ruled and rng.random() < SIDEWAYS_HEADS:
            rows = rows[np.r_[0, 1 + np.flatnonzero(rows[1:] >= top + float(rng.uniform(3, 6)) * hand.height)]]
            heads = np.append(rows, SIDE)[1] - rows[0]
            for x in columns:
                self._sideways_head(canvas, (x, rows[0], across, heads), hand, rng)
        black = (
            self._shade(canvas, rows, columns, (across, down), hand, rng) if ruled and rng.random() < 1 / 3 else set()
        )
        for n, y in enumerate(rows):
            if n == 0 and len(rows) > 1 and rows[1] - rows[0] > 1.5 * down:
                continue  # the heads
            end = -np.inf
            for x in columns:
                if (x, y) in black:
                    continue
                chance, writer = rng.random(), second if rng.random() < others else hand
                if x < end:
                    continue  # what stands in the cell before it reaches into this one
                kind = "number"
                if single:
                    kind = "note" if rng.random() < SMALL_NOTE else "digit"
                if kind == "note":
                    writer = replace(writer, height=float(rng.uniform(0.4, 0.6)) * writer.height, pen=writer.pen * 0.7)
                text = None
                if is_uniform:
                    text = f"{rng.integers(10**whole):0{whole}}" + (
                        f".{rng.integers(10**decimals):0{decimals}}" if decimals else ""
                    )
                if chance < words:
                    end = self.shapes.write_other(canvas, x + 2, y + down / 2, writer, rng)
                elif chance > words + nothing:
                    for number in self._cell(canvas, (x, y, across, down), writer, rng, kind, text):
                        apart = bool(number.start[0] > end + CLOSE * hand.height) and across > tooth
                        numbers.append(replace(number, clear=number.clear and apart))
                        end = float(number.end[0])
        if ruled:
            if is_whole:
                rows, columns = (np.append(x, x[-1:] + step) for x, step in ((rows, down), (columns, across)))
            _draw_rules(canvas.others, rows, columns, hand.height, rng, is_whole)
        return numbers

    def _sideways_head(self, canvas: Canvas, cell: tuple[float, float, float, float], hand: Hand, rng: Rng) -> None:
        """A printed head (left, top, width, height of its cell) that runs upwards."""
        left, top, across, down = cell
        lines = Canvas((max(8, round(across)), max(8, round(down))))
        size = hand.height * float(rng.uniform(0.5, 1))
        for y in np.arange(0.2 * size, across - size, 1.3 * size):
            self.shapes.write_label(lines, 2.0, y + size, size, rng)
        canvas.add(canvas.others, np.ascontiguousarray(np.rot90(lines.others)), left, top)

    def _shade(
        self,
        canvas: Canvas,
        rows: NDArray[np.float64],
        columns: NDArray[np.float64],
        size: tuple[float, float],
        hand: Hand,
        rng: Rng,
    ) -> set[tuple[float, float]]:
        """Print some rows and columns black or with a screen of dots; returns the corners of the black cells."""
        black, inset = set[tuple[float, float]](), int(rng.integers(0, 3))
        kinds = [[str(rng.choice(["black", "screen", ""], p=[BLACK, SCREENED, 1 - BLACK - SCREENED])) for _ in edges]
                 for edges in (rows, columns)]  # fmt: skip
        pitch, dark = max(2, round(hand.height * float(rng.uniform(0.12, 0.3)))), int(rng.integers(50, 200))
        screen = np.zeros((SIDE, SIDE), np.uint8)
        for shift in (0, pitch // 2):
            screen[shift::pitch, shift::pitch] = dark
        screen = cv2.GaussianBlur(
            cv2.dilate(screen, np.ones((1 + (pitch > 3), 1 + (pitch > 3)), np.uint8)), (0, 0), 0.5
        )
        for y, of_row in zip(rows, kinds[0], strict=True):
            for x, of_column in zip(columns, kinds[1], strict=True):
                left, top, right, bottom = (max(0, round(each)) for each in (x, y, x + size[0], y + size[1]))
                cell = canvas.others[top + inset : bottom - inset, left + inset : right - inset]
                if "black" in (of_row, of_column):
                    cell[:] = 255
                    black.add((x, y))
                elif "screen" in (of_row, of_column):
                    np.maximum(cell, screen[: cell.shape[0], : cell.shape[1]], out=cell)
        return black

    def _form(self, canvas: Canvas, hand: Hand, rng: Rng) -> list[Number]:
        """Printed labels, each with an underlined place behind it, of which most hold a number."""
        numbers: list[Number] = []
        print_size = hand.height * float(rng.uniform(0.45, 1.1))
        step = float(rng.uniform(1.15, 2.2)) * max(print_size, 0.8 * hand.height)
        width = float(rng.uniform(7, 16)) * hand.height
        place = float(rng.uniform(0.3, 0.7)) * width
        dark, thick = int(rng.integers(110, 256)), 1 + (hand.height > 20)
        underlined, ruled = rng.random() < 0.75, rng.random() < 0.4
        for left in np.arange(float(rng.uniform(-0.3, 0.1)) * width, SIDE - 0.4 * width, width):
            if ruled:
                cv2.line(canvas.others, (round(left), 0), (round(left), SIDE), dark, thick, cv2.LINE_AA)
            base = float(rng.uniform(0.5, 3)) * step
            while base < SIDE - 2:
                x = left + float(rng.uniform(0.2, 0.8)) * hand.height
                self.shapes.write_label(canvas, x, base, print_size, rng, left + place - 0.3 * hand.height)
                if rng.random() < 0.8:
                    start, end = left + place, left + width - 0.4 * hand.height
                    if underlined:
                        ends = (round(start), round(base)), (round(end), round(base))
                        cv2.line(canvas.others, *ends, dark, thick, cv2.LINE_AA)
                    if rng.random() < FILLED_PLACE:
                        longest = int((end - start) / (hand.height * (0.55 * hand.aspect + max(0.0, hand.gap))))
                        text = draw_number(rng, max(1, min(6, longest)))
                        x = start + float(rng.uniform(0.0, 0.4)) * hand.height
                        low = base + float(rng.uniform(-0.3, 0.35)) * hand.height
                        numbers += self._number(canvas, x, low, replace(hand, slope=0.0), rng, text)
                base += step * (1.0 if rng.random() < 0.85 else 2.0)
        return numbers

    def _column_sums(self, canvas: Canvas, hand: Hand, rng: Rng) -> list[Number]:
        """Sums and differences below each other, a digit in each column, with a rule above the result."""
        numbers: list[Number] = []
        hand = replace(hand, slope=0.0)
        down, pitch = (float(rng.uniform(low, high)) * hand.height for low, high in ((1.2, 2.2), (0.75, 1.5)))
        top, left = (float(rng.uniform(0.5, 2.5)) * hand.height for _ in range(2))
        n_addends, n_columns = int(rng.integers(2, 4)), int(rng.integers(2, 6))
        for y in np.arange(top, SIDE, (n_addends + 1.2 + float(rng.uniform(0.3, 2))) * down):
            for x in np.arange(left, SIDE, (n_columns + float(rng.uniform(1.3, 3))) * pitch):
                counts = n_addends, n_columns
                numbers += self._column_sum(canvas, (float(x), float(y)), counts, (pitch, down), hand, rng)
        return numbers

    def _column_sum(
        self,
        canvas: Canvas,
        corner: tuple[float, float],
        counts: tuple[int, int],
        steps: tuple[float, float],
        hand: Hand,
        rng: Rng,
    ) -> list[Number]:
        """One of them: the counts are of addends, and of columns at most; the steps go right and down."""
        (left, base), (n_addends, n_columns), (pitch, down) = corner, counts, steps
        numbers: list[Number] = []
        sign, before = str(rng.choice(list("++--×"))), float(rng.uniform(0.8, 1.5)) * pitch
        right = left + before + n_columns * pitch
        if rng.random() < CARRIES and base > hand.height:
            small = replace(hand, height=0.45 * hand.height, pen=0.7 * hand.pen)
            x = right - float(rng.integers(2, n_columns + 1)) * pitch
            carried = self._number(canvas, x, base - 0.1 * hand.height, small, rng, str(rng.integers(1, 3)))
            numbers += [replace(number, clear=False) for number in carried]
        for row in range(n_addends + 1):
            base += down
            is_result, first = row == n_addends, len(canvas.boxes)
            if is_result:
                dark, thick = int(rng.integers(110, 256)), max(1, round(2 * hand.pen * float(rng.uniform(0.5, 1))))
                y = base - down + (down - hand.height) / 2
                ends = (round(left), round(y)), (round(right), round(y + float(rng.normal(0, 1))))
                cv2.line(canvas.others, *ends, dark, thick, cv2.LINE_AA)
            elif row == n_addends - 1 or (row and sign == "+" and rng.random() < 0.5):
                self.shapes.write_number(canvas, sign, left, base, hand, rng)
            n_digits = n_columns if rng.random() < 0.5 else int(rng.integers(1, n_columns + 1))
            for column in range(n_columns - n_digits, n_columns):
                x = left + before + (column + float(rng.normal(0.1, 0.06))) * pitch
                self.shapes.write_number(canvas, str(rng.integers(10)), x, base, hand, rng)
            if any(label.isdigit() for label in canvas.labels[first:]):
                written = self._number_since(canvas, first, left, base, hand)
                numbers += [replace(number, clear=False) for number in written]  # the next sum may be too close
        return numbers

    def _cell(
        self,
        canvas: Canvas,
        cell: tuple[float, float, float, float],
        hand: Hand,
        rng: Rng,
        kind: str,
        text: str | None = None,
    ) -> list[Number]:
        """Fill a cell (left, top, width, height) with a number, a digit in its middle, or a small note."""
        x, y, across, down = cell
        digit = hand.height * 0.55 * hand.aspect
        longest = (across - 0.3 * hand.height) / (digit + max(0.0, hand.gap) * hand.height)
        text = text or draw_number(rng, int(rng.integers(1, max(1, int(longest)) + 1)))
        inset, base = (
            float(rng.uniform(0.1, 0.3 if across < 4 * hand.height else 0.5)) * hand.height,
            y + (down + hand.height) / 2,
        )
        if kind == "digit":
            text = str(rng.integers(10))
            inset = max(0.1 * digit, (across - digit) * float(rng.uniform(0.3, 0.7)))
        elif kind == "note":
            base = y + float(rng.uniform(1.15, 1.5)) * hand.height
        room = x + across - CLOSE * hand.height
        written = self._number(canvas, x + inset, base, hand, rng, text)
        return [
            replace(number, clear=number.clear and kind != "note" and bool(number.end[0] < room)) for number in written
        ]

    def _words(self, canvas: Canvas, hand: Hand, rng: Rng) -> list[Number]:
        """Words and marks without a number, or nothing."""
        for _ in range(int(rng.integers(0, 12))):
            x, y = rng.uniform(0, SIDE, 2)
            self.shapes.write_other(canvas, float(x), float(y), hand, rng)
        return []


def _wood(rng: Rng) -> NDArray[np.float32]:
    """How much lighter or darker the grain of a desk is at each place: float32 (SIDE, SIDE)."""
    grain = cv2.GaussianBlur(
        rng.standard_normal((SIDE, SIDE), np.float32),
        (0, 0),
        float(rng.uniform(0.5, 12)),
        sigmaY=float(rng.uniform(0.5, 3)),
    )
    return np.asarray(grain / grain.std() * rng.uniform(0, 0.35), np.float32)


def _draw_rules(
    layer: Grey, rows: NDArray[np.float64], columns: NDArray[np.float64], height: float, rng: Rng, is_whole: bool
) -> None:
    """Rule a table for digits of some height; its first row and column begin at its edges, its last end there if it is
    whole."""
    dark, thin = int(rng.integers(110, 256)), 1 if height < 15 else int(rng.integers(1, 4))
    thick = thin + (int(rng.integers(1, 1 + thin)) if rng.random() < 0.5 else 0)
    left, top = (round(edges.min(initial=SIDE)) for edges in (columns, rows))
    right, bottom = (round(edges.max(initial=0)) if is_whole else SIDE for edges in (columns, rows))
    for n, y in enumerate(rows):
        cv2.line(layer, (left, round(y)), (right, round(y)), dark, thin if n % THICK_EVERY else thick, cv2.LINE_AA)
    for n, x in enumerate(columns):
        cv2.line(layer, (round(x), top), (round(x), bottom), dark, thin if n % THICK_EVERY else thick, cv2.LINE_AA)
