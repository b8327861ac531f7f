"""What each rule of the reader is worth: all sets are read with each rule switched off in its turn.

    python bench/ablate.py --sheets FOLDER --numbers FOLDER --strings FOLDER     # bench/results/ablate.json, README
    python bench/ablate.py --sheets FOLDER --rules none "far signs"              # only printed
    python bench/ablate.py --sheets FOLDER --limit 3                             # a trial: some pictures of each set

A rule that is worth less than 0.1% anywhere goes. Seconds are those of a process on this machine, not of a quiet one.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from environments import ROOT, date_and_commit, machine, options, replace_between, save
from measuring.lines import make_page
from measuring.rare import make_blotted_sum, make_dates, make_long, make_wide_among
from measuring.spacing import make_column_sum, make_spaced
from measuring.tables import KINDS, make_sheet
from measuring.tables import Sheet as OwnSheet
from reading_scores import score
from reading_sets import DIGITS, Set, digits_in, drawn, mnist_digits, number_sets
from real.files import STRINGS, Purpose, load
from table_reading import score as score_table
from tendigits.machine import cores
from tendigits.numbers import crops, finder, split
from tendigits.numbers import reader as numbers_reader
from tendigits.numbers.grammar import without_closing
from tendigits.numbers.reader import NumberReader
from tendigits.read import cells, column_prior, context, read_page
from tendigits.read.cells import CellReader
from tendigits.read.page import Page
from tendigits.read.reader import Reader
from tendigits.tables import bands, checks, paper
from whole_sheets import score as score_sheet
from whole_sheets import sheets

RESULTS = ROOT / "bench" / "results" / "ablate.json"
BEGIN, END = "<!-- ablate: written by bench/ablate.py -->", "<!-- /ablate -->"
N_STRINGS, N_PAGES, N_SUMS, N_TABLES, N_RARE = 250, 15, 60, 12, 30
SEED = 21

ATTEMPTS = NumberReader._attempts

Folders = tuple[Path, Path | None, Path | None, Path | None, int | None]
"""Of MNIST, the sheets, the numbers and the strings; and the maximum number of pictures of each set."""

Rule = tuple[Any, str, Any]  # owner and name of a function, and what stands in for it
RULES: dict[str, Sequence[Rule]] = {
    "none": (),
    "digits far apart are joined": ((NumberReader, "_join", lambda self, crops, rows, budget: rows),),
    "far signs": ((NumberReader, "_with_far_signs", lambda self, crops, rows, budget: rows),),
    "usual forms": ((numbers_reader, "_in_usual_form", lambda characters: characters),),
    "cells read again": ((CellReader, "read_again", lambda self, read, layout: layout),),
    "forms of columns": ((context, "reweigh_columns", lambda *_: None),),
    "lost points": ((context, "doubt_lost_points", lambda *_: None),),
    "words dropped": ((context, "_words_and_units", lambda *_: iter(())),),
    "sums": ((read_page, "check_sums", lambda numbers, *_: numbers),),
    "dates in pieces": ((read_page, "without_pieces", lambda numbers, *_: numbers),),
    "direction": ((read_page, "turns_of", lambda *_: 0),),
    "screens whitened": ((read_page, "whiten", lambda grey, *_: grey),),
    "foreground, whole picture": ((NumberReader, "_attempts", lambda *each: islice(ATTEMPTS(*each), 1)),),
    "picture as one line": ((NumberReader, "_with_whole_picture", lambda self, crops, detections, _: detections),),
    "parts at wide gaps": ((split, "_parts", lambda group, _: [group]),),
    "close columns": ((crops, "find_corridors", lambda crops, _: [()] * len(crops)),),
    "ends behind a border": [(room, "without_borders", lambda reading, *_: reading) for room in (cells, context)],
    "doubtful numbers seen again": ((NumberReader, "see_again", lambda self, crops, readings, budget: readings),),
    "rows of one mask": ((finder.Masks, "height_across", lambda self, angle: 0 * angle),),
    "underlines of forms": ((paper, "_underlines", lambda grey, _: np.zeros_like(grey)),),
    "readings that sums take": ((checks, "_decided", lambda own_table, _: own_table),),
    "lengths of integers": ((column_prior, "_forms", lambda text: (column_prior.form_of(without_closing(text)), "")),),
    "edges that are gaps": ((bands.Bands, "are_edges_ruled", lambda self: np.ones(len(self.used) + 1, bool)),),
}
"""The rules, each with what is done in place of it."""


def main() -> None:
    """Measure; print; save where nothing was left out."""
    parser = options(__doc__)
    parser.add_argument("--sheets", type=Path, help="Folder of whole sheets, see bench/whole_sheets.py.")
    parser.add_argument("--numbers", type=Path, help="Folder of folders of real numbers, each with a labels.csv.")
    parser.add_argument("--strings", type=Path, help="Folder of real writing, of which some writers are held out.")
    parser.add_argument("--rules", nargs="+", choices=[*RULES], default=[*RULES], help="Default: all.")
    parser.add_argument("--limit", type=int, help="Maximum number of pictures of each set, as a trial.")
    given = parser.parse_args()
    folders = given.data.resolve(), given.sheets, given.numbers, given.strings, given.limit
    record = {}
    with ProcessPoolExecutor(cores(), get_context("spawn")) as pool:
        for name, sets in zip(given.rules, pool.map(partial(measure, folders), given.rules), strict=True):
            record[name] = sets
            print(line_of(name, sets), flush=True)
    if given.rules == [*RULES] and not given.limit:
        save({"machine": machine(), **date_and_commit(), "rules": record}, RESULTS)
        replace_between(ROOT / "bench" / "README.md", BEGIN, END, table(json.loads(RESULTS.read_text())["rules"]))


def measure(folders: Folders, name: str) -> dict[str, dict[str, float]]:
    """Read all sets without a rule, in a process of the pool."""
    sets = {}
    with pytest.MonkeyPatch.context() as replacement:
        for rule in RULES[name]:
            replacement.setattr(*rule)
        for set_name, read in opened(folders):
            started = time.process_time()
            counts = read(reader())
            sets[set_name] = {**counts, "seconds": round(time.process_time() - started, 1)}
    return sets


@cache
def reader() -> Reader:
    """The reader of this process."""
    return Reader(threads=1)


@cache
def opened(folders: Folders) -> list[tuple[str, Callable[[Reader], Counter[str]]]]:
    """The sets of this process."""
    return [*all_sets(*folders)]


def all_sets(
    data: Path, sheet_folder: Path | None, numbers: Path | None, strings: Path | None, limit: int | None
) -> Iterator[tuple[str, Callable[[Reader], Counter[str]]]]:
    """The sets, each with the function that reads and scores it."""
    for labels in sorted(sheet_folder.glob("*/labels.csv")) if sheet_folder else ():
        yield labels.parent.name, partial(of_sheets, labels, limit)
    for own in number_sets(numbers, limit) if numbers else ():
        yield own.name, partial(of_pictures, own, [path for (path,) in own.files["bare"]])
    for name in STRINGS if strings else ():
        held_out = [*islice(load(Path(strings or "") / f"{name}.npz", Purpose.MEASURE), limit or N_STRINGS)]
        own = Set(name, "line", [digits_in(example.label) for example in held_out])
        yield name, partial(of_pictures, own, [example.picture for example in held_out])
    digits = mnist_digits(data)
    rng = np.random.default_rng(SEED)
    for kind in KINDS:
        yield kind, partial(of_tables, [make_sheet(digits, rng, kind) for _ in range(limit or N_TABLES)])
    for name, make, n, keep in (
        ("pages", partial(make_page, digits), N_PAGES, DIGITS),
        ("spaced", partial(make_spaced, digits), N_PAGES, DIGITS),
        ("column sums", partial(make_column_sum, digits), N_SUMS, DIGITS + "+-"),
        ("wide among others", partial(make_wide_among, digits), N_RARE, DIGITS),
        ("blotted sums", partial(make_blotted_sum, digits), N_RARE, DIGITS),
        ("dates", partial(make_dates, digits), N_RARE, DIGITS + "/"),
        ("long", partial(make_long, digits), N_RARE, DIGITS),
    ):
        made, truth = zip(*drawn(make, limit or n, SEED), strict=True)
        yield name, partial(of_pictures, Set(name, "page", list(truth), keep=keep), made)


def of_sheets(labels: Path, limit: int | None, reader: Reader) -> Counter[str]:
    """Read the sheets of a folder."""
    counts = Counter[str]()
    for sheet in islice(sheets(labels), limit):
        counts += score_sheet(sheet, reader.read(sheet.path))
    return Counter({name: counts[name] for name in ("numbers", "right", "accepted", "accepted_wrong")})


def of_tables(own: Sequence[OwnSheet], reader: Reader) -> Counter[str]:
    """Read drawn tables; of one whose shape is wrong no cell is right."""
    counts = sum((score_table(reader.read(each.picture).table(), each.rows) for each in own), Counter[str]())
    names = {"numbers": "cells", "right": "cells_right", "accepted": "accepted", "accepted_wrong": "accepted_wrong"}
    return Counter({name: counts[key] for name, key in names.items()})


def of_pictures(own: Set, pictures: Sequence[Any], reader: Reader) -> Counter[str]:
    """Read the pictures of a set."""
    result = score(own, [pieces_of(own, reader.read(picture)) for picture in pictures]).record()
    return Counter(
        numbers=result["n"], right=result["right"], accepted=result["accepted"], accepted_wrong=result["wrong_accepted"]
    )


def pieces_of(own: Set, page: Page) -> list[tuple[str, float, bool]]:
    """What was read, without the characters that the truth cannot have."""
    texts = [("".join(x for x in number.text if x in own.keep), number) for number in page.numbers]
    return [(text, number.confidence, number.accepted) for text, number in texts if text]


def line_of(name: str, sets: dict[str, dict[str, float]]) -> str:
    """The counts of all sets together, in a line."""
    total = {key: sum(own[key] for own in sets.values()) for key in next(iter(sets.values()))}
    return (
        f"{name:30} right {total['right']:.0f} of {total['numbers']:.0f}, accepted {total['accepted']:.0f}, "
        f"wrong {total['accepted_wrong']:.0f}, {total['seconds']:.1f} s  "
        + "  ".join(f"{key} {own['right']:.0f}/{own['accepted_wrong']:.0f}" for key, own in sets.items())
    )


def table(rules: dict[str, dict[str, dict[str, float]]]) -> str:
    """The results as Markdown: how each count changes without a rule."""
    names = [*rules["none"]]
    lines = [
        "| without | " + " | ".join(names) + " | accepted | wrong of these | seconds |",
        "| :--- |" + " ---: |" * (len(names) + 3),
    ]
    for rule, sets in rules.items():
        total = {key: sum(own[key] for own in sets.values()) for key in ("accepted", "accepted_wrong", "seconds")}
        right = [
            f"{own['right']:.0f} of {own['numbers']:.0f}"
            if rule == "none"
            else f"{own['right'] - rules['none'][name]['right']:+.0f}"
            for name, own in sets.items()
        ]
        last = f"{total['accepted']:.0f} | {total['accepted_wrong']:.0f} | {total['seconds']:.0f}"
        lines.append(f"| {'nothing' if rule == 'none' else rule} | {' | '.join(right)} | {last} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
