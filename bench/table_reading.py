"""Tables of test digits, read whole: rows, cells, orientation, and what is accepted but wrong.

    python bench/table_reading.py                        # three minutes; bench/results/ and docs/paper.md
    python bench/table_reading.py --sudoku FOLDER        # photographed 9x9 grids, too: a folder with a labels.csv
    python bench/table_reading.py --report-only

Half are photos, half scans; each is turned by 0, 90, 180 or 270 degrees, and half of them up to 12 degrees more. Rows
and columns in which nothing stands don't count. Seconds are those of a reader that is loaded, on all cores.
"""

import argparse
import csv
import json
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import numpy as np

from documents import replace_between
from environments import MNIST, ROOT, commit, machine
from reading import mnist_digits
from table_sheets import KINDS, make_sheet
from tendigits.read.reader import Reader
from tendigits.tables.table import Cell, Table

RESULTS = ROOT / "bench" / "results" / "table_reading.json"
BEGIN, END = "<!-- tables: written by bench/table_reading.py -->", "<!-- /tables -->"
N, SEED = 40, 21
"""Tables of each kind."""

Rows = list[list[str]]


def main() -> None:
    """Measure, save, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=MNIST, help="MNIST as an .npz file.")
    parser.add_argument("--sudoku", type=Path, help="Folder of photographed grids with a labels.csv.")
    parser.add_argument("--n", type=int, default=N, help="Tables of each kind.")
    parser.add_argument("--report-only", action="store_true", help="Write the table from the JSON.")
    given = parser.parse_args()
    if given.report_only:
        record: dict[str, Any] = json.loads(RESULTS.read_text())
    else:
        kept = {"date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()), "commit": commit()}
        record = {"machine": machine(), **kept, "sets": [*measure(given.data.resolve(), given.n, given.sudoku)]}
        RESULTS.write_text(json.dumps(record, indent=1) + "\n")
    replace_between(ROOT / "docs" / "paper.md", BEGIN, END, text(record))


def measure(data: Path, n: int, sudoku: Path | None) -> Iterator[dict[str, Any]]:
    """Read the tables of each kind; then real ones."""
    digits, rng, reader = mnist_digits(data), np.random.default_rng(SEED), Reader()
    for kind in KINDS:
        counts, seconds = Counter[str](), []
        for _ in range(n):
            sheet = make_sheet(digits, rng, kind)
            started = time.perf_counter()
            page = reader.read(sheet.picture)
            seconds.append(time.perf_counter() - started)
            counts["upright"] += page.turned == sheet.turned
            counts += score(page.table(), sheet.rows)
        yield {"set": kind, "n": n, "seconds": round(statistics.median(seconds), 3), **counts}
    if sudoku is not None:
        counts, seconds = Counter(), []
        with (sudoku / "labels.csv").open() as file:
            labelled = [*csv.DictReader(file)]
        for row in labelled:
            started = time.perf_counter()
            page = reader.read(sudoku / row["path"])
            seconds.append(time.perf_counter() - started)
            counts["upright"] += page.turned == 0
            counts += score_grid(page.table(), [line.split(";") for line in row["label"].split("|")])
        yield {"set": "9x9 grids, real photos", "n": len(labelled), "seconds": statistics.median(seconds), **counts}


def score(table: Table, wanted: Rows) -> Counter[str]:
    """Count what is right of a table, rows and columns without numbers left out."""
    kept = filled([[cell.value for cell in row] for row in table.rows])
    rows, columns = kept
    read = [[table.rows[row][column] for column in columns] for row in rows]
    wanted_rows, wanted_columns = filled(wanted)
    want = [[wanted[row][column] for column in wanted_columns] for row in wanted_rows]
    same = SequenceMatcher(
        a=[tuple(row) for row in want], b=[tuple(c.value for c in row) for row in read], autojunk=False
    )
    counts = Counter(rows=len(want), rows_right=sum(block.size for block in same.get_matching_blocks()))
    if (len(want), len(wanted_columns)) == (len(read), len(columns)):
        counts["shape"] = 1
        for cell, value in (
            (c, v) for row, values in zip(read, want, strict=True) for c, v in zip(row, values, strict=True)
        ):
            counts += score_cell(cell, value)
    else:
        counts["cells"] = sum(bool(value) for row in want for value in row)
    return counts


def score_grid(table: Table, wanted: Rows) -> Counter[str]:
    """Count what is right of a 9x9 grid; `?` is unknown, and what stands in empty cells may be pencilled notes."""
    counts = Counter(rows=len(wanted), cells=sum(value not in ("", "?") for row in wanted for value in row))
    if table.shape == (len(wanted), len(wanted[0])):
        counts["shape"] = 1
        counts["cells"] = 0
        for row, values in zip(table.rows, wanted, strict=True):
            known = [(cell, value) for cell, value in zip(row, values, strict=True) if value not in ("", "?")]
            counts["rows_right"] += all(cell.value == value for cell, value in known)
            for cell, value in known:
                counts += score_cell(cell, value)
    return counts


def score_cell(cell: Cell, value: str) -> Counter[str]:
    """Whether a cell is right, and whether it is accepted; empty ones that are read as empty don't count."""
    if not cell.value and not value:
        return Counter()
    right = cell.value == value
    return Counter(cells=1, cells_right=right, accepted=cell.accepted, accepted_wrong=cell.accepted and not right)


def filled(rows: Rows) -> tuple[list[int], list[int]]:
    """The rows and the columns in which something stands."""
    columns = range(len(rows[0])) if rows else ()
    return [i for i, row in enumerate(rows) if any(row)], [i for i in columns if any(row[i] for row in rows)]


def text(record: dict[str, Any]) -> str:
    """Format the results as Markdown."""
    lines = [
        "| tables | n | upright | shape right | rows right | cells right | accepted | wrong of these | seconds |",
        "| :--- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for own in record["sets"]:
        counts = Counter({name: value for name, value in own.items() if name != "set"})
        n, accepted, wrong = own["n"], counts["accepted"], counts["accepted_wrong"]
        shares = [
            f"{counts['upright'] / n:.1%}", f"{counts['shape'] / n:.1%}",
            f"{counts['rows_right'] / counts['rows']:.1%} of {counts['rows']}",
            f"{counts['cells_right'] / counts['cells']:.1%} of {counts['cells']}",
            f"{accepted / counts['cells']:.1%}", f"{wrong} ({wrong / max(1, accepted):.2%})",
        ]  # fmt: skip
        lines.append(f"| {own['set']} | {n} | {' | '.join(shares)} | {own['seconds']:.2f} |")
    described = record["machine"]
    return "\n".join([*lines, "", f"{described['processor']}, {described['cores']} cores; {record['date']}."])


if __name__ == "__main__":
    main()
