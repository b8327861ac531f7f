"""Sheets that tendigits has made, filled in by held-out hands and photographed: digits right, accepted wrong, aligned.

    python bench/made_sheets.py                               # two minutes; results/made_sheets.json, README.md
    python bench/made_sheets.py --n 2 --trial --save FOLDER   # two photos, kept in a folder; only printed

Each is printed anew from its PDF, filled with MNIST's test digits, from which no network of the reader has learned,
bent around an upright or a lying axis, turned by up to 15 degrees, and photographed on a desk with a shadow across it.
A digit is right if it stands in its place in what was read, accepted or not.
"""

from decimal import Decimal
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pypdfium2

from environments import ROOT, date_and_commit, machine, options, replace_between, save
from measuring.lines import Digits, Floats, Grey, Rng
from measuring.tables import photographed, write_cell
from person import hands_of
from tendigits.errors import DataError
from tendigits.read.print_sheet import to_pdf
from tendigits.read.reader import Reader
from tendigits.read.sheet import Rectangle, Sheet, codes_of, parse_sheet
from tendigits.tables.cell import Cell

RESULTS = ROOT / "bench" / "results" / "made_sheets.json"
BEGIN, END = "<!-- made sheets: written by bench/made_sheets.py -->", "<!-- /made sheets -->"
SEED, N, ROWS, MAX_MARK = 46, 20, 30, 10
COLUMNS = "number:4, name, 1:0..10, 2:0..10, 3:0..10, done: tick, total = sum"
PX_PER_MM = 11
INK_MM = 5.4
"""Height of the digits, on average."""
MAX_BEND_MM = 5.0
MAX_DEGREES = 15.0
SIDES = (3000, 2400, 2000)
"""Pixels of the photos' longer sides."""
FILLED, TAKEN_BACK = 0.5, 0.1
"""Fractions of the boxes that are ticked, and of those that are filled to take the tick back."""


def main() -> None:
    """Measure, save, print."""
    parser = options(__doc__)
    parser.add_argument("--writers", type=Path, help="An .npz with the writer of each of MNIST's test digits.")
    parser.add_argument("--n", type=int, default=N, help="Sheets.")
    parser.add_argument("--save", type=Path, help="Keep the photos in this folder.")
    parser.add_argument("--trial", action="store_true", help="Print the results, and keep nothing.")
    given = parser.parse_args()
    hands = hands_of(given.data.resolve(), given.writers)
    rng, reader, results = np.random.default_rng(SEED), Reader(), []
    for number in range(given.n):
        sheet = parse_sheet(COLUMNS, ROWS, f"Test {number + 1}")
        truth = draw_values(rng)
        photo = photograph(fill(sheet, truth, hands[number % len(hands)], rng), rng, SIDES[number % len(SIDES)])
        if given.save is not None:
            given.save.mkdir(exist_ok=True)
            cv2.imwrite(str(given.save / f"{number}.jpg"), photo, [cv2.IMWRITE_JPEG_QUALITY, 90])
        results.append({"sheet": number, **score(reader, photo, truth)})
        print(results[-1], flush=True)
    text = summary(results)
    print(text)
    if not given.trial:
        save({"machine": machine(), **date_and_commit(), "rows": results}, RESULTS)
        replace_between(ROOT / "bench" / "README.md", BEGIN, END, text)


def draw_values(rng: Rng) -> list[list[str]]:
    """What stands in the cells: a number, no name, three marks, perhaps a tick, and the sum."""
    rows = []
    for _ in range(ROWS):
        marks = rng.integers(0, MAX_MARK + 1, 3).tolist()
        tick = "" if rng.random() >= FILLED else "0" if rng.random() < TAKEN_BACK else "1"
        rows.append([f"{rng.integers(10_000):04}", "", *map(str, marks), tick, str(sum(marks))])
    return rows


def fill(sheet: Sheet, truth: list[list[str]], hand: Digits, rng: Rng) -> Floats:
    """The printed page with what a person has written on it: its foreground from 0 to 1."""
    document = pypdfium2.PdfDocument(to_pdf(codes_of(sheet, [], each=False)))
    page = document[0].render(scale=PX_PER_MM * 25.4 / 72, grayscale=True).to_numpy()
    ink = np.asarray(1 - np.asarray(page, np.float32).squeeze() / 255, np.float32)
    layout = sheet.page(1)
    for row, values in enumerate(truth):
        for column, value in enumerate(values):
            boxes = layout.boxes.get((row, column), [layout.cells[row, column]])
            if sheet.columns[column].kind == "tick":
                draw_tick(ink, value, boxes[0], rng)
            else:
                for box, text in zip(boxes, value if len(boxes) > 1 else [value], strict=False):
                    put(ink, write_cell(hand, rng, text, INK_MM * PX_PER_MM / 60), box, rng)
    return ink


def put(ink: Floats, drawing: Floats, box: Rectangle, rng: Rng) -> None:
    """Write into a box, a little off its middle, and smaller if it does not fit."""
    left, top, right, bottom = (round(PX_PER_MM * edge) for edge in box)
    fit = min(1.0, 0.97 * (right - left) / drawing.shape[1], 0.97 * (bottom - top) / drawing.shape[0])
    drawing = cv2.resize(drawing, None, fx=fit, fy=fit, interpolation=cv2.INTER_AREA)
    spare = right - left - drawing.shape[1], bottom - top - drawing.shape[0]
    x, y = (round(float(np.clip(rng.normal(0.5, 0.15), 0, 1)) * each) for each in spare)
    place = ink[top + y : top + y + drawing.shape[0], left + x : left + x + drawing.shape[1]]
    np.maximum(place, 0.9 * drawing, out=place)


def draw_tick(ink: Floats, value: str, box: Rectangle, rng: Rng) -> None:
    """A tick or a cross, which may leave its box; or lines to and fro that fill it."""
    left, top, right, bottom = PX_PER_MM * (np.array(box) + rng.normal(0, 0.2, 4))
    width, height, pen = right - left, bottom - top, int(rng.integers(3, 7))
    shapes = {
        "1": ([(0.1, 0.5), (0.4, 0.95), (1.2, -0.3)], [(0, 0), (1, 1), (0.5, 0.5), (1, 0), (0, 1)]),
        "0": ([(i % 2, i / 14) for i in range(15)],),
        "": ([],),
    }[value]
    points = np.array(shapes[int(rng.integers(len(shapes)))]).reshape(-1, 2) * [width, height] + [left, top]
    drawn = np.zeros(ink.shape, np.uint8)
    cv2.polylines(drawn, [points.round().astype(np.int32)], False, 255, pen, cv2.LINE_AA)
    np.maximum(ink, np.float32(0.9 / 255) * drawn, out=ink)


def photograph(page: Floats, rng: Rng, side: int) -> Grey:
    """Bend the page around an axis, and photograph it aslant on a desk with a shadow across it."""
    height, width = page.shape
    y, x = np.mgrid[:height, :width].astype(np.float32)
    bend = PX_PER_MM * rng.uniform(-MAX_BEND_MM, MAX_BEND_MM)
    if rng.random() < 0.5:
        y += np.float32(bend) * np.sin(np.float32(np.pi / width) * x)
    else:
        x += np.float32(bend) * np.sin(np.float32(np.pi / height) * y)
    bent = cv2.remap(page, x, y, cv2.INTER_LINEAR)
    picture = photographed(bent, rng, float(rng.uniform(-MAX_DEGREES, MAX_DEGREES)))
    scale = side / max(picture.shape)
    picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else picture
    packed = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 85])[1]
    return np.asarray(cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE))


def score(reader: Reader, photo: Grey, truth: list[list[str]]) -> dict[str, Any]:
    """Read a photo, and compare."""
    counts: dict[str, Any] = dict.fromkeys(
        ("digits", "digits_right", "cells", "accepted", "accepted_wrong", "ticks", "ticks_right", "aligned"), 0
    )
    try:
        read = reader.read(photo)
    except DataError as error:
        return counts | {"error": str(error)}
    if read.sheet is None:
        return counts | {"error": "not found"}
    rows, wrong = read.table().rows[1:], []
    counts["aligned"] = 1
    blank = [Cell(read.numbers[0].box)] * len(truth[0])
    for n, values in enumerate(truth):
        for column, (value, cell) in enumerate(zip(values, rows[n] if n < len(rows) else blank, strict=True)):
            is_right = same(cell.value, value)
            if column == 5:
                counts["ticks"] += 1
                counts["ticks_right"] += is_right
            elif value:
                counts["digits"] += len(value)
                counts["digits_right"] += right_digits(cell.value, value)
            if value or cell.value:
                counts["cells"] += 1
                counts["accepted"] += cell.accepted
                if cell.accepted and not is_right:
                    counts["accepted_wrong"] += 1
                if not is_right:
                    wrong.append(f"{cell.value}{'' if cell.accepted else '?'} for {value}")
    return counts | {"wrong": wrong}


def right_digits(read: str, value: str) -> int:
    """How many of the digits of a value were read in their places."""
    return sum(block.size for block in SequenceMatcher(None, read, value, autojunk=False).get_matching_blocks())


def same(read: str, value: str) -> bool:
    """Whether two texts are the same, or the same number."""
    return read == value or (read.isdigit() and value.isdigit() and Decimal(read) == Decimal(value) and len(value) < 3)


def summary(results: list[dict[str, Any]]) -> str:
    """A table of the totals."""
    total = {name: sum(each[name] for each in results) for name, value in results[0].items() if type(value) is int}
    return "\n".join(
        [
            f"| {len(results)} sheets of {ROWS} rows | | target | |",
            "| :--- | ---: | :--- | :--- |",
            *(
                f"| {name} | {measured} | {target} | {'met' if is_met else '**missed**'} |"
                for name, measured, target, is_met in (
                    ("aligned", f"{total['aligned']} of {len(results)}", "all", total["aligned"] == len(results)),
                    (
                        "digits right",
                        f"{total['digits_right'] / total['digits']:.2%} of {total['digits']:,}",
                        ">= 99.5%",
                        total["digits_right"] >= 0.995 * total["digits"],
                    ),
                    (
                        "accepted cells, of these wrong",
                        f"{total['accepted']:,} of {total['cells']:,}, {total['accepted_wrong']}",
                        "0 wrong",
                        not total["accepted_wrong"],
                    ),
                    (
                        "ticks right",
                        f"{total['ticks_right']} of {total['ticks']}",
                        "all",
                        total["ticks_right"] == total["ticks"],
                    ),
                )
            ),
        ]
    )


if __name__ == "__main__":
    main()
