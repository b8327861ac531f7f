"""Connected components of a page -> digits in lines, in reading order.

digit_height = median_digit_height(components)
lines = find_lines(components)          # lists of components, each from left to right; lines from top to bottom
"""

from collections.abc import Iterable

import numpy as np

from tendigits.read.segment import Component

HALF, GAP = 0.75, 0.1
"""Of the digit height: the most that half a broken digit is high, and the most that lies between two halves."""

LOW, LOWEST = 0.45, 0.22
"""Of the digit height: a lower component is probably a dash, and below LOWEST certainly one."""


def median_digit_height(components: Iterable[Component]) -> float:
    """The median height of components that may be digits, weighted by the square of the height; 0 if there are none.

    Frames and ruled lines don't count: they are nearly empty, or far longer than wide.
    """
    heights = sorted(
        component.box.height
        for component in components
        if component.box.height >= 6
        and component.area > 0.04 * component.box.width * component.box.height
        and component.box.width < 4 * component.box.height < 60 * component.box.width
    )
    if not heights:
        return 0.0
    sums = np.cumsum(np.square(heights))
    return float(heights[int(np.searchsorted(sums, sums[-1] / 2))])


def find_lines(components: list[Component]) -> list[list[Component]]:
    """Group components into lines: each from left to right, the lines from top to bottom.

    A component continues the line of the nearest component to its left at the same height, so the page may be slightly
    rotated. Small parts are joined to their digit; specks and dots are dropped. A low component alone in a line stays,
    since it may be a digit.
    """
    digit_height = median_digit_height(components)
    fitting = [b for b in components if b.box.height <= 2.5 * digit_height]
    strokes = [
        b for b in fitting if b.box.height < LOW * digit_height and max(b.box.width, b.box.height) > 0.2 * digit_height
    ]
    whole = _together(strokes, 0.1 * digit_height)
    fitting = [b for b in fitting if all(b is not stroke for stroke in strokes)] + whole
    large = _stacked([b for b in fitting if b.box.height >= LOW * digit_height], digit_height)
    small = [b for b in fitting if b.box.height < LOW * digit_height]
    lines = _chain(sorted(large, key=lambda b: b.box.left), digit_height)
    lines = [_joined(line, digit_height) for line in lines]
    lines = [[_with_parts(component, small, digit_height) for component in line] for line in lines]
    used = {part for line in lines for component in line for part in component.parts}
    for component in small:
        flat = component.box.width >= 0.3 * digit_height  # a short upright bar is not a 1
        if flat and component.box.height >= LOWEST * digit_height and not used & set(component.parts):
            _put_in(lines, component, digit_height)
    return sorted(lines, key=lambda line: _middle(line[0]) if len(line) == 1 else np.median([_middle(b) for b in line]))


def _together(strokes: list[Component], near: float) -> list[Component]:
    """Join strokes that nearly touch, such as the bar of a low 5 and the rest of it."""
    joined: list[Component] = []
    for stroke in strokes:
        close = [other for other in joined if other.box.gap(stroke.box) <= near]
        joined = [other for other in joined if other.box.gap(stroke.box) > near]
        for other in close:
            stroke = stroke.join(other)
        joined.append(stroke)
    return joined


def _stacked(components: list[Component], digit_height: float) -> list[Component]:
    """Join two halves that nearly touch, one above the other: a 5 with a gap in its stroke."""
    joined: list[Component] = []
    for component in sorted(components, key=lambda b: b.box.top):
        for other in joined:
            shared = min(other.box.right, component.box.right) - max(other.box.left, component.box.left)
            halves = max(other.box.height, component.box.height) < HALF * digit_height
            whole = other.box.join(component.box).height < 1.25 * digit_height
            over = (
                other.box.bottom - component.box.top <= GAP * digit_height
                and other.box.gap(component.box) <= GAP * digit_height
            )
            if halves and whole and over and shared > 0.5 * min(other.box.width, component.box.width):
                joined.remove(other)
                component = other.join(component)
                break
        joined.append(component)
    return joined


def _put_in(lines: list[list[Component]], component: Component, digit_height: float) -> None:
    """Put a low component into the line around it, if there is one."""
    box, middle = component.box, _middle(component)
    for line in lines:
        near = min(line, key=lambda other: other.box.gap(box))
        apart = max(near.box.left - box.right, box.left - near.box.right)
        if near.box.top < middle < near.box.bottom and 0 <= apart <= 2 * digit_height:
            line.insert(sum(other.box.left < box.left for other in line), component)
            return


def _middle(component: Component) -> float:
    return (component.box.top + component.box.bottom) / 2


def _chain(components: list[Component], digit_height: float) -> list[list[Component]]:
    """Append each component, from left to right, to the line whose last component overlaps it most in height."""
    lines: list[list[Component]] = []
    for component in components:
        best, most = None, 0.0
        for line in lines:
            last = line[-1].box
            overlap = min(last.bottom, component.box.bottom) - max(last.top, component.box.top)
            share = overlap / min(last.height, component.box.height)
            distance = max(0, component.box.left - last.right) / digit_height
            score = share - 0.03 * distance
            if share >= 0.4 and score > most:
                best, most = line, score
        if best is None:
            lines.append([component])
        else:
            best.append(component)
    return lines


def _joined(line: list[Component], digit_height: float) -> list[Component]:
    """Join components above each other: parts of one digit, such as a 5 and its bar."""
    joined: list[Component] = []
    for component in line:
        if joined:
            last = joined[-1].box
            shared = min(last.right, component.box.right) - max(last.left, component.box.left)
            part = (
                min(last.height, component.box.height) < 0.7 * digit_height
                and last.gap(component.box) <= 0.1 * digit_height
            )
            if shared > (0.25 if part else 0.5) * min(last.width, component.box.width):
                joined[-1] = joined[-1].join(component)
                continue
        joined.append(component)
    return joined


def _with_parts(component: Component, small: list[Component], digit_height: float) -> Component:
    """Join a digit with the detached strokes near it: the bar of a 5, the end of a broken stroke."""
    for part in small:
        box, digit = part.box, component.box
        shared = min(digit.right, box.right) - max(digit.left, box.left)
        down = max(digit.top, box.top) - min(digit.bottom, box.bottom)
        across = max(digit.left, box.left) - min(digit.right, box.right)
        full_stop = box.width <= 0.3 * digit_height and box.top >= digit.bottom - 0.15 * digit.height
        above = shared > 0.4 * box.width and down <= 0.25 * digit_height
        beside = across <= 0.12 * digit_height and down <= 0
        if part.area >= 0.01 * component.area and not full_stop and (above or beside):
            component = component.join(part)
    return component
