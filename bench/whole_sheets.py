"""Whole sheets of strangers: which numbers are read in their place, which rows are whole, what is accepted and wrong.

    python bench/whole_sheets.py FOLDER                   # of folders with a labels.csv each; bench/results/, README
    python bench/whole_sheets.py FOLDER --sets votes      # only printed
    python bench/whole_sheets.py FOLDER --show OUT        # what was read, drawn in; what is wrong, by kind
    python bench/whole_sheets.py FOLDER --peer            # PP-OCRv6 small, too; without it, what was measured stays

A labels.csv has the columns path; label (`|` parts rows, `;` cells, nothing for an empty one, `?` is not scored); turn,
the degrees clockwise that make the picture upright; and box, `x0 y0 x1 y1` of the numbers in the upright picture,
several with `|`: what is read outside, such as names and heads, is only counted.
"""

import csv
import json
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageOps

from contact_sheet import Wrong, contact_sheet, counts_of
from environments import ROOT, date_and_commit, machine, options, prepare, replace_between, save
from reading_peers import ENVIRONMENTS, PEERS, WORK, ask, joined
from reading_sets import digits_in
from table_peers import PEERS as TABLE_PEERS
from tendigits.digits.find import open_page
from tendigits.geometry import Box
from tendigits.numbers.detections import Detection, in_rows
from tendigits.numbers.grammar import without_closing
from tendigits.read.page import Page, draw_page
from tendigits.read.reader import Reader

RESULTS = ROOT / "bench" / "results" / "whole_sheets.json"
BEGIN, END = "<!-- sheets: written by bench/whole_sheets.py -->", "<!-- /sheets -->"
UNKNOWN = "?"
PEER, ALONE, CHARACTERS = TABLE_PEERS["rapidocr"], PEERS["rapidocr_alone"], "0123456789.,-"
"""PP-OCRv6 small with its detection and, for pictures of one number, without."""


@dataclass(frozen=True)
class Sheet:
    """A picture, and what stands in it."""

    path: Path
    rows: list[list[str]]  # without empty cells
    turn: int
    boxes: list[Box]  # in the upright picture; none: everything counts


@dataclass(frozen=True)
class Read:
    """A number as it was read, in the upright picture."""

    text: str
    accepted: bool
    box: Box


def main() -> None:
    """Measure; print; save where all sets were measured."""
    parser = options(__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sets", nargs="+", help="Names of folders; all, if none is named.")
    parser.add_argument("--show", type=Path, help="Folder for the pictures with what was read.")
    parser.add_argument("--peer", action="store_true", help="Let PP-OCRv6 small read the sheets, turned upright, too.")
    given = parser.parse_args()
    reader, record = Reader(), {}
    before = json.loads(RESULTS.read_text())["sets"] if RESULTS.exists() else {}
    if given.peer:
        prepare({"rapidocr": ENVIRONMENTS["rapidocr"]})
    for labels in sorted(given.folder.glob("*/labels.csv")):
        name = labels.parent.name
        if given.sets and name not in given.sets:
            continue
        counts, seconds, wrong = Counter[str](), [], list[Wrong]()
        for sheet in sheets(labels):
            started = time.perf_counter()
            page = reader.read(sheet.path)
            seconds.append(time.perf_counter() - started)
            own = score(sheet, page)
            counts += own
            print(f"  {sheet.path.stem[:20]:20} {seconds[-1]:5.2f} s  {text_of(own)}", file=sys.stderr, flush=True)
            if given.show:
                given.show.mkdir(parents=True, exist_ok=True)
                draw_page(open_page(sheet.path)[0], page).save(given.show / f"{name}_{sheet.path.stem}.png")
                wrong += wrong_in(sheet, page)
        if wrong:
            contact_sheet(wrong).save(given.show / f"{name}_wrong.png")
            print(f"  {counts_of(wrong)}")
        record[name] = {**counts, "seconds": statistics.median(seconds)}
        record[name] |= (
            read_by_peer([*sheets(labels)])
            if given.peer
            else {key: before.get(name, {}).get(key) for key in ("peer", "peer_digits")}
        )
        peers = "peer {peer}, digits {peer_digits}".format(**record[name])
        print(f"{name:10} {record[name]['seconds']:5.2f} s  {text_of(counts)}  {peers}", flush=True)
    if not given.sets:
        save({"machine": machine(), **date_and_commit(), "sets": record}, RESULTS)
        replace_between(ROOT / "bench" / "README.md", BEGIN, END, table(json.loads(RESULTS.read_text())))


def table(record: dict[str, Any]) -> str:
    """Format the results as Markdown."""
    lines = [
        "| sheets | n | numbers right | PP-OCRv6 small | all digits right | PP-OCRv6 small | rows right | accepted "
        "| wrong of these | upright | seconds |",
        "| :--- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, counts in record["sets"].items():
        own = Counter(counts)  # it keeps no zeros
        n, numbers, accepted = own["sheets"], own["numbers"], own["accepted"]
        fractions = [
            f"{own['right'] / numbers:.1%} of {numbers:,}",
            "" if counts["peer"] is None else f"{counts['peer'] / numbers:.1%}",
            f"{own['digits_right'] / n:.1%}" if numbers == n else "",
            f"{counts['peer_digits'] / n:.1%}" if numbers == n and counts["peer_digits"] is not None else "",
            f"{own['rows_right']} of {own['rows']}",
            f"{accepted / numbers:.1%}", f"{own['accepted_wrong']} ({own['accepted_wrong'] / max(1, accepted):.1%})",
        ]  # fmt: skip
        lines.append(f"| {name} | {n} | {' | '.join(fractions)} | {own['upright']} | {own['seconds']:.2f} |")
    described = record["machine"]
    return "\n".join([*lines, "", f"{described['processor']}, {described['cores']} cores; {record['date']}."])


def sheets(labels: Path) -> Iterator[Sheet]:
    """The labelled pictures of a folder."""
    with labels.open() as file:
        for row in csv.DictReader(file):
            rows = [[cell for cell in line.split(";") if cell] for line in row["label"].split("|")]
            boxes = [Box(*map(int, box.split())) for box in row["box"].split("|") if box]
            yield Sheet(labels.parent / row["path"], rows, int(row["turn"] or 0), boxes)


def score(sheet: Sheet, page: Page) -> Counter[str]:
    """Count the numbers that are right in their place, the accepted ones, and the rows of the reader's that are right.

    The rows that were read are aligned with those that are written, in order, and so are the numbers in each.
    """
    numbers = read_in(sheet, page)
    lines = [[numbers[i] for i in row] for row in in_rows([_detection(each.box) for each in numbers])]
    pairs = _aligned(sheet.rows, lines, lambda row, line: len(_matches(row, line)) + 0.01 * len(_unknown(row, line)))
    matched = [read for row, line in pairs for read in _matches(sheet.rows[row], lines[line])]
    unknown = sum(cell == UNKNOWN for row in sheet.rows for cell in row)
    accepted, right_accepted = sum(each.accepted for each in numbers), sum(each.accepted for each in matched)
    loose = [each for row, line in pairs for each in _unknown(sheet.rows[row], lines[line])]
    own_rows = Counter(tuple(row) for row in _table_rows(sheet, page))
    wanted = [row for row in sheet.rows if UNKNOWN not in row]
    return Counter(
        sheets=1,
        numbers=sum(map(len, sheet.rows)) - unknown,
        right=len(matched),
        digits_right=digits_in("".join(each.text for each in numbers)) == digits_in("".join(chain(*sheet.rows))),
        read=len(numbers),
        accepted=accepted,
        accepted_wrong=accepted - right_accepted - sum(each.accepted for each in loose),
        rows=len(wanted),
        rows_right=sum((own_rows & Counter(map(tuple, wanted))).values()),
        upright=(page.turned + sheet.turn) % 360 == 0,
        noticed=bool(page.notice),
    )


def read_in(sheet: Sheet, page: Page) -> list[Read]:
    """The numbers that were read in the sheet's boxes, in the upright picture."""
    read = [
        Read(number.value, number.accepted, number.box.turned(sheet.turn // 90, page.size)) for number in page.numbers
    ]
    return [each for each in read if _is_inside(sheet, each.box)]


def wrong_in(sheet: Sheet, page: Page) -> Iterator[Wrong]:
    """What is wrong on a sheet, row by row; where something unwritten was read, nothing was wanted."""
    picture = ImageOps.exif_transpose(Image.open(sheet.path)).convert("L").rotate(-sheet.turn, expand=True)
    numbers = read_in(sheet, page)
    lines = [[numbers[i] for i in row] for row in in_rows([_detection(each.box) for each in numbers])]
    for n, k in _aligned(
        sheet.rows, lines, lambda row, line: len(_matches(row, line)) + 0.01 * len(_unknown(row, line))
    ):
        row, line = sheet.rows[n], lines[k]
        for _, i, i_end, j, j_end in SequenceMatcher(
            a=row, b=[each.text for each in line], autojunk=False
        ).get_opcodes():
            for wanted, read in zip_longest(row[i:i_end], line[j:j_end]):
                if wanted == UNKNOWN or (read is not None and wanted == read.text):
                    continue
                crop = None if read is None else picture.crop((*np.add(read.box, (-12, -8, 12, 8)).tolist(),))
                yield Wrong(wanted or "", read.text if read else "", crop)


def read_by_peer(labelled: Sequence[Sheet]) -> dict[str, int]:
    """How many numbers PP-OCRv6 small reads right, of its text only digits and signs; its rows are put together.

    And on how many sheets it reads all digits right.
    """
    folder, paths = WORK / "sheets", list[Path]()
    folder.mkdir(parents=True, exist_ok=True)
    for sheet in labelled:
        paths.append(folder / f"{sheet.path.stem}.png")
        cv2.imwrite(str(paths[-1]), np.rot90(open_page(sheet.path)[0], -sheet.turn // 90))
    if all(len(sheet.rows) == len(sheet.rows[0]) == 1 for sheet in labelled):
        answers = [[[joined(pieces)[0]]] for pieces in ask(ALONE, paths, "line", CHARACTERS)["answers"]]
    else:
        answers = ask(PEER, paths, "table", CHARACTERS)["answers"]
    right = digits_right = 0
    for sheet, rows in zip(labelled, answers, strict=True):
        digits_right += digits_in("".join(chain(*rows))) == digits_in("".join(chain(*sheet.rows)))
        lines = [[without_closing(text.replace(",", ".")) for text in row if text] for row in rows]

        def matches(row: Sequence[str], line: Sequence[str]) -> int:
            return sum(row[i] != UNKNOWN for i, _ in _aligned(row, line, lambda a, b: a == b))

        right += sum(matches(sheet.rows[i], lines[j]) for i, j in _aligned(sheet.rows, lines, matches))
    return {"peer": right, "peer_digits": digits_right}


def text_of(counts: Counter[str]) -> str:
    """The counts in a line."""
    right, numbers, accepted = (counts[name] for name in ("right", "numbers", "accepted"))
    return (
        f"right {right}/{numbers} {right / max(1, numbers):.1%}  digits {counts['digits_right']}  "
        f"rows {counts['rows_right']}/{counts['rows']}  "
        f"accepted {accepted / max(1, numbers):.1%}, wrong {counts['accepted_wrong']}  read {counts['read']}  "
        f"upright {counts['upright']}/{counts['sheets']}  noticed {counts['noticed']}"
    )


def _table_rows(sheet: Sheet, page: Page) -> Iterator[list[str]]:
    """The numbers of each row of the reader's tables, as far as they stand in the sheet's boxes."""
    for table in page.tables:
        for row in table.rows:
            cells = [cell for cell in row if cell.value and cell.index is not None]
            values = [cell.value for cell in cells if _is_inside(sheet, cell.box.turned(sheet.turn // 90, page.size))]
            if values:
                yield values
    if not page.tables:
        yield from ([number.value] for number in page.numbers)


def _is_inside(sheet: Sheet, box: Box) -> bool:
    x, y = (box.left + box.right) / 2, (box.top + box.bottom) / 2
    return not sheet.boxes or any(b.left <= x <= b.right and b.top <= y <= b.bottom for b in sheet.boxes)


def _detection(box: Box) -> Detection:
    return Detection((box.left + box.right) / 2, (box.top + box.bottom) / 2, 0.0, box.width, box.height, 1.0)


def _matches(row: Sequence[str], line: Sequence[Read]) -> list[Read]:
    """What was read right of a row; the others may be wrong, missing or too many."""
    return [line[j] for i, j in _aligned(row, line, lambda cell, read: cell == read.text) if row[i] != UNKNOWN]


def _unknown(row: Sequence[str], line: Sequence[Read]) -> list[Read]:
    """What was read where nobody knows what is written: between the neighbours that were read right."""
    pairs = _aligned(row, line, lambda cell, read: 1.0 if cell == read.text else 0.01 * (cell == UNKNOWN))
    return [line[j] for i, j in pairs if row[i] == UNKNOWN]


def _aligned(a: Sequence[Any], b: Sequence[Any], gain: Callable[[Any, Any], float]) -> list[tuple[int, int]]:
    """Pairs of indices, ascending in both, with the largest sum of gains (Needleman and Wunsch 1970)."""
    gains = np.array([[gain(x, y) for y in b] for x in a], float).reshape(len(a), len(b))
    best = np.zeros((len(a) + 1, len(b) + 1))
    for i in range(len(a)):
        for j in range(len(b)):
            best[i + 1, j + 1] = max(best[i, j + 1], best[i + 1, j], best[i, j] + gains[i, j])
    pairs, i, j = [], len(a), len(b)
    while i and j:
        if best[i, j] == best[i - 1, j]:
            i -= 1
        elif best[i, j] == best[i, j - 1]:
            j -= 1
        else:
            i, j = i - 1, j - 1
            pairs.append((i, j))
    return pairs[::-1]


if __name__ == "__main__":
    main()
