"""Paper as it was before it was printed on: screens of dots and underlines go, black bars become ruled lines.

blank = whiten(grey, digit_height=30)       # the page itself where nothing had to go

A black column next to a number turns its crop's contrast inside out, and between dots, or across the line of a form's
field, no faint number is found.
"""

import cv2
import numpy as np
from cv2.typing import MatLike

from tendigits.digits.foreground import percentile
from tendigits.pictures.image import Grey
from tendigits.tables.ruled_lines import thin_and_dark

PAPER_PERCENTILE = 75.0  # of a page's grey levels: at least a quarter of it is paper
MIN_PAPER = 100.0  # grey level of paper; a darker page, such as a display, stays as it is
MAX_SOLID = 0.45  # grey level of black areas, as a fraction of the paper's
MAX_DOT = 0.6  # the same of dots
MAX_DOT_CONTRAST = 0.7  # the same, as a fraction of the level between dots
MIN_BETWEEN = 0.6  # least level between dots, as a fraction of the paper's

# Lengths are in heights of a digit.
BAR_DIGIT_PX = 14.0  # height of the digits on the copy in which bars are looked for
MIN_BAR_WIDTH = 0.7  # thinner black areas are strokes and ruled lines
MAX_BAR_WIDTH = 5.0  # wider ones are shadows, and what lies around a sheet
PAPER_WINDOW = 3.0  # side of the square whose brightest part is paper
MAX_SPECK = 0.2  # of the white specks in a bar, as copiers leave them
MAX_LETTER_GAP = 1.2  # white letters in a bar are not wider
BAR_EDGE = 0.1  # blurred edge of a bar
MIN_BAR_LENGTH = 3.0  # widths of a bar; a shorter one parts nothing
RULE_THICKNESS = 0.08  # of the line that takes a bar's place
MAX_DOT_SIZE = 0.22
SCREEN_WINDOW = 2.0  # side of the square in which dots are counted
SCREEN_CELL = 0.4  # side of the cells that make it up
MIN_CELLS = 3  # a narrower area is no screen; it may have gaps, and edges, of cells without dots
UNDERLINE_DIGIT_PX = 24.0  # height of the digits on the copy in which underlines are looked for
MIN_UNDERLINE = 2.0  # length of the line below a field of a form; shorter ones may be signs
MAX_UNDERLINE = 12.0  # longer ones are those of a table
MAX_UNDERLINE_HEIGHT = 0.9  # of a line that is not quite level, and thickened by
UNDERLINE_OFFSET = 0.3  # this, so that its pieces meet
MIN_UNDERLINE_GAP = 2.0  # between two of them: what is closer is one line
MAX_LINE_THICKNESS = 0.35
MIN_UNDERLINES = 10  # of a form
MIN_UNDERLINED = 0.25  # fraction of its level lines, by length; of real forms 0.32 and more, of tables 0.19 and less
MIN_DOTS = 4.0  # of a screen, on a square of a digit's height: a dotted line has fewer


def whiten(grey: Grey, digit_height: float) -> Grey:
    """A page, uint8 (height, width), without black bars and screens of dots; digits have this height in pixels."""
    paper = percentile(grey[::2, ::2], PAPER_PERCENTILE)
    if paper < MIN_PAPER:
        return grey
    bars = _bars(grey, MAX_SOLID * paper, digit_height)
    # Paper shows between dots: what has none is the noise of a dark desk.
    between = cv2.morphologyEx(grey, cv2.MORPH_CLOSE, _square(MAX_DOT_SIZE * digit_height))
    darkest = cv2.min(cv2.convertScaleAbs(between, alpha=MAX_DOT_CONTRAST), MAX_DOT * paper)
    is_dot = (grey < darkest) & (between > MIN_BETWEEN * paper)
    printed = bars | _screens((is_dot & (bars == 0)).astype(np.uint8), digit_height)
    underlines = _underlines(grey, digit_height)
    blank = grey
    if underlines.any():
        without_lines = cv2.morphologyEx(grey, cv2.MORPH_CLOSE, _across(MAX_LINE_THICKNESS * digit_height).T)
        blank = np.where(underlines > 0, without_lines, grey)
    if printed.any():
        blank = np.where(printed > 0, _paper(grey, digit_height), blank)
    for bar in cv2.findContours(bars, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)[0]:
        _draw_middle(blank, bar, max(2, round(RULE_THICKNESS * digit_height)))
    return blank


def _paper(grey: Grey, digit_height: float) -> MatLike:
    """The paper's own grey level everywhere: the brightest within a few digits, in the shade less."""
    height, width = grey.shape
    size = max(1, round(width / digit_height)), max(1, round(height / digit_height))
    around = cv2.dilate(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), _square(PAPER_WINDOW))
    return cv2.resize(around, (width, height), interpolation=cv2.INTER_LINEAR)


def _bars(grey: Grey, darkest: float, digit_height: float) -> Grey:
    """A mask of the solid areas, at most as light as `darkest`, that are as wide as a bar, with the letters in them."""
    small, digit = _shrunk(grey, digit_height, BAR_DIGIT_PX)
    dark = cv2.medianBlur((small < darkest).astype(np.uint8), len(_square(MAX_SPECK * digit)))
    solid = _inside(cv2.morphologyEx(dark, cv2.MORPH_OPEN, _square(MIN_BAR_WIDTH * digit)))
    if not solid.any():
        return np.zeros_like(grey)
    solid &= 1 - cv2.morphologyEx(solid, cv2.MORPH_OPEN, _square(MAX_BAR_WIDTH * digit))
    whole = cv2.morphologyEx(solid, cv2.MORPH_CLOSE, _square(MAX_LETTER_GAP * digit))
    mask = cv2.resize(whole, grey.shape[::-1], interpolation=cv2.INTER_NEAREST)
    return np.asarray(cv2.dilate(mask, _square(2 * BAR_EDGE * digit_height)), np.uint8)


def _inside(mask: MatLike) -> Grey:
    """The areas of a mask that do not touch the picture's edge: what does, lies around the sheet."""
    n, labels = cv2.connectedComponents(mask, connectivity=8)
    is_inside = np.ones(n, np.uint8)
    for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        is_inside[edge] = 0
    is_inside[0] = 0  # what is not in the mask
    return is_inside[labels]


def _draw_middle(page: Grey, bar: MatLike, thickness: int) -> None:
    """Draw the line in the middle of a bar's contour, if it is long: it parts a table's columns or rows."""
    centre, sides, degrees = cv2.minAreaRect(bar)
    if max(sides) < MIN_BAR_LENGTH * min(sides):
        return
    angle = np.radians(degrees if sides[0] > sides[1] else degrees + 90)
    step = max(sides) / 2 * np.array([np.cos(angle), np.sin(angle)])
    start, end = (np.round(np.array(centre) + side * step).astype(int).tolist() for side in (-1, 1))
    cv2.line(page, start, end, 0, thickness)


def _underlines(grey: Grey, digit_height: float) -> Grey:
    """A mask of the lines below the fields of a form: level, short, and with a gap on both sides; empty for a table."""
    small, digit = _shrunk(grey, digit_height, UNDERLINE_DIGIT_PX)
    runs = _runs(small, digit)
    thick = cv2.dilate(runs, _across(UNDERLINE_OFFSET * digit).T)
    lines = cv2.morphologyEx(thick, cv2.MORPH_CLOSE, _across(MIN_UNDERLINE_GAP * digit))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(lines, connectivity=8)
    lengths, is_short = stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_WIDTH] <= MAX_UNDERLINE * digit
    is_short &= stats[:, cv2.CC_STAT_HEIGHT] <= MAX_UNDERLINE_HEIGHT * digit
    is_short[0] = False  # the paper
    if is_short.sum() >= MIN_UNDERLINES:
        upright = cv2.dilate(_runs(np.ascontiguousarray(small.T), digit).T, _square(UNDERLINE_OFFSET * digit))
        is_short[labels[upright > 0]] = False  # a table has upright lines, too
    if is_short.sum() < MIN_UNDERLINES or lengths[is_short].sum() < MIN_UNDERLINED * lengths[1:].sum():
        return np.zeros_like(grey)
    mask = cv2.dilate(runs & is_short[labels].astype(np.uint8), _square(3))
    return np.asarray(cv2.resize(mask, grey.shape[::-1], interpolation=cv2.INTER_NEAREST), np.uint8)


def _runs(grey: Grey, digit_height: float) -> MatLike:
    """A mask of the pieces of level lines."""
    dark = cv2.dilate(thin_and_dark(grey, digit_height), _across(3).T)
    return cv2.morphologyEx(dark, cv2.MORPH_OPEN, _across(MIN_UNDERLINE * digit_height))


def _screens(marks: Grey, digit_height: float) -> Grey:
    """A mask of the dots of a mask that stand among many others."""
    _, labels, stats, centres = cv2.connectedComponentsWithStats(marks, connectivity=8)
    is_dot = (stats[:, cv2.CC_STAT_WIDTH : cv2.CC_STAT_HEIGHT + 1] <= max(2, MAX_DOT_SIZE * digit_height)).all(axis=1)
    is_dot[0] = False  # the paper
    cell = max(1.0, SCREEN_CELL * digit_height)
    x, y = (centres[is_dot] / cell).astype(np.int64).T
    counts = np.zeros((int(marks.shape[0] / cell) + 1, int(marks.shape[1] / cell) + 1), np.float32)
    np.add.at(counts, (y, x), 1)
    side = round(SCREEN_WINDOW / SCREEN_CELL) | 1
    is_screen = cv2.boxFilter(counts, -1, (side, side), normalize=False) > MIN_DOTS * (side * SCREEN_CELL) ** 2
    # A ruled line in the shade is a row of dots, but it is narrower than any screen.
    area = cv2.morphologyEx((counts > 0).astype(np.uint8), cv2.MORPH_CLOSE, _square(MIN_CELLS))
    area = cv2.dilate(cv2.morphologyEx(area, cv2.MORPH_OPEN, _square(MIN_CELLS)), _square(MIN_CELLS + 2))
    is_screen &= area > 0
    if not is_screen[y, x].any():
        return np.zeros_like(marks)
    is_dot[is_dot] = is_screen[y, x]
    return np.asarray(cv2.dilate(is_dot[labels].astype(np.uint8), _square(3)), np.uint8)


def _shrunk(grey: Grey, digit_height: float, height: float) -> tuple[Grey, float]:
    """A page on which digits are at most as high, and how high they are."""
    scale = min(1.0, height / digit_height)
    small: Grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(np.uint8)
    return small, scale * digit_height


def _square(side: float) -> Grey:
    return np.ones((_odd(side), _odd(side)), np.uint8)


def _across(length: float) -> Grey:
    return np.ones((1, _odd(length)), np.uint8)


def _odd(size: float) -> int:
    return max(3, round(size)) | 1
