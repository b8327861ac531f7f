"""Put the pages of printed sheets, photographed in any order, into one table for each sheet.

tables, notices = gather([("a.jpg", page), ("b.jpg", other)])       # notices: pages that are missing, or there twice
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

from tendigits.geometry import Box
from tendigits.read.page import Page
from tendigits.read.sheet import Code, Sheet
from tendigits.tables.cell import Cell
from tendigits.tables.checks import check_formulas, parse_formulas
from tendigits.tables.compare import agreed
from tendigits.tables.table import Table

Place = tuple[int, int]  # the number of a student, and of a page
Leaves = dict[Place, tuple[list[str], Table, Code]]  # the pictures of a page, its table and its code

STUDENT = "student"  # head of the column with whose sheet a row is on
MAX_NAMED = 10  # missing pages that a notice names


def gather(pages: Sequence[tuple[str, Page]]) -> tuple[list[tuple[str, Table]], list[str]]:
    """The table of each sheet with its title, by student and by page; and what is missing or there twice."""
    piles: defaultdict[tuple[Sheet, int], list[tuple[str, Page, Code]]] = defaultdict(list)
    for path, page in pages:
        if page.sheet is not None:
            piles[page.sheet.sheet, page.sheet.n_students].append((path, page, page.sheet))
    tables, notices = [], list[str]()
    for number, ((sheet, n_students), pile) in enumerate(piles.items(), 1):
        title = sheet.title or f"sheet {number}"
        leaves: Leaves = {}
        for path, page, code in pile:
            place = code.student, code.page
            table = page.table() if place not in leaves else agreed(leaves[place][1], page.table())
            leaves[place] = [*(leaves[place][0] if place in leaves else []), path], table, code
        tables.append((title, _joined(leaves, bool(n_students))))
        notices += [
            f"{title}: {code.where or 'this page'} is in {' and in '.join(paths)}; what differs is to be checked"
            for _, (paths, _, code) in sorted(leaves.items())
            if len(paths) > 1
        ]
        students = range(1, n_students + 1) if n_students else range(1)
        wanted = [(student, page) for student in students for page in range(1, sheet.n_pages + 1)]
        if missing := [place for place in wanted if place not in leaves]:
            notices.append(f"{title}: {_named(missing, leaves, sheet)} missing")
    return tables, notices


def _joined(leaves: Leaves, by_student: bool) -> Table:
    """The rows of all pages below one row of heads, each with its student if every student has a sheet.

    What does not agree is named by the rows of this table; formulas name other columns if there are students.
    """

    def row_of(cells: Sequence[Cell], name: str) -> list[Cell]:
        return [Cell(Box(0, 0, 0, 0), name), *cells] if by_student else [*cells]

    ordered = [(table, code.name) for _, (_, table, code) in sorted(leaves.items())]
    heads = row_of(ordered[0][0].rows[0], STUDENT)
    rows = chain.from_iterable((row_of(row, name) for row in table.rows[1:]) for table, name in ordered)
    joined = Table([heads, *rows], ruled=True)
    formulas = [] if by_student else max((table.formulas for table, _ in ordered), key=len)
    checked = check_formulas(joined, parse_formulas(formulas))
    return replace(joined, formulas=formulas, agreement=checked.agreement, wrong=checked.wrong)


def _named(missing: Sequence[Place], leaves: Leaves, sheet: Sheet) -> str:
    """Missing pages, with the names of the students of whom another page is there."""
    names = {student: code.name for (student, _), (_, _, code) in leaves.items()}
    named = []
    for student, page in missing[:MAX_NAMED]:
        whose = f"{names.get(student) or f'student {student}'}" if student else ""
        named.append(", ".join(filter(None, [whose, f"page {page}" if sheet.n_pages > 1 else ""])))
    more = f", and {len(missing) - MAX_NAMED} more" if len(missing) > MAX_NAMED else ""
    return "; ".join(named) + more + (" is" if len(missing) == 1 else " are")
