"""The command `tendigits demo`: a photo of a table that comes with the package becomes a spreadsheet.

tendigits demo
"""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from tendigits.batch.command import read
from tendigits.errors import UserError
from tendigits.files import make_folder, replacing
from tendigits.options import Overwrite
from tendigits.tables.options import Sums

PHOTO = Path(__file__).parent / "assets" / "marks.jpg"
"""A mark sheet, made by docs/gallery.py from MNIST's test digits."""
NEXT = """
What to try next:

  tendigits read YOUR.jpg --table numbers.xlsx     a photo of your own
  tendigits serve                                  the page: correct with a click, draw, teach it your handwriting
                                                   (pip install "tendigits[serve]")
  tendigits train                                  train a first network, in half a minute
                                                   (pip install "tendigits[train]")

Without installing: uvx --from "tendigits[serve]" tendigits serve"""


def demo(
    folder: Annotated[
        Path, typer.Option("--out", help="Folder for the photo and the spreadsheet.", metavar="FOLDER")
    ] = Path("tendigits-demo"),
    no_open: Annotated[bool, typer.Option("--no-open", help="Do not open the spreadsheet.")] = False,
    overwrite: Overwrite = False,
) -> None:
    """Read a photo that comes with tendigits into a spreadsheet, open it, and say what to try next."""
    make_folder(folder)
    photo, workbook = folder / PHOTO.name, folder / "marks.xlsx"
    content = PHOTO.read_bytes()
    if not photo.exists() or overwrite:
        with replacing(photo) as temporary:
            temporary.write_bytes(content)
    elif photo.read_bytes() != content:
        raise UserError(f"--out would replace {photo}; choose another folder, or add --overwrite")
    typer.echo(f"The photo: {photo}. Seven pupils, the points of four tasks, and their sums, written by hand.\n")
    read([str(photo)], table=workbook, sums=Sums.LAST_COLUMN, overwrite=overwrite, quiet=True)
    typer.echo(f"\nThe spreadsheet: {workbook}. What is to check is coloured, with a comment on what else it may be.")
    if not no_open and has_screen():
        typer.launch(str(workbook))
    typer.echo(NEXT)


def has_screen() -> bool:
    """Whether a program may open a window; on Linux there may be none."""
    return sys.platform in ("win32", "darwin") or bool({"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys())
