"""Other values that a doubtful cell may have, for a person who checks a table.

suggest(table, formulas, 3)     # {"B3": [("17", "row and column"), ("11", "")]}
"""

import re
from collections import defaultdict
from collections.abc import Sequence

from tendigits.tables.cell import Cell, cell_name
from tendigits.tables.checks import relations_of
from tendigits.tables.formulas import Formula, Place
from tendigits.tables.repairs import fitting_values, probability_of
from tendigits.tables.table import Table


def suggest(table: Table, formulas: Sequence[Formula], n: int) -> dict[str, list[tuple[str, str]]]:
    """At most n other values for each doubtful cell, by the cell's name.

    Each comes with what it makes right: "row and column", "row", "column", a formula, or "". Those that make more right
    come first, then the more probable ones.
    """
    cells = {(row, column): cell for row, line in enumerate(table.rows) for column, cell in enumerate(line)}
    wanted: defaultdict[Place, list[tuple[str, str]]] = defaultdict(list)
    for formula, relations in relations_of(formulas, table.rows).items():
        name = ("column" if formula.is_of_rows else "row") if formula.total == "sum" or formula.is_sum else formula.text
        for relation in relations:
            for place in relation.places:
                if not cells[place].accepted:
                    wanted[place] += [(name, text) for text in fitting_values(relation, cells, place)]
    return {
        cell_name(*place): _suggestions(cell, wanted[place])[:n] for place, cell in cells.items() if not cell.accepted
    }


def _suggestions(cell: Cell, wanted: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Other values of a cell, and what they make right: the reader's, and those that all sums want."""
    texts: dict[str, str] = {}  # without those that are the same number, such as 2 and 02
    for text in [*(text for text, _ in cell.options), *(text for _, text in wanted)]:
        if text != cell.value:
            texts.setdefault(_same(text), text)
    agreeing = {
        text: [*dict.fromkeys(name for name, each in wanted if _same(each) == same)] for same, text in texts.items()
    }
    read, n_wanted = {text for text, _ in cell.options}, len({name for name, _ in wanted})
    likely = [
        (text, names)
        for text, names in agreeing.items()
        if text in read
        or (len(names) == n_wanted and probability_of(cell, text) is not None and not text.startswith("-"))
    ]
    return [(text, " and ".join(names)) for text, names in sorted(likely, key=lambda each: -len(each[1]))]


def _same(text: str) -> str:
    """What the texts of one number have in common."""
    number = re.sub(r"^0+(?=\d)", "", text.replace(",", "."))
    return number.rstrip("0").rstrip(".") if "." in number else number
