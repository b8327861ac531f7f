"""Cells as text, as CSV and as HTML for notebooks; doubtful values are marked.

The HTML has no script and no background colour, so it follows the notebook's theme; every value is escaped.
"""

import re
from collections.abc import Sequence
from decimal import Decimal
from html import escape

from tendigits.errors import printable
from tendigits.tables.cell import Cell, column_name

UNCLEAR = "?"  # for a doubtful character, or behind a doubtful value: no spreadsheet takes it for a number
DOUBTFUL_COLOUR = "#d25a00"  # in HTML; a dashed outline and a question mark mean the same without colour

# First characters of text that a spreadsheet may run as a formula when it opens a CSV.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001

BREAKS = r"[\t-\r\x1c-\x1f\x85\u2028\u2029]"  # tabs, and what some programs treat as the end of a line


def marked(cell: Cell) -> str:
    """A value, with a question mark if it is doubtful."""
    return cell.value if cell.accepted else cell.value + UNCLEAR


def csv_value(cell: Cell) -> str:
    """The value of a cell in a CSV: a number with a decimal point, or text that no program takes for a formula.

    A doubtful value gets a question mark, so that nobody calculates with it unnoticed.
    """
    content = cell.content
    text = format(content, "f") if isinstance(content, Decimal) else no_formula(content, may_be_number=False)
    return text if cell.accepted else text + UNCLEAR


def no_formula(text: str, may_be_number: bool = True) -> str:
    """Text for a CSV, on one line, with an apostrophe in front if a program may take it for a formula.

    Args:
        may_be_number: keep -12.50 as it is.
    """
    is_safe = not text.startswith(FORMULA) or (may_be_number and re.fullmatch(r"[-+]?\d+([.,]\d+)?", text) is not None)
    return re.sub(BREAKS, " ", text if is_safe else f"'{text}")


def table_html(summary: str, rows: Sequence[Sequence[Cell]], doubts: str) -> str:
    """A table with the names of its columns and rows, between its summary and the list of its doubtful cells."""
    columns = "".join(f"<th>{column_name(column)}</th>" for column in range(len(rows[0]) if rows else 0))
    body = "".join(f"<tr><th>{row}</th>{''.join(map(_cell_html, cells))}</tr>" for row, cells in enumerate(rows, 1))
    return f"{text_html(summary)}<table><tr><th></th>{columns}</tr>{body}</table>{text_html(doubts)}"


def text_html(text: str) -> str:
    """Lines of text, preformatted; empty for an empty text."""
    style = "margin: 0.5em 0; max-height: 20em; overflow: auto; background: none; color: inherit"
    return f'<pre style="{style}">{"<br>".join(map(escaped, text.splitlines()))}</pre>' if text else ""


def escaped(text: str) -> str:
    """Any text for HTML or XML, attributes included."""
    return escape(re.sub("[\ufffe\uffff]", "\ufffd", printable(text)))  # XML forbids these two


def _cell_html(cell: Cell) -> str:
    if cell.accepted:
        return f"<td>{escaped(cell.value)}</td>"
    style = f"outline: 2px dashed {DOUBTFUL_COLOUR}; outline-offset: -2px"
    return f'<td title="{escaped(cell.reason or "")}" style="{style}">{escaped(marked(cell))}</td>'
