"""The charts of report.html as plain numbers for an SVG: where lines, points and ticks are; the template draws them.

axis = Axis("Epoch", 1, 15)
chart = plot("Model Accuracy", axis, Axis("Accuracy", 0.9, 1, percent=True), [Series("Train", "a", [1, 2], [0.9, 1])])
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, isfinite, log10

import numpy as np
from matplotlib.ticker import MaxNLocator

from tendigits.model.calibration import Bin, RiskCoverage
from tendigits.model.recipe import Recipe
from tendigits.report.curves import PANELS
from tendigits.report.messages import validation_name
from tendigits.report.run import History, best_epoch

WIDTH, HEIGHT = 420, 270
LEFT, RIGHT, TOP, BOTTOM = 58, 394, 12, 224
"""The plotting area in units of the SVG; ticks and labels are around it."""

MAX_POINTS, MAX_MARKS = 200, 40
"""Of a line: more points are thinned out, and a line with more marks shows none."""

MIN_COVERAGE = 0.05
"""Where the risk-coverage curve begins: a single error among few digits would dwarf the rest."""


@dataclass(frozen=True)
class Axis:
    """One axis, from `low` to `high`."""

    label: str
    low: float
    high: float
    percent: bool = False
    """Whether the values are fractions, written as percentages."""
    whole: bool = False
    """Whether only whole numbers get a tick."""

    def fraction(self, value: float) -> float:
        """Position of a value between the ends, clipped to 0 to 1."""
        return min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)

    def ticks(self) -> list[float]:
        """A few round numbers from end to end."""
        slack = 1e-9 * (self.high - self.low)
        ticks = _round_ticks(self.low, self.high, self.whole)
        return [tick for tick in ticks if self.low - slack <= tick <= self.high + slack]

    def text(self, value: float) -> str:
        """A tick's label, with as many decimal places as the ticks need."""
        first, second, *_ = _round_ticks(self.low, self.high, self.whole)
        step = (second - first) * (100 if self.percent else 1)
        places = max(0, -floor(log10(step) + 1e-9))
        return f"{100 * value:.{places}f}%" if self.percent else f"{value:.{places}f}"


@dataclass(frozen=True)
class Series:
    """The values of one line."""

    name: str
    kind: str
    """Its CSS class: "a", "b" or "guide"."""
    x: Sequence[float]
    y: Sequence[float]
    radii: Sequence[float] | None = None
    """Of the marks, in units of the SVG; None is 3 for all."""


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
    """Everything the template needs to draw a chart."""

    title: str
    description: str
    """What it shows, for readers who cannot see it."""
    x_label: str
    y_label: str
    x_ticks: list[tuple[float, str]]
    y_ticks: list[tuple[float, str]]
    lines: list[Line]


def history_charts(history: History, recipe: Recipe) -> list[Chart]:
    """Accuracy and loss over the epochs, with a line at the best one; no chart before the first epoch has ended."""
    epochs = range(1, len(history.get("loss", ())) + 1)
    if not epochs:
        return []
    best = best_epoch(history, recipe)
    names = {"": "Train", "val_": validation_name(recipe)}
    charts = []
    for title, key, label in PANELS:
        columns = {prefix: history[prefix + key] for prefix in names if prefix + key in history}
        y = axis_for(label, [value for values in columns.values() for value in values], percent=key == "accuracy")
        series = [
            Series(names[prefix], kind, epochs, values)
            for (prefix, values), kind in zip(columns.items(), "ab", strict=False)
        ]
        trends = [f"{one.name} from {y.text(one.y[0])} to {y.text(one.y[-1])}" for one in series]
        series.append(Series(f"Best epoch, {best}", "guide", (best, best), (y.low, y.high)))
        description = f"{label} over {len(epochs)} epochs: {', '.join(trends)}."
        charts.append(plot(title, Axis("Epoch", 1, max(2, len(epochs)), whole=True), y, series, description))
    return charts


def reliability_diagram(bins: dict[str, list[Bin]]) -> Chart:
    """Accuracy against confidence, a line for each of one or two lists of bins."""
    series = [Series("Perfect calibration", "guide", (0, 1), (0, 1))]
    for (name, line), kind in zip(bins.items(), "ab" if len(bins) > 1 else "b", strict=True):
        filled = [one for one in line if one.n]
        x, y = [one.confidence or 0.0 for one in filled], [one.accuracy or 0.0 for one in filled]
        series.append(Series(name.capitalize(), kind, x, y, [1.5 + np.log10(one.n) for one in filled]))
    description = "Accuracy of the digits in each of 15 bins of confidence; the closer to the diagonal, the better."
    confidence, accuracy = Axis("Confidence", 0, 1, percent=True), Axis("Accuracy", 0, 1, percent=True)
    return plot("Reliability diagram", confidence, accuracy, series, description)


def risk_coverage_chart(curve: RiskCoverage, at_threshold: float | None) -> Chart:
    """Error rate of the accepted digits against the share that is accepted.

    Args:
        at_threshold: the coverage at the saved threshold, marked by a line.
    """
    x = Axis("Coverage: share of digits accepted", 0, 1, percent=True)
    shown = np.flatnonzero(curve.coverage >= MIN_COVERAGE)
    coverage, risk = curve.coverage[shown].tolist(), curve.risk[shown].tolist()
    y = axis_for("Risk: share of these read wrongly", [0.0, *risk], percent=True)
    series = [Series("Risk", "a", coverage, risk)]
    if at_threshold is not None:
        series.append(Series("At the threshold", "guide", (at_threshold, at_threshold), (y.low, y.high)))
    description = (
        f"The fewer digits are accepted, the fewer of them are read wrongly; of all digits, {y.text(risk[-1])}."
    )
    return plot("Risk and coverage", x, y, series, description)


def plot(title: str, x: Axis, y: Axis, series: Sequence[Series], description: str = "") -> Chart:
    """Place series in the plotting area; points that are not finite are left out, those outside lie on its edge."""
    return Chart(
        title,
        description,
        x.label,
        y.label,
        [(_across(x, tick), x.text(tick)) for tick in x.ticks()],
        [(_up(y, tick), y.text(tick)) for tick in y.ticks()],
        [_line(x, y, one) for one in series],
    )


def axis_for(label: str, values: Sequence[float], percent: bool = False) -> Axis:
    """An axis with round ends that holds all finite values."""
    finite = [value for value in values if isfinite(value)] or [0.0]
    low, high = min(finite), max(finite)
    ticks = _round_ticks(low, high if high > low else low + (abs(low) or 1.0))
    return Axis(label, ticks[0], ticks[-1], percent)


def thin_out(n: int, max_points: int = MAX_POINTS) -> list[int]:
    """Indices of at most `max_points` of n points, evenly spaced, with the first and the last."""
    return sorted({int(i) for i in np.linspace(0, n - 1, min(n, max_points)).round()})


def _line(x: Axis, y: Axis, series: Series) -> Line:
    points = []
    for i in thin_out(len(series.x)):
        if isfinite(series.x[i]) and isfinite(series.y[i]):
            radius = 3.0 if series.radii is None else series.radii[i]
            points.append((_across(x, series.x[i]), _up(y, series.y[i]), round(radius, 1)))
    path = "M" + "L".join(f"{left:g} {top:g}" for left, top, _ in points) if points else ""
    marks = points if len(points) <= MAX_MARKS and series.kind != "guide" else []
    return Line(series.name, series.kind, path, marks)


def _across(axis: Axis, value: float) -> float:
    return round(LEFT + axis.fraction(value) * (RIGHT - LEFT), 1)


def _up(axis: Axis, value: float) -> float:
    return round(BOTTOM - axis.fraction(value) * (BOTTOM - TOP), 1)


def _round_ticks(low: float, high: float, whole: bool = False) -> list[float]:
    """Round numbers at equal distances, the first at most `low`, the last at least `high`."""
    return list(map(float, MaxNLocator(6, steps=[1, 2, 5, 10], integer=whole).tick_values(low, high)))
