"""The command `tendigits teach`.

tendigits teach --help
"""

import json
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from tendigits.errors import UserError
from tendigits.extras import require
from tendigits.files import writing
from tendigits.options import Overwrite
from tendigits.outputs import Target, check_targets

STORE = "TENDIGITS_STORE"  # the environment variable that may name the store

_DEFAULT_STORE = "corrections.db in your data folder"
StoreOption = Annotated[
    str | None,
    typer.Option(help="File with the corrections.", metavar="FILE", envvar=STORE, show_default=_DEFAULT_STORE),
]


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
    threshold: Annotated[
        str | None,
        typer.Option(
            help="On the page and in the API, accept from this confidence on; auto: at most 3% wrong.",
            metavar="0..1|auto",
        ),
    ] = None,
    overwrite: Overwrite = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the progress as JSON lines.")] = False,
) -> None:
    """Teach the reader your handwriting: fine-tune it on your corrections.

    The new network reads only after you have accepted it.
    """
    if sum((accept is not None, rollback, export is not None, threshold is not None)) > 1:
        raise UserError("expected only one of --accept, --rollback, --export and --threshold; run it once for each")
    from tendigits.teach.store import MIN_CORRECTIONS, Store

    if threshold is not None:
        confidence = _confidence(threshold)
        Store(store_location(store)).set_threshold(confidence)
        how = "as by default" if confidence is None else f"from {confidence:g} on"
        typer.echo(f"the page and the API accept {how}")
        return
    require("tendigits teach", "train")
    from tendigits.teach.verify import active_network, load_network

    opened = Store(store_location(store), create=False)
    if accept is not None:
        if (tuned := opened.network(accept)) is not None:
            load_network(opened, tuned)  # it may be damaged, or misread known digits or numbers
        opened.accept(accept, datetime.now(UTC))
        typer.echo(f"the fine-tuned network {accept} is active now; undo with: tendigits teach --rollback")
    elif rollback:
        previous = opened.roll_back(datetime.now(UTC))
        name = "the package's own network" if previous is None else f"the fine-tuned network {previous.id}"
        typer.echo(f"{name} is active again")
    elif export is not None:
        check_targets([Target("--export", export, (".onnx",))], [opened.path], overwrite)
        active = active_network(opened, _warn)
        with writing(export) as temporary:
            temporary.write_bytes(active.data)
        typer.echo(f"{export}: {active.name}")
    elif (n := opened.count()) < MIN_CORRECTIONS:  # before Keras is loaded
        expected = f"expected at least {MIN_CORRECTIONS} corrections in {opened.path}"
        raise UserError(f"{expected}, found {n}; make some: tendigits serve")
    else:
        from tendigits.data.load import load
        from tendigits.engine.loop import use_compilation_cache
        from tendigits.teach.pipeline import fine_tune_reader

        use_compilation_cache()
        show = (lambda step: typer.echo(json.dumps(step))) if as_json else _print_text
        fine_tune_reader(opened, load(data), show, lambda: datetime.now(UTC))


def _confidence(text: str) -> float | None:
    """A confidence from 0 to 1, or None for "auto". Raises UserError."""
    with suppress(ValueError):
        if text == "auto" or 0 <= float(text) <= 1:
            return None if text == "auto" else float(text)
    raise UserError(f"expected a confidence from 0 to 1 for --threshold, or auto, received {text}")


def _print_text(step: dict[str, Any]) -> None:
    stage = step["stage"]
    if "warning" in step:
        _warn(step["warning"])
    if stage == "prepare":
        n, learned, held_out = (f"{step[name]:,}" for name in ("corrections", "learned", "held_out"))
        typer.echo(f"{n} corrections: {learned} for training, {held_out} held out")
    elif stage == "train" and step["epoch"]:
        typer.echo(f"epoch {step['epoch']} of {step['epochs']}")  # of two networks, whose losses differ
    elif stage == "done":
        report = step["report"]
        titles = ("held-out digits", f"test digits of {report['data']}", "held-out numbers", "generated numbers")
        for name, title in zip(("held_out", "mnist", "numbers", "generated_numbers"), titles, strict=True):
            if part := report.get(name):
                typer.echo(f"{title:<28} {part['before']:.2%} -> {part['after']:.2%} of {part['n']:,} correct")
        typer.echo(f"fine-tuned network {step['network']}, in {report['seconds']:.0f} s")
        typer.echo(f"read with it: tendigits teach --accept {step['network']}")


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
