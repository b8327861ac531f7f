"""Check a table by what is known of it: its sums, and what a person expects in its columns.

checked = check(table, sums="last-column", expect="A: 0..100")
"""

from tendigits.errors import UserError
from tendigits.tables.expectations import check_columns, parse
from tendigits.tables.sums import check_sums
from tendigits.tables.table import Table
from tendigits.tables.totals import Sums


def check(table: Table, sums: str = Sums.AUTO, expect: str = "") -> Table:
    """Accept what agrees, and mark as doubtful what doesn't; see `check_sums` and `check_columns`.

    Raises:
        UserError: an argument has another form, or the table lacks a column.
    """
    if sums not in list(Sums):
        raise UserError(f"expected {', '.join(Sums)} for sums, received {sums!r}")
    expected = parse(expect)
    return check_columns(check_sums(table, Sums(sums)), expected) if table.rows else table
