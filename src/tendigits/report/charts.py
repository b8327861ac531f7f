"""The charts of report.html: matplotlib's SVG, changed to use the page's colours and fonts.

history_charts(run.history(), run.recipe())  # two SVG elements for the template
"""

import re
from io import StringIO
from typing import cast

import matplotlib as mpl
import numpy as np
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from tendigits.model.calibration import Bin, RiskCoverage
from tendigits.model.recipe import Recipe
from tendigits.report.curves import COLOURS, GUIDE_STYLE, PANELS, draw_panel, label_axes
from tendigits.report.messages import validation_name
from tendigits.runs.run import History
from tendigits.runs.summary import best_epoch

MIN_COVERAGE = 0.05  # start of the risk-coverage curve: with fewer digits a single error would dominate the chart
STYLE = mpl.rc_context({"figure.figsize": (4.2, 3.4), "font.sans-serif": "DejaVu Sans", "path.simplify_threshold": 1})
# matplotlib's colour -> the CSS variable that replaces it, for dark mode and print
VARIABLES = {COLOURS[0].lower(): "first", COLOURS[1].lower(): "second", "#000000": "muted", "#b0b0b0": "muted"}


@STYLE
def history_charts(history: History, recipe: Recipe) -> list[Markup]:
    """Charts of accuracy and loss, with a line at the best epoch; none before the first epoch is complete."""
    if not history.get("loss"):
        return []
    best, charts = best_epoch(history, recipe), []
    for title, key, label in PANELS:
        axes = Figure().subplots()
        draw_panel(axes, (title, key, label), history, validation_name(recipe), best)
        if key == "accuracy":
            axes.yaxis.set_major_formatter(PercentFormatter(1))
        ends = [(line.get_label(), *np.take(line.get_ydata(), (0, -1))) for line in axes.lines[:-1]]
        trends = ", ".join(f"{name} from {first:.3f} to {last:.3f}" for name, first, last in ends)
        charts.append(_svg(axes, f"{label} over {len(history['loss'])} epochs: {trends}."))
    return charts


@STYLE
def reliability_diagram(bins: dict[str, list[Bin]]) -> Markup:
    """Accuracy over confidence, with a line for each of one or two lists of bins; larger bins have larger marks."""
    axes = _percent_axes("Reliability diagram", "Confidence", "Accuracy")
    axes.plot((0, 1), (0, 1), label="Perfect calibration", **GUIDE_STYLE)
    for (name, line), colour, marker in zip(bins.items(), COLOURS, "os", strict=False):
        x, y, n = np.array([(one.confidence, one.accuracy, one.n) for one in line if one.n]).T
        axes.plot(x, y, color=colour, marker=marker, markersize=3, label=name.capitalize())
        axes.scatter(x, y, (3 + 2 * np.log10(n)) ** 2, color=colour, marker=marker)
    return _svg(axes, "Accuracy of the digits in each bin of confidence; the closer to the diagonal, the better.")


@STYLE
def risk_coverage_chart(curve: RiskCoverage, at_threshold: float | None) -> Markup:
    """Error rate over the fraction of accepted digits, with a line at the coverage of the saved threshold."""
    labels = "Coverage: fraction of digits accepted", "Risk: fraction of these misread"
    axes = _percent_axes("Risk and coverage", *labels)
    shown = curve.coverage >= MIN_COVERAGE
    axes.plot(curve.coverage[shown], curve.risk[shown], color=COLOURS[0], marker="o", markevery=[-1], label="Risk")
    axes.set(xlim=(0, None), ylim=(0, None))
    if at_threshold is not None:
        axes.axvline(at_threshold, label="At the threshold", **GUIDE_STYLE)
    return _svg(axes, f"The fewer digits are accepted, the fewer are misread; of all, {curve.risk[-1]:.2%}.")


def _percent_axes(title: str, x_label: str, y_label: str) -> Axes:
    axes = Figure().subplots()
    label_axes(axes, title, x_label, y_label)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1))
    return axes


def _svg(axes: Axes, description: str) -> Markup:
    """The figure as an SVG element with a description, and without styles, which the page's policy forbids."""
    figure, file = cast(Figure, axes.figure), StringIO()
    figure.set_layout_engine("constrained")
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": axes.get_title()}):  # unique ids in each chart
        figure.savefig(file, format="svg", transparent=True)
    svg = re.sub(r"^.*?<svg [^>]*>|<(style|metadata).*?</\1>|<!--.*?-->", "", file.getvalue(), flags=re.DOTALL)
    svg = re.sub(r'<g id="[^"]*"', "<g", svg).replace("xlink:href", "href")
    svg = re.sub(r'style="([^"]*)"', lambda style: re.sub(r"([\w-]+): ([^;]*);?", r'\1="\2"', style[1]), svg)
    for colour, variable in VARIABLES.items():
        svg = svg.replace(f'"{colour}"', f'"var(--{variable})"')
    width, height = 72 * figure.get_size_inches()
    label = escape(f"{axes.get_title()}. {description}")
    return Markup(f'<svg class="chart" viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{label}">{svg}')  # noqa: S704
