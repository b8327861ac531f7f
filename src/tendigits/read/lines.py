"""Blobs of a page -> digits in lines, in reading order.

usual = digit_height(blobs)             # of what may be a digit
lines = find_lines(blobs)               # lists of blobs from left to right, from top to bottom
"""

from collections.abc import Iterable

import numpy as np

from tendigits.read.segment import Blob

HALF, GAP = 0.75, 0.1
"""Height of half a digit at most, and what is blank or shared between two halves, in usual heights."""

LOW, LOWEST = 0.45, 0.22
"""Height of a blob, in usual heights of a digit, below which it is more likely a dash, and below which it is one."""


def digit_height(blobs: Iterable[Blob]) -> float:
    """The usual height of what may be a digit: the median, where each blob weighs as much as it is large.

    Frames and rules do not count: they are nearly empty, or far longer than wide.
    """
    heights = sorted(
        blob.box.height
        for blob in blobs
        if blob.box.height >= 6
        and blob.area > 0.04 * blob.box.width * blob.box.height
        and blob.box.width < 4 * blob.box.height < 60 * blob.box.width
    )
    if not heights:
        return 0.0
    sums = np.cumsum(np.square(heights))
    return float(heights[int(np.searchsorted(sums, sums[-1] / 2))])


def find_lines(blobs: list[Blob]) -> list[list[Blob]]:
    """Digits as lines: each line from left to right, the lines from top to bottom.

    A blob goes on the line of the nearest blob to its left that stands at the same height, so a page may be turned a
    little. Small parts are joined to the digit that they belong to; specks and dots fall away. What is low and stands
    alone in a line stays, for it may be a digit.
    """
    usual = digit_height(blobs)
    fitting = [b for b in blobs if b.box.height <= 2.5 * usual]
    strokes = [b for b in fitting if b.box.height < LOW * usual and max(b.box.width, b.box.height) > 0.2 * usual]
    whole = _together(strokes, 0.1 * usual)
    fitting = [b for b in fitting if all(b is not stroke for stroke in strokes)] + whole
    large = _stacked([b for b in fitting if b.box.height >= LOW * usual], usual)
    small = [b for b in fitting if b.box.height < LOW * usual]
    lines = _chain(sorted(large, key=lambda b: b.box.left), usual)
    lines = [_joined(line, usual) for line in lines]
    lines = [[_with_parts(blob, small, usual) for blob in line] for line in lines]
    used = {part for line in lines for blob in line for part in blob.parts}
    for blob in small:
        flat = blob.box.width >= 0.3 * usual  # a short bar is no 1
        if flat and blob.box.height >= LOWEST * usual and not used & set(blob.parts):
            _put_in(lines, blob, usual)
    return sorted(lines, key=lambda line: _middle(line[0]) if len(line) == 1 else np.median([_middle(b) for b in line]))


def _together(strokes: list[Blob], near: float) -> list[Blob]:
    """Strokes that nearly touch are one: the bar of a low 5 and the rest of it."""
    joined: list[Blob] = []
    for stroke in strokes:
        close = [other for other in joined if other.box.gap(stroke.box) <= near]
        joined = [other for other in joined if other.box.gap(stroke.box) > near]
        for other in close:
            stroke = stroke.join(other)
        joined.append(stroke)
    return joined


def _stacked(blobs: list[Blob], usual: float) -> list[Blob]:
    """Two halves of one height that nearly touch, one over the other, are one: a 5 that the pen left a gap in."""
    joined: list[Blob] = []
    for blob in sorted(blobs, key=lambda b: b.box.top):
        for other in joined:
            shared = min(other.box.right, blob.box.right) - max(other.box.left, blob.box.left)
            halves = max(other.box.height, blob.box.height) < HALF * usual
            whole = other.box.join(blob.box).height < 1.25 * usual
            over = other.box.bottom - blob.box.top <= GAP * usual and other.box.gap(blob.box) <= GAP * usual
            if halves and whole and over and shared > 0.5 * min(other.box.width, blob.box.width):
                joined.remove(other)
                blob = other.join(blob)
                break
        joined.append(blob)
    return joined


def _put_in(lines: list[list[Blob]], blob: Blob, usual: float) -> None:
    """Put a low blob into the line that it stands in, if there is one."""
    box, middle = blob.box, _middle(blob)
    for line in lines:
        near = min(line, key=lambda other: other.box.gap(box))
        apart = max(near.box.left - box.right, box.left - near.box.right)
        if near.box.top < middle < near.box.bottom and 0 <= apart <= 2 * usual:
            line.insert(sum(other.box.left < box.left for other in line), blob)
            return


def _middle(blob: Blob) -> float:
    return (blob.box.top + blob.box.bottom) / 2


def _chain(blobs: list[Blob], usual: float) -> list[list[Blob]]:
    """Put each blob, from left to right, at the end of the line whose last blob it overlaps most in height."""
    lines: list[list[Blob]] = []
    for blob in blobs:
        best, most = None, 0.0
        for line in lines:
            last = line[-1].box
            overlap = min(last.bottom, blob.box.bottom) - max(last.top, blob.box.top)
            share = overlap / min(last.height, blob.box.height)
            distance = max(0, blob.box.left - last.right) / usual
            score = share - 0.03 * distance
            if share >= 0.4 and score > most:
                best, most = line, score
        if best is None:
            lines.append([blob])
        else:
            best.append(blob)
    return lines


def _joined(line: list[Blob], usual: float) -> list[Blob]:
    """Blobs that stand over each other are parts of one digit, such as a 5 and its bar."""
    joined: list[Blob] = []
    for blob in line:
        if joined:
            last = joined[-1].box
            shared = min(last.right, blob.box.right) - max(last.left, blob.box.left)
            part = min(last.height, blob.box.height) < 0.7 * usual and last.gap(blob.box) <= 0.1 * usual
            if shared > (0.25 if part else 0.5) * min(last.width, blob.box.width):
                joined[-1] = joined[-1].join(blob)
                continue
        joined.append(blob)
    return joined


def _with_parts(blob: Blob, small: list[Blob], usual: float) -> Blob:
    """A digit with the detached strokes near it: a bar over a 5, the end of a broken stroke."""
    for part in small:
        box = part.box
        shared = min(blob.box.right, box.right) - max(blob.box.left, box.left)
        apart = max(blob.box.top, box.top) - min(blob.box.bottom, box.bottom)
        beside = max(blob.box.left, box.left) - min(blob.box.right, box.right)
        level = box.width > 0.3 * usual or box.top < blob.box.bottom - 0.15 * blob.box.height  # not a full stop
        if (
            part.area >= 0.01 * blob.area
            and level
            and ((shared > 0.4 * box.width and apart <= 0.25 * usual) or (beside <= 0.12 * usual and apart <= 0))
        ):
            blob = blob.join(part)
    return blob
