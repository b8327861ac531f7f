"""The four charts of report.html: accuracy, loss, how often the network is right when it is so sure, and abstaining.

curves({"loss": [0.2, 0.1], "val_loss": [0.1, 0.09]}, Recipe())
"""

import numpy as np

from tendigits.model.calibration import Bin, Coverage
from tendigits.model.recipe import Recipe
from tendigits.report import charts, messages
from tendigits.report.charts import Axis, Chart, Series, plot
from tendigits.report.curves import PANELS


def curves(history: dict[str, list[float]], recipe: Recipe) -> list[Chart]:
    """Accuracy and loss over the epochs, with a line at the best one."""
    epochs = range(1, len(history.get("loss", ())) + 1)
    if not epochs:
        return []
    best = messages.best_epoch(history, recipe)
    names = {"": "Train", "val_": messages.validation_name(recipe)}
    drawn = []
    for title, key, label in PANELS:
        found = {prefix: history[prefix + key] for prefix in names if prefix + key in history}
        y = charts.axis_for(label, [value for values in found.values() for value in values], percent=key == "accuracy")
        series = [
            Series(names[prefix], kind, epochs, values)
            for (prefix, values), kind in zip(found.items(), "ab", strict=False)
        ]
        said = [f"{one.name} from {y.text(one.y[0])} to {y.text(one.y[-1])}" for one in series]
        series.append(Series(f"Best epoch, {best}", "guide", (best, best), (y.low, y.high)))
        about = f"{label} over {len(epochs)} epochs: {', '.join(said)}."
        drawn.append(plot(title, Axis("Epoch", 1, max(2, len(epochs)), whole=True), y, series, about))
    return drawn


def reliability_chart(bins: dict[str, list[Bin]]) -> Chart:
    """Accuracy against confidence, a line for each of one or two lists of bins."""
    series = [Series("Right as often as sure", "guide", (0, 1), (0, 1))]
    for (name, found), kind in zip(bins.items(), "ab" if len(bins) > 1 else "b", strict=True):
        full = [one for one in found if one.n]
        x, y = [one.confidence or 0.0 for one in full], [one.accuracy or 0.0 for one in full]
        series.append(Series(name.capitalize(), kind, x, y, [1.5 + np.log10(one.n) for one in full]))
    about = "Accuracy of the digits in each of 15 bins of confidence; the nearer to the diagonal the better."
    sure, right = Axis("Confidence", 0, 1, percent=True), Axis("Accuracy", 0, 1, percent=True)
    return plot("How often it is right when it is so sure", sure, right, series, about)


def coverage_chart(curve: Coverage, accepted: float | None) -> Chart:
    """What is wrong of what is accepted, against the share that is; with a line at what is accepted by itself."""
    x = Axis("Share of the digits that is accepted", 0, 1, percent=True)
    # From 5% on: of a few digits one that is wrong would be all that is seen.
    shown = np.flatnonzero(curve.coverage >= 0.05)
    shares, errors = curve.coverage[shown].tolist(), curve.error[shown].tolist()
    y = charts.axis_for("Of these, wrong", [0.0, *errors], percent=True)
    series = [Series("Wrong", "a", shares, errors)]
    if accepted is not None:
        series.append(Series("At the threshold", "guide", (accepted, accepted), (y.low, y.high)))
    about = f"The fewer digits are accepted, the fewer of them are wrong: of all, {y.text(errors[-1])}."
    return plot("What is wrong where it may abstain", x, y, series, about)
