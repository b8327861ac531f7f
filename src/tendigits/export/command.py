"""The command `tendigits export`.

tendigits export runs/first --to onnx
"""

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
        str, typer.Argument(help="A run's folder, a model file, or the word reader.", metavar="RUN", show_default=False)
    ],
    to: Annotated[list[To], typer.Option(help="The format; may be given more than once.", show_default=False)],
    int8: Annotated[
        bool, typer.Option("--int8", help="Weights and activations of 8 bits: a quarter of the size.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="The file, or for web the folder.", show_default="exports/ beside the model")
    ] = None,
    runtime: Annotated[
        Path | None,
        typer.Option(help="For web: the npm package onnxruntime-web, packed.", show_default="npm fetches it"),
    ] = None,
    data: Data = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object for each file, in a line.")] = False,
) -> None:
    """Write a network for another runtime, and prove it there on the whole test set before it is kept."""
    require("tendigits export", "train")
    if out is not None and len(to) > 1:
        raise UserError(f"expected one --to beside --out, received {len(to)}")
    from tendigits.export.formats import check, make
    from tendigits.export.source import open_source
    from tendigits.export.web import fetch_runtime, make_page

    for format_ in to:  # what is missing is told before the digits are fetched
        check("onnx" if format_ is To.web else format_, int8)
    brought = fetch_runtime(runtime) if To.web in to else None
    opened = open_source(source, data)
    for format_ in to:
        if brought is not None and format_ is To.web:
            exported = make_page(opened, brought, int8=int8, folder=out)
        else:
            exported = make(opened, format_, int8=int8, out=out)
        typer.echo(_as_json(format_, exported) if json else "\n".join(_lines(exported)))


def _lines(exported: "Exported") -> list[str]:
    proof = exported.proof
    return [
        f"{exported.path}  {proof.bytes / 1e6:.2f} MB",
        f"  {proof.accuracy:.2%} of {proof.n:,} test digits right, as {proof.source_accuracy:.2%} before; "
        f"{proof.agreement:.2%} read alike",
        f"  largest difference {proof.largest_difference:.2g}; {proof.single_ms:.2f} ms for one digit, "
        f"{proof.batch_us:.1f} µs for each of many",
    ]


def _as_json(format_: str, exported: "Exported") -> str:
    from json import dumps

    fields: dict[str, Any] = {"format": format_, "path": str(exported.path)} | asdict(exported.proof)
    return dumps(fields)
