"""Charts as plain numbers for an SVG: where lines, points and ticks are; the page's template draws them.

axis = Axis("Epoch", 1, 15)
chart = plot("Model Accuracy", axis, Axis("Accuracy", 0.9, 1, percent=True), [Series("Train", "a", [1, 2], [0.9, 1])])
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, isfinite, log10

import numpy as np

WIDTH, HEIGHT = 420, 270
LEFT, RIGHT, TOP, BOTTOM = 58, 394, 12, 224
"""The field within which lines are, in units of the SVG; ticks and labels are around it."""

MOST_POINTS, MOST_MARKS = 200, 40
"""Of a line: more are thinned out, and beyond so many none is marked."""


@dataclass(frozen=True)
class Axis:
    """What is along one side, from `low` to `high`."""

    label: str
    low: float
    high: float
    percent: bool = False
    """Whether its numbers are shares, written as per cent."""
    whole: bool = False
    """Whether there is nothing between its whole numbers."""

    def share(self, value: float) -> float:
        """Where a value is between the ends: 0 to 1, and no further."""
        return min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)

    def ticks(self) -> list[float]:
        """At most seven round numbers from end to end."""
        step = self._step()
        first, last = ceil(self.low / step - 1e-9), floor(self.high / step + 1e-9)
        return [i * step for i in range(first, last + 1)]

    def text(self, value: float) -> str:
        """A tick's label, with as many places as its step needs."""
        step = self._step() * (100 if self.percent else 1)
        places = max(0, -floor(log10(step) + 1e-9))
        return f"{100 * value:.{places}f}%" if self.percent else f"{value:.{places}f}"

    def _step(self) -> float:
        step = _round_step((self.high - self.low) / 5)
        return max(1.0, step) if self.whole else step


@dataclass(frozen=True)
class Series:
    """The values of one line."""

    name: str
    kind: str
    """The class that gives it its look: "a", "b" or "guide"."""
    x: Sequence[float]
    y: Sequence[float]
    radii: Sequence[float] | None = None
    """Of the marks, in units of the SVG; None takes 3 for all."""


@dataclass(frozen=True)
class Line:
    """A series in units of the SVG."""

    name: str
    kind: str
    path: str
    """The `d` of an SVG path."""
    marks: list[tuple[float, float, float]]
    """x, y and radius."""


@dataclass(frozen=True)
class Chart:
    """All that the template needs."""

    title: str
    about: str
    """What it shows, in words."""
    x_label: str
    y_label: str
    x_ticks: list[tuple[float, str]]
    y_ticks: list[tuple[float, str]]
    lines: list[Line]


def plot(title: str, x: Axis, y: Axis, series: Sequence[Series], about: str = "") -> Chart:
    """Put series into the field; what is not finite is left out, and what is outside lies on its edge."""
    return Chart(
        title,
        about,
        x.label,
        y.label,
        [(_across(x, tick), x.text(tick)) for tick in x.ticks()],
        [(_up(y, tick), y.text(tick)) for tick in y.ticks()],
        [_line(x, y, one) for one in series],
    )


def axis_for(label: str, values: Sequence[float], percent: bool = False) -> Axis:
    """An axis with round ends around all finite values."""
    found = [value for value in values if isfinite(value)] or [0.0]
    low, high = min(found), max(found)
    for _ in range(2):  # round ends are further apart, and that may ask for longer steps
        step = _round_step((high - low or abs(high) or 1.0) / 5)
        low, high = floor(low / step + 1e-9) * step, ceil(high / step - 1e-9) * step
    return Axis(label, low, high if high > low else low + step, percent)


def thinned(n: int, at_most: int = MOST_POINTS) -> list[int]:
    """At most so many of n rows, evenly, the first and the last among them."""
    return sorted({int(i) for i in np.linspace(0, n - 1, min(n, at_most)).round()})


def _line(x: Axis, y: Axis, series: Series) -> Line:
    places = []
    for i in thinned(len(series.x)):
        if isfinite(series.x[i]) and isfinite(series.y[i]):
            radius = 3.0 if series.radii is None else series.radii[i]
            places.append((_across(x, series.x[i]), _up(y, series.y[i]), round(radius, 1)))
    path = "M" + "L".join(f"{left:g} {top:g}" for left, top, _ in places) if places else ""
    marks = places if len(places) <= MOST_MARKS and series.kind != "guide" else []
    return Line(series.name, series.kind, path, marks)


def _across(axis: Axis, value: float) -> float:
    return round(LEFT + axis.share(value) * (RIGHT - LEFT), 1)


def _up(axis: Axis, value: float) -> float:
    return round(BOTTOM - axis.share(value) * (BOTTOM - TOP), 1)


def _round_step(least: float) -> float:
    """The next of 1, 2, 5, 10, ... times a power of ten."""
    power = 10.0 ** floor(log10(least) + 1e-9)
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * (1 - 1e-9))
