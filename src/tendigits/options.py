"""Options that several commands share, each written once.

def train(data: Data = None, runs: Runs = Path("runs")) -> None: ...
"""

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[
    Path | None,
    typer.Option(help="An .npz, a folder of IDX files, or of images in folders 0 to 9.", metavar="PATH"),
]
Runs = Annotated[Path, typer.Option(help="The folder that holds the runs.", metavar="FOLDER")]
