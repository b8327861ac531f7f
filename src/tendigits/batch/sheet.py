"""The command `tendigits sheet`.

tendigits sheet --help
"""

from pathlib import Path
from typing import Annotated

import typer

from tendigits.errors import UserError
from tendigits.extras import require
from tendigits.files import writing
from tendigits.options import Overwrite
from tendigits.outputs import Target, check_targets


def sheet(
    columns: Annotated[
        str,
        typer.Option(
            help="Their names, each with what stands in it: how many digits, tick, or as for read --expect.",
            metavar="'number:4, name, 1:0..10, total = sum'",
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to print.", metavar="FILE.pdf")],
    rows: Annotated[int, typer.Option(help="Rows; with a roster, at least.", metavar="N")] = 30,
    roster: Annotated[
        Path | None,
        typer.Option(help="Print what this file has below the names of columns.", metavar="FILE.csv"),
    ] = None,
    each: Annotated[bool, typer.Option("--each", help="A sheet for each student on the roster.")] = False,
    title: Annotated[str, typer.Option(help="Printed above, and the name in the spreadsheet.", metavar="TEXT")] = "",
    overwrite: Overwrite = False,
) -> None:
    """Make a sheet to print and fill in, of which a photo needs nothing else: its code says what it is."""
    require("tendigits sheet", "sheet")
    if each and roster is None:
        raise UserError("expected --roster with --each, received --each alone; a sheet for each student needs a roster")
    check_targets([Target("--output", output, (".pdf",))], [] if roster is None else [roster], overwrite)
    from tendigits.read.expectations import read_csv
    from tendigits.read.print_sheet import to_pdf
    from tendigits.read.sheet import codes_of, parse_sheet, roster_of

    made = parse_sheet(columns, rows, title)
    students = [] if roster is None else roster_of(read_csv(roster), made)
    codes = codes_of(made, students, each)
    content = to_pdf(codes, students)
    with writing(output) as temporary:
        temporary.write_bytes(content)
    pages = f"{len(codes)} page{'s' * (len(codes) != 1)}"
    typer.echo(f"{output}: {pages} to print at full size. Then: tendigits read PHOTO... --table FILE.xlsx")
