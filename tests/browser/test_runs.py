"""The page Runs in a real browser: curves that show every value, every setting, data and intervals, is it luck?"""

import pytest

pytestmark = pytest.mark.xdist_group("browser")

POINTS = """async (history) => {
  const { charts } = await import("./chart.js");
  const drawn = charts([{ name: "a", history }]).filter((each) => each.matches("svg.chart"));
  return drawn.map((chart) => ({
    grid: [...chart.querySelectorAll("line.grid")].map((line) => Number(line.getAttribute("y1"))),
    labels: [...chart.querySelectorAll("text[text-anchor=end]")].map((text) => text.textContent),
    paths: Object.fromEntries([...chart.querySelectorAll("path")].map((path) =>
      [path.classList.contains("training") ? "training" : "validation", path.getAttribute("d")])),
  }));
}"""


def values_of(path: str, grid: list[float], labels: list[str]) -> list[float]:
    """The values that a path shows, by the lines of the grid and their labels."""
    numbers = [float(text.rstrip("%")) / (100 if text.endswith("%") else 1) for text in labels]
    per_pixel = (numbers[-1] - numbers[0]) / (grid[-1] - grid[0])
    heights = [float(point.split(",")[1]) for point in path[1:].split("h")[0].split("L")]
    return [numbers[0] + (height - grid[0]) * per_pixel for height in heights]


@pytest.mark.parametrize(
    "history",
    [
        {"loss": [0.6, 0.153, 0.105], "val_loss": [0.2, 0.25, 0.31], "accuracy": [0.81, 0.95, 0.999],
         "val_accuracy": [0.96, 0.97, 0.965]},
        {"loss": [2.4, 40.0, 3.0], "val_loss": [0.1, 0.1, 0.1], "accuracy": [1, 1, 1], "val_accuracy": [1, 1, 1]},
        {"loss": [0.3], "val_loss": [0.3], "accuracy": [0.1], "val_accuracy": [0.9]},
        {"loss": [0.3, 0.2], "accuracy": [0.0, 0.003]},
    ],
)  # fmt: skip
def test_curves_show_every_value(open_page, history):
    page = open_page("#runs")
    accuracy, loss = page.evaluate(POINTS, history)
    for key, chart in (("accuracy", accuracy), ("loss", loss)):
        heights = sorted(chart["grid"])
        for name, kind in ((f"val_{key}", "validation"), (key, "training")):
            if name not in history:
                assert kind not in chart["paths"]
                continue
            shown = values_of(chart["paths"][kind], chart["grid"], chart["labels"])
            span = max(history[key] + history.get(f"val_{key}", [])) - min(history[key] + history.get(f"val_{key}", []))
            assert shown == pytest.approx(history[name], abs=max(span, 0.01) / 500)
            drawn = [float(point.split(",")[1]) for point in chart["paths"][kind][1:].split("h")[0].split("L")]
            assert heights[0] - 0.01 <= min(drawn) <= max(drawn) <= heights[-1] + 0.01
