"""A table as HTML, for notebooks: doubtful cells marked, and why.

Its colours are the notebook's, light or dark; it needs no script, and all that was read is text in it.
"""

import re
from html import escape

from tendigits.errors import printable
from tendigits.tables.table import Cell, Table, column_name, marked

DOUBTFUL = "#d25a00"
"""Colour of what is doubtful; a dashed line and a question mark say so, too."""


def table_html(table: Table) -> str:
    """Its summary, its cells under the names of their columns, and why some are doubtful."""
    columns = "".join(f"<th>{column_name(number)}</th>" for number in range(table.shape[1]))
    rows = "".join(
        f"<tr><th>{number}</th>{''.join(map(_cell_html, cells))}</tr>" for number, cells in enumerate(table.rows, 1)
    )
    return f"{text_html(table.summary())}<table><tr><th></th>{columns}</tr>{rows}</table>{text_html(table.doubts())}"


def text_html(text: str) -> str:
    """Lines of text, as they are; nothing if there are none."""
    style = "margin: 0.5em 0; max-height: 20em; overflow: auto; background: none; color: inherit"
    return f'<pre style="{style}">{"<br>".join(map(shown, text.splitlines()))}</pre>' if text else ""


def shown(text: str) -> str:
    """Any text in HTML or XML, also in an attribute."""
    return escape(re.sub("[\ufffe\uffff]", "\ufffd", printable(text)))  # XML lacks these two


def _cell_html(cell: Cell) -> str:
    if cell.accepted:
        return f"<td>{shown(cell.value)}</td>"
    style = f"outline: 2px dashed {DOUBTFUL}; outline-offset: -2px"
    return f'<td title="{shown(cell.reason or "")}" style="{style}">{shown(marked(cell))}</td>'
