"""The command `tendigits export`.

tendigits export runs/first --to onnx
"""

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tendigits.errors import UserError
from tendigits.extras import require
from tendigits.options import Data

if TYPE_CHECKING:
    from tendigits.export.formats import Exported


class To(StrEnum):
    """The formats."""

    onnx = "onnx"
    litert = "litert"
    keras = "keras"
    h5 = "h5"
    stablehlo = "stablehlo"
    web = "web"


def export(
    source: Annotated[
        str,
        typer.Argument(help="A run's folder, a model file, or the word reader.", metavar="RUN", show_default=False),
    ],
    to: Annotated[
        list[To],
        typer.Option(
            help="Format: onnx, litert, keras, h5, stablehlo or web; may be repeated.",
            metavar="FORMAT",
            show_default=False,
        ),
    ],
    int8: Annotated[bool, typer.Option("--int8", help="Quantise to int8: a quarter of the size.")] = False,
    out: Annotated[
        Path | None,
        typer.Option(help="The file, or for web the folder.", metavar="PATH", show_default="exports/ beside the model"),
    ] = None,
    runtime: Annotated[
        Path | None,
        typer.Option(
            help="For web: the npm package onnxruntime-web.", metavar="FILE.tgz", show_default="npm downloads it"
        ),
    ] = None,
    data: Data = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON line for each file.")] = False,
) -> None:
    """Export a network to another runtime. A file is kept only if it agrees on all test digits there."""
    require("tendigits export", "train", *(["export"] if To.litert in to else []))
    if out is not None and len(to) > 1:
        raise UserError(f"expected one --to with --out, received {len(to)}")
    from tendigits.export.formats import check, export_file
    from tendigits.export.source import open_source
    from tendigits.export.web import export_page, fetch_runtime

    for format_ in to:  # before the network is opened, so that what is missing is reported at once
        check("onnx" if format_ is To.web else format_, int8)
    fetched = fetch_runtime(runtime) if To.web in to else None
    opened = open_source(source, data)
    for format_ in to:
        if fetched is not None and format_ is To.web:
            exported = export_page(opened, fetched, int8=int8, folder=out)
        else:
            exported = export_file(opened, format_, int8=int8, out=out)
        typer.echo(_json_line(format_, exported) if json else "\n".join(_lines(exported)))


def _lines(exported: "Exported") -> list[str]:
    found = exported.verification
    return [
        f"{exported.path}  {found.bytes / 1e6:.2f} MB",
        f"  accuracy {found.accuracy:.2%} on {found.n:,} test digits, {found.source_accuracy:.2%} before the export; "
        f"{found.agreement:.2%} read alike",
        f"  largest difference {found.largest_difference:.2g}; {found.single_ms:.2f} ms for one digit, "
        f"{found.batch_us:.1f} µs per digit in a batch",
    ]


def _json_line(format_: str, exported: "Exported") -> str:
    from json import dumps

    return dumps({"format": format_, "path": str(exported.path)} | asdict(exported.verification))
