"""How well somebody's own pictures are read: compare with labels, and choose a threshold.

labels = load_labels(Path("labels.csv"), pictures)      # {"scans/1.png": "12.50", "scans/2.png": "7 19"}
answers = compare(path, page, labels[path])
print(summary(answers))
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import numpy as np

from tendigits.digits.find import data_uri
from tendigits.errors import DataError, UserError, printable
from tendigits.geometry import Box
from tendigits.model.calibration import find_threshold, risk_coverage
from tendigits.pictures.image import Grey
from tendigits.read.expectations import read_csv, read_rows
from tendigits.read.page import Page
from tendigits.report.metrics import wilson_interval
from tendigits.tables.cell import Cell, cell_name, escaped, text_html
from tendigits.tables.table import Table

MAX_WRONG_SHOWN = 200  # wrong answers in a report
MAX_WRONG_FRACTIONS = (0.01, 0.02)  # of the accepted answers, for which a threshold is given

NOT_READ = Cell(Box(0, 0, 0, 0), confidence=0.0, accepted=False)  # a cell that is empty, or not there

Label = str | Mapping[str, str]  # the numbers of a picture, separated by spaces, or the cells of its table, by name


@dataclass(frozen=True, eq=False)
class Answer:
    """What was read in a picture or a cell, and its label."""

    place: str  # path of the picture, and name of the cell
    read: str
    label: str
    confidence: float  # 0 to 1
    accepted: bool
    picture: Grey | None = None  # of the number, as the network saw it

    @property
    def is_right(self) -> bool:
        """Whether exactly the label was read."""
        return self.read == self.label


def load_labels(file: Path, pictures: Sequence[str]) -> dict[str, Label]:
    """The labels of pictures, by their paths, from a CSV with the columns path and label, or a folder of tables.

    Paths are relative to the CSV. In a folder, the table of scan.jpg is scan.csv.

    Raises:
        UserError: a CSV cannot be read, lacks a column or labels a picture twice, or a picture has no label.
    """
    if file.is_dir():
        names = {picture: Path(picture).stem for picture in pictures}
        found = {each.stem: _read_table(each) for each in file.glob("*.csv") if each.stem in names.values()}
    else:
        names = {picture: str(Path(picture).resolve()) for picture in pictures}
        found = _read_labels(file)
    for picture, name in names.items():
        if name not in found:
            raise UserError(
                f"expected a label for each picture, {picture} has none in {file}; add one, or leave it out"
            )
    return {picture: found[name] for picture, name in names.items()}


def _read_labels(file: Path) -> dict[str, Label]:
    head, *rows = read_rows(file) or [[]]
    if not {"path", "label"} <= {*head}:
        raise UserError(f"expected a CSV with the columns path,label at {file}, received {', '.join(head) or 'none'}")
    labels: dict[str, Label] = {}
    for row in rows:
        cells = dict(zip_longest(head, row, fillvalue=""))
        path = str((file.parent / cells["path"]).resolve())
        if path in labels:
            raise UserError(f"expected one label for each picture in {file}, {cells['path']} has two")
        labels[path] = cells["label"]
    return labels


def _read_table(file: Path) -> Label:
    rows = enumerate(read_csv(file))
    return {cell_name(row, column): text for row, cells in rows for column, text in enumerate(cells) if text}


def compare(path: str, page: Page | DataError, label: Label) -> list[Answer]:
    """Compare what was read in a picture with its label: all its numbers together, or each cell of its table."""
    if not isinstance(label, str):
        return _compare_cells(path, Table([]) if isinstance(page, DataError) else page.table(), label)
    numbers = [] if isinstance(page, DataError) else page.numbers
    read = " ".join(number.value for number in numbers)
    confidence = min((number.confidence for number in numbers), default=0.0)
    accepted = bool(numbers) and all(number.accepted for number in numbers)
    return [Answer(path, read, " ".join(label.split()), confidence, accepted, numbers[0].strip if numbers else None)]


def _compare_cells(path: str, table: Table, labels: Mapping[str, str]) -> list[Answer]:
    """An answer for each cell that is not empty in the table or in its label, which may say 12.50 for 12,50."""
    cells = dict(table.cells())
    answers = []
    for name in {**labels, **cells}:
        cell, text = cells.get(name, NOT_READ), labels.get(name, "")
        read = text if text == str(cell.content) else cell.value
        answers.append(Answer(f"{path} {name}", read, text, cell.confidence, cell.accepted, cell.picture))
    return answers


def summary(answers: Sequence[Answer]) -> str:
    """A few lines: how much is right, how much is accepted, and which thresholds would do."""
    n, right = len(answers), sum(each.is_right for each in answers)
    accepted = [each.is_right for each in answers if each.accepted]
    low, high = wilson_interval(right, n)
    lines = [
        f"{'read right':14} {right:,} of {n:,}, {right / n:.1%} (95% interval {low:.1%} to {high:.1%})",
        f"{'accepted':14} {len(accepted) / n:.1%}, of these {accepted.count(False):,} wrong",
    ]
    confidence = np.array([each.confidence for each in answers])
    curve = risk_coverage(confidence, np.array([each.is_right for each in answers]))
    for fraction in MAX_WRONG_FRACTIONS:
        threshold = find_threshold(curve, fraction)
        coverage = curve.coverage[curve.threshold >= threshold].max(initial=0.0)
        can_be = f"{coverage:.1%} accepted with --threshold {threshold:.4g}" if coverage else "none can be accepted"
        lines.append(f"{f'at {fraction:.0%} wrong':14} {can_be}")
    return "\n".join(lines)


def report(answers: Sequence[Answer]) -> str:
    """The summary, and the wrong answers with pictures, those that look most certain first, as an HTML page."""
    wrong = sorted((each for each in answers if not each.is_right), key=lambda each: -each.confidence)
    rows = "".join(map(_row, wrong[:MAX_WRONG_SHOWN]))
    style = "body{font:16px system-ui;margin:2em} td,th{padding:.3em .8em;text-align:left;border-bottom:1px solid #ccc}"
    heads = "".join(f"<th>{head}</th>" for head in ("picture", "read", "label", "confidence", "where"))
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>tendigits: how well it reads</title>'
        f"<style>{style}</style><h1>How well it reads</h1>{text_html(summary(answers))}"
        f"<h2>{len(wrong):,} wrong, the most certain first</h2><table><tr>{heads}</tr>{rows}</table></html>\n"
    )


def _row(answer: Answer) -> str:
    picture = "" if answer.picture is None else f'<img alt="" src="{data_uri(answer.picture, "png")}">'
    accepted = ", accepted" if answer.accepted else ""
    texts = (answer.read or "nothing", answer.label or "nothing", f"{answer.confidence:.0%}{accepted}", answer.place)
    return f"<tr><td>{picture}</td>{''.join(f'<td>{escaped(printable(text))}</td>' for text in texts)}</tr>"
