"""Risk-coverage curves: a panel for each set, a line for each reader.

draw_curves(record, Path("bench/results/reading.svg"))      # the record that bench/reading.py saves
"""

from pathlib import Path
from typing import Any

from read_names import NAMES, OURS, SETS, plain

COLUMNS = 4
PANEL = (3.1, 2.4)
"""Inches of a panel."""

DRAWN = ("tendigits", "rapidocr", "rapidocr_alone", "rapidocr_tiny", "faster_paddle", "easyocr", "tesseract")
"""Readers that have a line, in their order."""

FIRST = 0.05
"""Coverage from which a line is drawn: before, a single error among few dwarfs the rest."""


def draw_curves(record: dict[str, Any], path: Path) -> None:
    """Draw all sets of the record in which something is to be read."""
    turns = [turn for part in record["parts"].values() for turn in part.get("turns", ()) if turn.get("curve")]
    names = [*dict.fromkeys(turn["set"] for turn in turns if turn["kind"] != "nothing")]
    if not names:
        return
    import matplotlib as mpl

    mpl.use("svg")
    import matplotlib.pyplot as plt
    from matplotlib.ticker import PercentFormatter

    mpl.rcParams["svg.hashsalt"] = "tendigits"  # the same record, the same file
    rows = -(-len(names) // COLUMNS)
    size = COLUMNS * PANEL[0], rows * PANEL[1] + 0.6
    figure, panels = plt.subplots(rows, COLUMNS, figsize=size, layout="constrained", squeeze=False)
    for axes in panels.flat[len(names) :]:
        axes.set_axis_off()
    for name, axes in zip(names, panels.flat, strict=False):
        axes.set_title(SETS.get(name, name)[:44], fontsize=8)
        for turn in turns:
            if turn["set"] != name or turn["given"] != "bare" or turn["peer"] not in DRAWN:
                continue
            points = [(coverage, risk) for coverage, risk in turn["curve"] if coverage >= FIRST]
            if points:
                number, ours = DRAWN.index(turn["peer"]), turn["peer"] == OURS
                axes.plot(
                    *zip(*points, strict=True), color=f"C{number}", linewidth=2.4 if ours else 1.1,
                    zorder=3 if ours else 2, label=plain(NAMES[turn["peer"]]),
                )  # fmt: skip
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 0.3)
        axes.xaxis.set_major_formatter(PercentFormatter(1))
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        axes.tick_params(labelsize=7)
        axes.grid(alpha=0.3)
    figure.supxlabel("coverage: share that is accepted", fontsize=9)
    figure.supylabel("risk: share of the accepted that is wrong", fontsize=9)
    labels = {text: line for axes in panels.flat for line, text in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend([*labels.values()], [*labels], loc="outside lower center", ncols=4, fontsize=8, frameon=False)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
