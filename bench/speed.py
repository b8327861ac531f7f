"""tendigits and its peers: the same training, timed in turns, each peer in its own environment.

    make bench            # all parts, about half an hour; then bench/results/speed.*
    make bench QUICK=1                 # the main table and the epochs of a run, in 5 minutes, printed only
    python bench/speed.py --parts main epochs busy command batch conv
    python bench/speed.py --parts epochs busy  # how a run goes on, and with a busy process running; 5 minutes
    python bench/speed.py --parts main --peers tendigits compiled_loop jax_scan keras_jax  # in 4 minutes, printed
    python bench/speed.py --environments A B  # tendigits.fit in virtual environments; results/jax.json
    python bench/speed.py --report-only  # tables and picture again, from bench/results/speed.json

Peers take turns (A B C ... A B C ...), each turn a fresh process. A part that is measured anew replaces its like in
the JSON and leaves the others. With --quick or --limit everything goes to .bench/trial.json instead.
"""

import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tables
from environments import (
    BENCH,
    ROOT,
    date_and_commit,
    machine,
    observed,
    options,
    parsed,
    prepare,
    python_of,
    replace_between,
    save,
    script,
    variables,
)

RESULTS = ROOT / "bench" / "results" / "speed.json"
BEGIN, END = "<!-- speed: written by bench/speed.py -->", "<!-- /speed -->"

KERAS, JAX = "keras==3.15.1", "jax==0.10.1"
ENVIRONMENTS = {
    "jax": (KERAS, JAX, "matplotlib==3.11.2"),
    "torch": (KERAS, "torch==2.13.0"),
    "nightly": ("keras-nightly==3.16.0.dev2026102704", JAX),
    "sklearn": ("scikit-learn==1.9.1",),
    "tensorflow": (KERAS, "tensorflow==2.21.0"),
}
"""Requirements of each environment; pip takes a CPU build of torch if the index has one."""


@dataclass(frozen=True)
class Peer:
    """A script in bench/peers, its environment and its arguments."""

    name: str
    script: str
    environment: str | None = None
    """One of ENVIRONMENTS; None is this environment."""
    arguments: tuple[str, ...] = ()
    backend: str = "jax"
    slow: bool = False
    """Whether a quick run times only one epoch."""


PEERS = {
    peer.name: peer
    for peer in (
        Peer("tendigits", "tendigits_fit"),
        Peer("compiled_loop", "tendigits_fit", arguments=("--compiled-loop",)),
        Peer("jax_scan", "jax_scan", "jax"),
        Peer("keras_jax", "keras_fit"),  # as a person of the product has it: the same packages are installed for both
        Peer("nightly_1", "keras_fit", "nightly"),
        Peer("nightly_32", "keras_fit", "nightly", ("--steps-per-execution", "32")),
        Peer("nightly_1875", "keras_fit", "nightly", ("--steps-per-execution", "1875")),
        Peer("pytorch", "pytorch", "torch"),
        Peer("pytorch_compile", "pytorch", "torch", ("--compile",)),
        Peer("keras_tensorflow", "keras_fit", "tensorflow", backend="tensorflow", slow=True),
        Peer("keras_torch", "keras_fit", "torch", backend="torch", slow=True),
        Peer("sklearn", "sklearn_mlp", "sklearn", slow=True),
    )
}
BATCH_PEERS, BATCHES = ("tendigits", "compiled_loop", "keras_jax", "pytorch", "jax_scan"), (32, 128, 512, 1024, 4096)
CONV_PEERS, CONV_BATCH = ("tendigits", "keras_jax", "keras_tensorflow", "pytorch"), 128
RUN_PEERS = ("tendigits", "compiled_loop", "keras_jax")
"""Peers of the parts `epochs` and `busy`; a quick run leaves out the last one."""
RUN_EPOCHS = 10
COMMAND_EPOCHS = 8
PARTS = ("main", "epochs", "busy", "command", "batch", "conv")


@dataclass(frozen=True)
class Settings:
    """How much is measured."""

    data: Path
    rounds: int
    epochs: int
    limit: int | None
    quick: bool
    peers: tuple[Peer, ...]
    """Peers of the main table."""


def main() -> None:
    """Measure the parts, save and report."""
    parser = options(__doc__)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--peers", nargs="+", choices=[*PEERS], help="Peers of the main table; default: all.")
    parser.add_argument("--rounds", type=int, default=3, help="Turns of each peer; 2 for batch sizes and the conv net.")
    parser.add_argument("--epochs", type=int, default=2, help="Timed epochs in each turn, after one to warm up.")
    parser.add_argument("--limit", type=int, help="Maximum number of digits, to try the scripts.")
    parser.add_argument("--quick", action="store_true", help="Only one round of the main table, printed.")
    parser.add_argument("--environments", nargs="+", type=Path, help="Virtual environments that have tendigits.")
    given = parser.parse_args()
    if given.report_only:
        report(json.loads(RESULTS.read_text()))
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the turn's process ends with this one
    settings = Settings(
        data=given.data.resolve(),
        rounds=1 if given.quick else given.rounds,
        epochs=given.epochs,
        limit=given.limit,
        quick=given.quick,
        peers=tuple(PEERS[name] for name in given.peers or PEERS),
    )
    if given.environments:
        compare_environments(given.environments, settings)
        return
    parts = ("main", "epochs") if given.quick else given.parts
    trial = bool(given.quick or given.limit or given.peers)
    path = BENCH / "trial.json" if trial else RESULTS
    record: dict[str, Any] = {"parts": {}}
    if path.exists() and not trial:
        record = json.loads(path.read_text())
    for part in parts:
        needed = {peer.environment for peer in peers_of(part, settings)}
        prepare({name: wanted for name, wanted in ENVIRONMENTS.items() if name in needed})
    record["machine"] = machine()
    for part in parts:
        record["parts"][part] = measure(part, settings)
        if part == "main":
            tables.note_processor(record)
        save(record, path)
    if trial:
        print(tables.text(record))
    else:
        report(record)


def compare_environments(environments: list[Path], settings: Settings) -> None:
    """Time `tendigits.fit` in several virtual environments, whose Python and JAX differ."""
    peers = tuple(Peer(path.name, "tendigits_fit", str(path.resolve())) for path in environments)
    record = measure("main", replace(settings, peers=peers))
    for turn in record["turns"]:
        turn["peer"] = "Python {python}, JAX {jax}".format(**turn["versions"])
    record["median_seconds"] = {name: stats.median for name, stats in tables.stats_of(record["turns"]).items()}
    record["machine"] = {key: value for key, value in machine().items() if key in ("platform", "processor", "cores")}
    save(record, RESULTS.with_name("jax.json"))


def peers_of(part: str, settings: Settings) -> tuple[Peer, ...]:
    """The peers of a part."""
    runs = RUN_PEERS[:2] if settings.quick else RUN_PEERS
    names = {"epochs": runs, "busy": runs, "batch": BATCH_PEERS, "conv": CONV_PEERS, "command": ("jax_scan",)}
    return settings.peers if part == "main" else tuple(PEERS[name] for name in names[part])


def measure(part: str, settings: Settings) -> dict[str, Any]:
    """Measure one part."""
    rounds = min(settings.rounds, {"epochs": 1, "batch": 2, "conv": 2}.get(part, settings.rounds))
    turns = []
    for _ in range(rounds):
        for turn in one_round(part, settings):
            what = turn.get("error") or " ".join(f"{s:.2f}" for s in turn["seconds"])
            print(f"{part} {turn['peer']} {turn['batch']}: {what}", file=sys.stderr, flush=True)
            turns.append(turn)
    return {
        **date_and_commit(),
        "settings": {"rounds": rounds, "epochs": settings.epochs, "limit": settings.limit},
        "turns": turns,
    }


def one_round(part: str, settings: Settings) -> Iterator[dict[str, Any]]:
    """Each peer's turn, one after another."""
    peers = peers_of(part, settings)
    if part == "command":
        yield from command_turns(settings)
    elif part == "epochs":
        yield from (take_turn(peer, replace(settings, epochs=RUN_EPOCHS)) for peer in peers)
    elif part == "busy":
        with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as busy:
            try:
                yield from (take_turn(peer, settings) for peer in peers)
            finally:
                busy.kill()
    elif part == "batch":
        yield from (take_turn(peer, settings, size) for size in BATCHES for peer in peers)
    elif part == "conv":
        yield from (take_turn(peer, settings, CONV_BATCH, "conv") for peer in peers)
    else:
        yield from (take_turn(peer, settings) for peer in peers)


def take_turn(peer: Peer, settings: Settings, batch: int = 32, model: str = "dense") -> dict[str, Any]:
    """Run a peer once; returns what it printed, or why it failed."""
    epochs = 1 if settings.quick and peer.slow else settings.epochs
    command = [
        python_of(peer.environment), script(peer.script), "--data", str(settings.data), "--epochs", str(epochs),
        "--batch", str(batch), "--model", model, *peer.arguments,
        *(("--limit", str(settings.limit)) if settings.limit else ()),
    ]  # fmt: skip
    turn = observed(command, variables(peer.backend, BENCH / "cache", ours=peer.environment is None))
    return {**parsed(turn), "peer": peer.name, "batch": batch}


def command_turns(settings: Settings) -> Iterator[dict[str, Any]]:
    """Time `tendigits train` with an empty and with a full cache, and the same script on Keras."""
    data = cut(settings.data, settings.limit) if settings.limit else settings.data
    with tempfile.TemporaryDirectory() as folder:
        common = ["--data", str(data), "--epochs", str(COMMAND_EPOCHS)]
        train = [sys.executable, "-m", "tendigits", "train", *common, "--patience", str(COMMAND_EPOCHS), "--quiet"]
        commands = {
            "command_cold": [*train, "--runs", folder, "--name", "cold"],
            "command_warm": [*train, "--runs", folder, "--name", "warm"],
            "keras_script": [python_of("jax"), script("keras_script"), *common, "--out", folder],
        }
        for name, command in commands.items():
            turn = observed(command, variables("jax", Path(folder) / "cache", ours=name != "keras_script"))
            yield {**turn, "seconds": [turn["elapsed"]], "peer": name, "batch": 32}


def cut(data: Path, limit: int) -> Path:
    """The first `limit` digits of each part, in a file."""
    import numpy as np

    path = BENCH / f"first-{limit}.npz"
    with np.load(data) as file:
        np.savez(path, **{name: file[name][:limit] for name in ("x_train", "y_train", "x_test", "y_test")})
    return path


def report(record: dict[str, Any]) -> None:
    """Write the tables and the plot from the record."""
    picture = "![Median seconds an epoch](speed.svg)"
    text = f"# Training\n\n{picture}\n\n{tables.text(record)}\n"
    RESULTS.with_suffix(".md").write_text(text)
    replace_between(ROOT / "bench" / "README.md", BEGIN, END, tables.short_text(record))
    if "main" in record["parts"]:
        tables.draw(record, RESULTS.with_suffix(".svg"))


if __name__ == "__main__":
    main()
