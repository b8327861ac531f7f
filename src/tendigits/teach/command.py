"""The command `tendigits teach`.

tendigits teach --help
"""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tendigits.errors import UserError
from tendigits.extras import require

if TYPE_CHECKING:
    from tendigits.teach.store import Store

StoreOption = Annotated[
    str | None,
    typer.Option(
        "--store", help="Of the corrections: a file, or postgresql://...", metavar="FILE|URL",
        show_default="in your own data folder",
    ),
]  # fmt: skip


def teach(
    store: StoreOption = None,
    data: Annotated[
        Path | None, typer.Option(help="MNIST, as of `train`: an .npz or a folder of IDX files.", metavar="PATH")
    ] = None,
    accept: Annotated[int | None, typer.Option(help="Read with this taught network from now on.", metavar="N")] = None,
    rollback: Annotated[bool, typer.Option("--rollback", help="Read with the network before it.")] = False,
    export: Annotated[
        Path | None, typer.Option(help="Write the network that reads; `read --model` takes it.", metavar="FILE.onnx")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line for each step.")] = False,
) -> None:
    """Teach the reader your hand from the corrections in the store. It is used when you accept it."""
    require("tendigits teach", "serve", "train")
    from datetime import UTC, datetime

    from tendigits.teach.migrations import open_store

    if sum((accept is not None, rollback, export is not None)) > 1:
        raise UserError("expected one of --accept, --rollback and --export; call it for each")
    opened = open_store(store_url(store))
    try:
        if accept is not None:
            opened.accept(accept, datetime.now(UTC))
            typer.echo(f"the taught network {accept} reads from now on; back with: tendigits teach --rollback")
        elif rollback:
            back = opened.roll_back(datetime.now(UTC))
            typer.echo(
                f"{'the network of the package' if back is None else f'the taught network {back.id}'} reads again"
            )
        elif export is not None:
            _export(opened, export)
        else:
            _teach(opened, data, as_json)
    finally:
        opened.close()


def _teach(store: "Store", data: Path | None, as_json: bool) -> None:
    from datetime import UTC, datetime

    from tendigits.teach.store import LEAST_TO_LEARN

    if (n := store.count()) < LEAST_TO_LEARN:  # before Keras is loaded
        raise UserError(
            f"expected at least {LEAST_TO_LEARN} corrections in {store.place}, found {n}; make some: tendigits serve"
        )
    from tendigits.data.load import load
    from tendigits.engine.loop import use_compilation_cache
    from tendigits.teach.lesson import give_lesson

    use_compilation_cache()
    dataset = load(data)
    say = _as_json if as_json else _as_text
    taught = give_lesson(store, dataset, say, lambda: datetime.now(UTC))
    if not as_json:
        typer.echo(f"use it: tendigits teach --accept {taught.id}")


def _as_json(step: dict[str, Any]) -> None:
    typer.echo(json.dumps(step))
    sys.stdout.flush()


def _as_text(step: dict[str, Any]) -> None:
    """The same for a person."""
    stage = step["stage"]
    if stage == "prepare":
        typer.echo(
            f"{step['corrections']} corrections: {step['learned']} to learn from, {step['held_out']} to judge by"
        )
    elif stage == "learn" and step["epoch"]:
        typer.echo(f"pass {step['epoch']} of {step['epochs']}, loss {step['loss']}")
    elif stage == "done":
        report = step["report"]
        for name, title in (("held_out", "corrections held out"), ("mnist", f"test digits of {report['data']}")):
            part = report[name]
            typer.echo(f"{title:<28} {part['before']:.2%} -> {part['after']:.2%} of {part['n']:,} right")
        typer.echo(f"taught network {step['network']}, in {report['seconds']:.0f} s")


def _export(store: "Store", path: Path) -> None:
    from tendigits.files import replacing
    from tendigits.read.network import bundled_file

    reading = store.reading()
    data = bundled_file() if reading is None else store.network_data(reading.id)
    with replacing(path) as temporary:
        temporary.write_bytes(data)
    typer.echo(f"{path}: {'the network of the package' if reading is None else f'the taught network {reading.id}'}")


def store_url(store: str | None) -> str:
    """The given store, or the default: corrections.db in the user's data folder."""
    if store is not None:
        return store
    from platformdirs import user_data_path

    return str(user_data_path("tendigits") / "corrections.db")
