"""The command `tendigits export`.

tendigits export runs/first --to onnx
tendigits export play --to web FOLDER
"""

from dataclasses import asdict
from enum import StrEnum
from json import dumps
from pathlib import Path
from typing import Annotated

import typer

from tendigits.errors import UserError
from tendigits.extras import require
from tendigits.options import Data, Overwrite, complete_run
from tendigits.outputs import Target, check_targets

PLAY = "play"  # given instead of a run: the playground

To = StrEnum("To", ["onnx", "litert", "keras", "h5", "stablehlo", "web"])


def export(
    source: Annotated[
        str,
        typer.Argument(
            help="A run's name or folder, a model file, or the word reader; or the word play, for the playground.",
            metavar="RUN",
            show_default=False,
            autocompletion=lambda ctx, incomplete: (
                complete_run(ctx, incomplete) + [name for name in ("reader", "play") if name.startswith(incomplete)]
            ),
        ),
    ],
    to: Annotated[
        list[To], typer.Option(help="onnx, litert, keras, h5, stablehlo or web; may be repeated.", metavar="FORMAT")
    ],
    folder: Annotated[
        Path | None, typer.Argument(help="The same as --out.", metavar="PATH", show_default=False)
    ] = None,
    int8: Annotated[bool, typer.Option("--int8", help="Quantise to int8: a quarter of the size.")] = False,
    out: Annotated[
        Path | None,
        typer.Option(help="The file, or for web the folder; by default in exports/ next to the model.", metavar="PATH"),
    ] = None,
    runtime: Annotated[
        Path | None,
        typer.Option(help="For web: the npm package onnxruntime-web; by default npm gets it.", metavar="FILE.tgz"),
    ] = None,
    all_digits: Annotated[
        bool, typer.Option("--all-digits", help="For play: all 70,000 digits, 12 MB, not the first 12,000.")
    ] = False,
    also: Annotated[
        list[str] | None,
        typer.Option(
            help="For web: another run to offer; may be repeated. For play: the first network.", metavar="RUN"
        ),
    ] = None,
    data: Data = None,
    overwrite: Overwrite = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON line for each file.")] = False,
) -> None:
    """Export a network to another runtime. A file is kept only if it agrees with the network on all test digits."""
    out = out or folder
    if source == PLAY:
        if to != [To.web] or int8 or len(also or ()) > 1 or data or runtime:
            raise UserError("expected --to web for play, at most one --also, no --int8, --data and --runtime")
        export_play(out or Path(PLAY), overwrite, run=also[0] if also else None, all_digits=all_digits, json=json)
        return
    require("tendigits export", "train", *(["export"] if "litert" in to else []))
    if out is not None and len(to) > 1:
        raise UserError(f"expected one --to with --out, received {len(to)}")
    if also and "web" not in to:
        raise UserError("expected --to web with --also")
    from tendigits.export.formats import FORMATS, check, default_path, export_file
    from tendigits.export.source import READER, locate, open_source
    from tendigits.export.web import FILES, SUFFIX, export_page, fetch_runtime
    from tendigits.runs.run import find_model

    targets = []
    for format_ in to:  # before the network is opened
        check("onnx" if format_ == "web" else format_, int8)
        suffix = SUFFIX if format_ == "web" else FORMATS[format_].suffix
        path = out or default_path(*locate(source), suffix, int8)
        if format_ == "web":
            targets += [Target("--out", path / name, (Path(name).suffix,), True) for name in FILES]
        else:
            targets.append(Target("--out", path, (suffix,), True))
    runs = [find_model(run) for run in (source, *(also or ())) if run != READER]
    read = [Path(path) for path in (*runs, runtime, data) if path is not None]
    inputs = [file for path in read for file in (path.iterdir() if path.is_dir() else [path])]
    check_targets(targets, inputs, overwrite or out is None)  # exports/ is a folder of ours
    fetched = fetch_runtime(runtime) if "web" in to else None
    opened = open_source(source, data)
    others = [open_source(other, data) for other in also or ()]
    for format_ in to:
        if fetched is not None and format_ == "web":
            exported = export_page(opened, fetched, int8=int8, folder=out, others=others)
        else:
            exported = export_file(opened, format_, int8=int8, out=out)
        found = exported.verification
        if json:
            typer.echo(dumps({"format": format_, "path": str(exported.path)} | asdict(found)))
        else:
            typer.echo(
                f"{_written(exported.path, found.bytes)}\n"
                f"  accuracy {found.accuracy:.2%} on {found.n:,} test digits, {found.source_accuracy:.2%} before the "
                f"export; {found.agreement:.2%} agree\n"
                f"  largest difference {found.largest_difference:.2g}; {found.single_ms:.2f} ms for one digit, "
                f"{found.batch_us:.1f} µs per digit in a batch"
            )


def export_play(folder: Path, overwrite: bool, *, run: str | None, all_digits: bool, json: bool) -> None:
    """Write the playground's page into a folder, perhaps with the network of a run."""
    from tendigits.runs.run import find_run
    from tendigits.web.playground import FILES, write_playground

    begun = find_run(run, Path("runs")) if run else None
    check_targets([Target("--out", folder / name, (Path(name).suffix,), True) for name in FILES], [], overwrite)
    written = write_playground(folder, all_digits=all_digits, run=begun)
    n_bytes = sum(path.stat().st_size for path in written)
    record = {"format": "web", "path": str(written[0]), "bytes": n_bytes}
    typer.echo(dumps(record) if json else _written(written[0], n_bytes))


def _written(path: Path, n_bytes: int) -> str:
    """What was written, and its size; a page's is that of all its files."""
    return f"{path}  {n_bytes / 1e6:.2f} MB{' with the files next to it' if path.suffix == '.html' else ''}"
