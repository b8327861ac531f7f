"""The command `tendigits teach`.

tendigits teach --help
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tendigits.errors import UserError
from tendigits.extras import require

if TYPE_CHECKING:
    from tendigits.teach.store import Store

STORE = "TENDIGITS_STORE"
"""The environment variable that may name the store."""

StoreOption = Annotated[
    str | None,
    typer.Option(
        "--store", help="File with the corrections.", metavar="FILE", envvar=STORE,
        show_default="corrections.db in your data folder",
    ),
]  # fmt: skip


def teach(
    store: StoreOption = None,
    data: Annotated[
        Path | None, typer.Option(help="MNIST, if not the package's: an .npz file or a folder.", metavar="PATH")
    ] = None,
    accept: Annotated[
        int | None, typer.Option(help="Make this fine-tuned network the active one.", metavar="N")
    ] = None,
    rollback: Annotated[bool, typer.Option("--rollback", help="Read with the previous network again.")] = False,
    export: Annotated[
        Path | None, typer.Option(help="Write the active networks to a file for `read --model`.", metavar="FILE.onnx")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the progress as JSON lines.")] = False,
) -> None:
    """Teach the reader your handwriting: fine-tune it on your corrections.

    The new network reads only after you have accepted it.
    """
    require("tendigits teach", "train")
    from tendigits.teach.store import Store

    if sum((accept is not None, rollback, export is not None)) > 1:
        raise UserError("expected only one of --accept, --rollback and --export; run the command once for each")
    opened = Store(store_location(store), create=False)
    if accept is not None:
        _accept(opened, accept)
        typer.echo(f"the fine-tuned network {accept} is active now; undo with: tendigits teach --rollback")
    elif rollback:
        previous = opened.roll_back(datetime.now(UTC))
        name = "the package's own network" if previous is None else f"the fine-tuned network {previous.id}"
        typer.echo(f"{name} is active again")
    elif export is not None:
        _export(opened, export)
    else:
        _fine_tune(opened, data, as_json)


def _accept(store: "Store", number: int) -> None:
    """Accept a network unless it is damaged or misreads known digits or numbers."""
    from tendigits.teach.verify import load_network

    if (tuned := store.network(number)) is not None:
        load_network(store, tuned)
    store.accept(number, datetime.now(UTC))


def _fine_tune(store: "Store", data: Path | None, as_json: bool) -> None:
    from tendigits.teach.store import MIN_CORRECTIONS

    if (n := store.count()) < MIN_CORRECTIONS:  # before Keras is loaded
        raise UserError(
            f"expected at least {MIN_CORRECTIONS} corrections in {store.path}, found {n}; make some: tendigits serve"
        )
    from tendigits.data.load import load
    from tendigits.engine.loop import use_compilation_cache
    from tendigits.teach.pipeline import fine_tune_reader

    use_compilation_cache()
    show = (lambda step: typer.echo(json.dumps(step))) if as_json else _print_text
    tuned = fine_tune_reader(store, load(data), show, lambda: datetime.now(UTC))
    if not as_json:
        typer.echo(f"read with it: tendigits teach --accept {tuned.id}")


def _print_text(step: dict[str, Any]) -> None:
    stage = step["stage"]
    if "warning" in step:
        _warn(step["warning"])
    if stage == "prepare":
        typer.echo(f"{step['corrections']} corrections: {step['learned']} for training, {step['held_out']} held out")
    elif stage == "train" and step["epoch"]:
        typer.echo(f"epoch {step['epoch']} of {step['epochs']}, loss {step['loss']}")
    elif stage == "done":
        report = step["report"]
        titles = {
            "held_out": "held-out digits", "mnist": f"test digits of {report['data']}", "numbers": "held-out numbers",
            "generated_numbers": "generated numbers",
        }  # fmt: skip
        for name, title in titles.items():
            if (part := report.get(name)) is not None:
                typer.echo(f"{title:<28} {part['before']:.2%} -> {part['after']:.2%} of {part['n']:,} correct")
        typer.echo(f"fine-tuned network {step['network']}, in {report['seconds']:.0f} s")


def _export(store: "Store", path: Path) -> None:
    from tendigits.files import writing
    from tendigits.teach.verify import active_network

    active = active_network(store, _warn)
    with writing(path) as temporary:
        temporary.write_bytes(active.data)
    typer.echo(f"{path}: {active.name}")


def _warn(warning: str) -> None:
    typer.echo(f"tendigits: {warning}", err=True)


def store_location(store: str | None) -> str:
    """The given file, or corrections.db in the user's data folder. Raises UserError for a URL."""
    if store is None:
        from platformdirs import user_data_path

        return str(user_data_path("tendigits") / "corrections.db")
    if "://" in store:  # whose rest may hold a password
        raise UserError(f"expected a file for --store, received a URL ({store.partition('://')[0]}://...); name a file")
    return store
