"""Tables of test digits, read whole: rows, cells, orientation, and what is accepted but wrong; and student numbers.

    python bench/table_reading.py                        # ten minutes; bench/results/ and docs/paper.md
    python bench/table_reading.py --parts numbers        # student numbers with `--expect` alone
    python bench/table_reading.py --sudoku FOLDER        # photographed 9x9 grids, too: a folder with a labels.csv
    python bench/table_reading.py --peers                # other readers, too, or some of them: --peers img2table
    python bench/table_reading.py --n 3 --trial --peers  # a trial, only printed
    python bench/table_reading.py --report-only

Half are photos, half scans; each is turned by 0, 90, 180 or 270 degrees, and half of them up to 12 degrees more;
documents with words, whose fonts `python reader/fetch_fonts.py` fetches, lie upright, up to 5 degrees aslant. Rows
and columns in which nothing stands don't count. Seconds are those of a reader that is loaded, on all cores. Without
--peers, what was measured of them before stays.
"""

import csv
import json
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np

from environments import ROOT, date_and_commit, machine, options, prepare, replace_between, save
from measuring.documents import DOCUMENTS, load_fonts, make_document
from measuring.lines import TOUCHING, Digits, Rng, compose, framed
from measuring.tables import KINDS, make_sheet
from reading_peers import Peer
from reading_sets import mnist_digits
from table_peers import ENVIRONMENTS, LIMIT, PEERS, Rows, Tables, read_by, scored, summary
from table_peers import text as text_of_others
from tendigits.read.expectations import parse
from tendigits.read.reader import Reader
from tendigits.tables.cell import Cell
from tendigits.tables.table import Table

RESULTS = ROOT / "bench" / "results" / "table_reading.json"
BEGIN, END = "<!-- tables: written by bench/table_reading.py -->", "<!-- /tables -->"
N, SEED = 40, 21
"""Tables of each kind."""
ROSTER, N_NUMBERS, N_DIGITS, NUMBERS_SEED = 200, 1000, 8, 22
"""Student numbers of a roster; written numbers of each kind, and their digits."""


def main() -> None:
    """Measure, save, report."""
    parser = options(__doc__)
    parser.add_argument("--sudoku", type=Path, help="Folder of photographed grids with a labels.csv.")
    parser.add_argument("--n", type=int, default=N, help="Tables of each kind, at most, of the photographed ones too.")
    parser.add_argument("--peers", nargs="*", choices=[*PEERS], help="Other readers; all, if none is named.")
    parser.add_argument("--trial", action="store_true", help="Print the tables, and keep nothing.")
    parser.add_argument("--parts", nargs="+", choices=("tables", "numbers"), default=("tables", "numbers"))
    given = parser.parse_args()
    record: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    if not given.report_only:
        kept = {"machine": machine(), **date_and_commit()}
        if "numbers" in given.parts:
            record["numbers"] = {**kept, "rows": measure_numbers(mnist_digits(given.data.resolve()))}
    if not given.report_only and "tables" in given.parts:
        peers = None if given.peers is None else [PEERS[name] for name in given.peers or PEERS]
        sets, others = measure(all_tables(given.data.resolve(), given.n, given.sudoku), peers)
        record |= {**kept, "sets": sets}
        if peers is not None:
            record["others"] = {**kept, "limit": min(LIMIT, given.n), "rows": others}
    if given.trial:
        print(text(record))
        return
    if not given.report_only:
        save(record, RESULTS)
    replace_between(ROOT / "docs" / "paper.md", BEGIN, END, text(record))


def all_tables(data: Path, n: int, sudoku: Path | None) -> Iterator[Tables]:
    """Tables of each kind; then real ones."""
    digits, rng = mnist_digits(data), np.random.default_rng(SEED)
    for kind in KINDS:
        sheets = [make_sheet(digits, rng, kind) for _ in range(n)]
        pictures, turned, rows = zip(*((sheet.picture, sheet.turned, sheet.rows) for sheet in sheets), strict=True)
        yield Tables(kind, pictures, turned, rows, score)
    fonts, names = load_fonts(), [*islice(cycle(DOCUMENTS), n)]
    sheets = [make_document(digits, rng, name, fonts) for name in names]
    yield Tables(
        "documents with words", [sheet.picture for sheet in sheets], [0] * n, [sheet.rows for sheet in sheets], score
    )
    if sudoku is not None:
        with (sudoku / "labels.csv").open() as file:
            labelled = [*csv.DictReader(file)][:n]
        grids = [[line.split(";") for line in row["label"].split("|")] for row in labelled]
        photos = [sudoku.resolve() / row["path"] for row in labelled]
        yield Tables("9x9 grids, real photos", photos, [0] * len(photos), grids, score_grid)


def measure(tables: Iterable[Tables], peers: list[Peer] | None) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Read all tables of each set, and let the peers read the first of them; returns the rows of both tables."""
    reader, sets, others = Reader(), [], []
    needed = {peer.environment for peer in peers or ()}
    prepare({name: wanted for name, wanted in ENVIRONMENTS.items() if name in needed})
    for own in tables:
        seconds, counts, alike = [], [], []
        for picture, turned, wanted in zip(own.pictures, own.turned, own.wanted, strict=True):
            started = time.perf_counter()
            page = reader.read(picture)
            table = page.table()
            seconds.append(time.perf_counter() - started)
            counts.append(own.score(table, wanted) + Counter(upright=page.turned == turned))
            if not counts[-1]["shape"]:  # which cells are missing is unknown; at least this many are
                n_marked = sum(cell.is_unread for table in page.tables for _, cell in table.cells())
                counts[-1]["unmarked"] = max(0, counts[-1]["cells"] - len(page.numbers) - n_marked)
            alike.append(scored(own, [[cell.value for cell in row] for row in table.rows], wanted))
        sets.append({"set": own.name, "unmarked": 0, **summary(seconds, counts)})
        if peers is not None:
            others.append({"set": own.name, "tool": "tendigits", **summary(seconds[:LIMIT], alike[:LIMIT])})
            for peer in peers:
                others.append(read_by(peer, own.first(LIMIT)))
                print(others[-1], file=sys.stderr, flush=True)
    return sets, others


def measure_numbers(digits: Digits) -> list[dict[str, Any]]:
    """Read written numbers without and with what is known about them; those of the last kind are not as expected."""
    rng, reader = np.random.default_rng(NUMBERS_SEED), Reader()
    roster = sorted({f"{n:0{N_DIGITS}d}" for n in rng.choice(10**N_DIGITS, ROSTER, replace=False)})
    listed, luhn = "|".join(roster), parse("luhn").everywhere
    changed = [text[:i] + str(9 - int(text[i])) + text[i + 1 :] for i in range(N_DIGITS) for text in roster]
    kinds = {
        f"on a roster of {ROSTER}": (roster, listed),
        "with a check digit (luhn)": ([text for text in numbers(rng) if luhn and luhn.fits(text)], "luhn"),
        "one digit away from the roster": ([text for text in changed if text not in roster], listed),
    }
    rows = []
    for name, (texts, expect) in kinds.items():
        counts = Counter(n=N_NUMBERS)
        for text in islice(cycle(rng.permutation(texts).tolist()), N_NUMBERS):
            line = compose([(digits.draw(rng, int(digit))[0], None) for digit in text], rng, TOUCHING)
            picture = framed(line, rng)
            for how, given in (("without", ""), ("with", expect)):
                read = reader.read(picture, expect=given).numbers
                right = [each.value for each in read] == [text]
                accepted = any(each.accepted for each in read)
                counts += Counter({f"right_{how}": right, f"accepted_{how}": accepted})
                counts[f"wrong_{how}"] += accepted and not right
        rows.append({"kind": name, **counts})
    return rows


def numbers(rng: Rng) -> list[str]:
    """Any numbers of N_DIGITS digits."""
    return [f"{n:0{N_DIGITS}d}" for n in rng.integers(0, 10**N_DIGITS, 20 * N_NUMBERS)]


def numbers_text(record: dict[str, Any]) -> str:
    """Format what was measured of written numbers as Markdown."""
    lines = [
        "What `--expect` does. A number that is not as expected, as those of the last row, should not be accepted.",
        "",
        f"| numbers of {N_DIGITS} digits | n | right without `--expect` | accepted | wrong of these "
        "| right with it | accepted | wrong of these |",
        "| :--- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for own in record["rows"]:
        n, cells = own["n"], [own["kind"], f"{own['n']:,}"]
        for how in ("without", "with"):
            cells += [f"{own[f'right_{how}'] / n:.1%}", f"{own[f'accepted_{how}'] / n:.1%}", f"{own[f'wrong_{how}']}"]
        lines.append(f"| {' | '.join(cells)} |")
    described = record["machine"]
    return "\n".join([*lines, "", f"{described['processor']}, {described['cores']} cores; {record['date']}."])


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
    counts = Counter(cells=1, cells_right=right, accepted=cell.accepted, accepted_wrong=cell.accepted and not right)
    counts["unmarked"] = cell.accepted and not cell.value
    return counts


def filled(rows: Rows) -> tuple[list[int], list[int]]:
    """The rows and the columns in which something stands."""
    columns = range(len(rows[0])) if rows else ()
    return [i for i, row in enumerate(rows) if any(row)], [i for i in columns if any(row[i] for row in rows)]


def text(record: dict[str, Any]) -> str:
    """Format the results as Markdown."""
    lines = [
        "| tables | n | upright | shape right | rows right | cells right | accepted | wrong of these | ink unmarked "
        "| seconds |",
        "| :--- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for own in record["sets"]:
        counts = Counter({name: value for name, value in own.items() if name != "set"})
        n, accepted, wrong = own["n"], counts["accepted"], counts["accepted_wrong"]
        fractions = [
            f"{counts['upright'] / n:.1%}", f"{counts['shape'] / n:.1%}",
            f"{counts['rows_right'] / counts['rows']:.1%} of {counts['rows']}",
            f"{counts['cells_right'] / counts['cells']:.1%} of {counts['cells']}",
            f"{accepted / counts['cells']:.1%}", f"{wrong} ({wrong / max(1, accepted):.2%})",
            f"{own.get('unmarked', 'not measured')}",
        ]  # fmt: skip
        lines.append(f"| {own['set']} | {n} | {' | '.join(fractions)} | {own['seconds']:.2f} |")
    described = record["machine"]
    lines += ["", f"{described['processor']}, {described['cores']} cores; {record['date']}."]
    if "others" in record:
        lines += ["", text_of_others(record["others"])]
    if "numbers" in record:
        lines += ["", numbers_text(record["numbers"])]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
