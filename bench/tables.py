"""The results of bench/speed.py as Markdown and as a plot: medians, ratios, targets.

The input is the record that bench/speed.py saves as JSON.
"""

import statistics
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Turn = dict[str, Any]
Record = dict[str, Any]

OURS = "tendigits"
NAMES = {
    "tendigits": "**tendigits**",
    "compiled_loop": "tendigits, compiled loop in place of the kernel",
    "jax_scan": "hand-written JAX scan",
    "keras_jax": "Keras on JAX",
    "nightly_1": "keras-nightly on JAX, steps_per_execution 1",
    "nightly_32": "keras-nightly on JAX, steps_per_execution 32",
    "nightly_1875": "keras-nightly on JAX, steps_per_execution 1875",
    "keras_tensorflow": "Keras on TensorFlow",
    "keras_torch": "Keras on torch",
    "pytorch": "PyTorch, fused Adam",
    "pytorch_compile": "PyTorch, fused Adam, torch.compile",
    "sklearn": "scikit-learn MLPClassifier (no dropout)",
    "command_warm": "**`tendigits train`**, compiled programs cached",
    "command_cold": "`tendigits train`, empty cache",
    "keras_script": "the same script on Keras and JAX",
}
NIGHTLY = ("nightly_1", "nightly_32", "nightly_1875")

TARGETS = {
    "main": {
        "compiled_loop": 0.6,
        "jax_scan": 0.6,
        "keras_jax": 0.45,
        "nightly": 0.9,  # of whichever setting is the fastest
        "keras_tensorflow": 0.25,
        "keras_torch": 0.15,
        "pytorch": 0.45,
        "sklearn": 0.22,
    },
    "busy": {"compiled_loop": 1.0},
    "command": {"keras_script": 0.5},
    "conv": {"keras_jax": 0.4, "keras_tensorflow": 1.1},
}
"""Targets: the largest ratio of our median to the peer's."""

SHOWN_EPOCHS = (1, 3, 6, 10)
MAX_SLOWDOWN = 1.05
"""Target: the largest ratio of our last epoch to our first."""

BUSY = 0.1
"""Cores used by other programs above which a turn is noted."""


@dataclass(frozen=True)
class Stats:
    """All timed epochs of a peer, over its turns."""

    seconds: tuple[float, ...]
    peak_mb: float | None = None
    accuracy: float | None = None

    @property
    def median(self) -> float:
        """Median of all epochs, in seconds."""
        return statistics.median(self.seconds)


def stats_of(turns: Iterable[Turn]) -> dict[str, Stats]:
    """The results of each peer that had a successful turn, in the order of the first turns."""
    by_peer: dict[str, list[Turn]] = {}
    for turn in turns:
        if "error" not in turn:
            by_peer.setdefault(turn["peer"], []).append(turn)
    return {
        peer: Stats(
            tuple(s for turn in own for s in turn["seconds"]),
            max((turn["peak_mb"] for turn in own if turn.get("peak_mb")), default=None),
            next((turn["accuracy"] for turn in own if turn.get("accuracy") is not None), None),
        )
        for peer, own in by_peer.items()
    }


def target_of(part: str, peer: str, stats: dict[str, Stats]) -> float | None:
    """The target for the ratio to this peer; keras-nightly has one at its fastest setting only."""
    targets = TARGETS.get(part, {})
    if peer in NIGHTLY and "nightly" in targets:
        fastest = min((p for p in NIGHTLY if p in stats), key=lambda p: stats[p].median)
        return targets["nightly"] if peer == fastest else None
    return targets.get(peer)


def text(record: Record) -> str:
    """The tables of all parts that the record has."""
    parts = record["parts"]
    titles = {
        "main": "## The classic recipe, batch 32: seconds an epoch",
        "epochs": "## The epochs of a run, after one to warm up: seconds",
        "busy": "## While one other process is busy: seconds an epoch",
        "command": "## The whole command: process start to saved model, 8 epochs, seconds",
        "batch": "## Batch sizes: median seconds an epoch",
        "conv": "## A small conv net, batch 128: seconds an epoch",
    }
    blocks = [machine_text(record)]
    for part, title in titles.items():
        if part in parts:
            blocks.append(title)
            if part == "batch":
                blocks.append(batch_table(parts[part]))
            elif part == "epochs":
                blocks.append(epochs_table(parts[part]))
            else:
                blocks.append(ratio_table(part, parts[part]["turns"]))
            if part == "main" and "processors" in record:
                blocks.append(processors_table(record["processors"]))
            blocks.append(settings_text(parts[part]))
    return "\n\n".join(blocks)


def ratio_table(part: str, turns: list[Turn]) -> str:
    """A row for each peer, fastest first, with the ratio to it and the target."""
    rows = [
        "| peer | median | min | max | n | tendigits / peer | target | | peak MB | test accuracy |",
        "| :--- | ---: | ---: | ---: | ---: | ---: | ---: | :--- | ---: | ---: |",
    ]
    for peer, own, cells in ratios(part, turns):
        rows.append(
            row(
                NAMES[peer],
                f"{own.median:.2f}",
                f"{min(own.seconds):.2f}",
                f"{max(own.seconds):.2f}",
                len(own.seconds),
                *cells,
                "" if own.peak_mb is None else f"{own.peak_mb:.0f}",
                "" if own.accuracy is None else f"{own.accuracy:.2%}",
            )
        )
    return "\n".join([*rows, *memory_lines(part, turns)])


def ratios(part: str, turns: list[Turn]) -> Iterator[tuple[str, Stats, tuple[str, str, str]]]:
    """Each peer, fastest first, its results, and the cells: tendigits / peer, the target, whether it is met."""
    stats = stats_of(turns)
    ours = stats.get("command_warm" if part == "command" else OURS)
    for peer, own in sorted(stats.items(), key=lambda item: item[1].median):
        cells = ("", "", "")
        if ours and own is not ours and peer != "command_cold":
            ratio, target = ours.median / own.median, target_of(part, peer, stats)
            is_met = "" if target is None else met(ratio <= target)
            cells = (f"{ratio:.2f}", "" if target is None else f"<= {target:.2f}", is_met)
        yield peer, own, cells


def memory_lines(part: str, turns: list[Turn]) -> list[str]:
    """Lines on the memory of the main part, if it was measured."""
    stats = stats_of(turns)
    ours, keras = stats.get(OURS), stats.get("keras_jax")
    if part != "main" or not (ours and keras and ours.peak_mb and keras.peak_mb):
        return []
    ratio = ours.peak_mb / keras.peak_mb
    return ["", f"Peak memory, tendigits / Keras on JAX: {ratio:.2f} (target <= 1): {met(ratio <= 1)}."]


def short_text(record: Record) -> str:
    """The tables of bench/README.md: medians, ratios and targets."""
    titles = {
        "main": "seconds an epoch",
        "epochs": "",
        "busy": "seconds an epoch while one other process is busy",
        "command": "seconds of the whole command, 8 epochs",
        "conv": "seconds an epoch of a small conv net, batch 128",
    }
    blocks = [machine_text(record)]
    for name, title in titles.items():
        part = record["parts"][name]
        if name == "epochs":
            blocks.append(epochs_table(part))
            continue
        rows = [row(f"{title}, {part['date'][:10]}", "median", "tendigits / peer", "target", "")]
        rows.append(row(":---", "---:", "---:", ":---", ":---"))
        rows += [row(NAMES[peer], f"{own.median:.2f}", *cells) for peer, own, cells in ratios(name, part["turns"])]
        blocks.append("\n".join([*rows, *memory_lines(name, part["turns"])]))
    return "\n\n".join(blocks)


def batch_table(part: Record) -> str:
    """A row for each peer, a column for each batch size; in brackets tendigits / peer."""
    sizes = sorted({turn["batch"] for turn in part["turns"]})
    by_size = {size: stats_of(turn for turn in part["turns"] if turn["batch"] == size) for size in sizes}
    rows = [row("peer", *sizes), row(":---", *("---:" for _ in sizes))]
    for peer in dict.fromkeys(turn["peer"] for turn in part["turns"]):
        cells = []
        for size in sizes:
            own, ours = by_size[size].get(peer), by_size[size].get(OURS)
            ratio = f" ({ours.median / own.median:.2f})" if own and ours and peer != OURS else ""
            cells.append(f"{own.median:.2f}{ratio}" if own else "failed")
        rows.append(row(NAMES[peer], *cells))
    return "\n".join([*rows, "", "In brackets: tendigits / peer."])


def epochs_table(part: Record) -> str:
    """A row for each peer, a column for some of the epochs of its run."""
    rows = [row("peer", *(f"epoch {n}" for n in SHOWN_EPOCHS), "last / first", ""), row(":---", *["---:"] * 5, ":---")]
    for peer, own in stats_of(part["turns"]).items():
        slowdown = own.seconds[SHOWN_EPOCHS[-1] - 1] / own.seconds[0]
        target = f"<= {MAX_SLOWDOWN}: {met(slowdown <= MAX_SLOWDOWN)}" if peer == OURS else ""
        rows.append(row(NAMES[peer], *(f"{own.seconds[n - 1]:.2f}" for n in SHOWN_EPOCHS), f"{slowdown:.2f}", target))
    return "\n".join(rows)


def note_processor(record: Record) -> None:
    """Keep the medians of the main table under the processor's name, as `lscpu` has it."""
    machine, part = record["machine"], record["parts"]["main"]
    medians = {peer: own.median for peer, own in stats_of(part["turns"]).items()}
    name = f"{machine['processor']}, {machine['cores']} cores"
    record.setdefault("processors", {})[name] = {"date": part["date"], "medians": medians}


def processors_table(processors: Record) -> str:
    """A row for each peer, a column for each processor that was measured; in brackets tendigits / peer."""
    rows = [row("median seconds an epoch", *processors), row(":---", *["---:"] * len(processors))]
    for peer in dict.fromkeys(peer for kept in processors.values() for peer in kept["medians"]):
        cells = []
        for medians in (kept["medians"] for kept in processors.values()):
            ratio = f" ({medians[OURS] / medians[peer]:.2f})" if {OURS, peer} <= {*medians} and peer != OURS else ""
            cells.append(f"{medians[peer]:.2f}{ratio}" if peer in medians else "")
        rows.append(row(NAMES[peer], *cells))
    return "\n".join([*rows, "", "In brackets: tendigits / peer."])


def settings_text(part: Record) -> str:
    """How a part was measured, what failed, and which turns other programs disturbed."""
    settings, turns = part["settings"], part["turns"]
    lines = [
        f"{settings['rounds']} round{'s' if settings['rounds'] > 1 else ''}, interleaved, {part['date']}"
        + (f"; only {settings['limit']} digits" if settings["limit"] else "")
        + commit_text(part["commit"])
        + "."
    ]
    failed = {turn["peer"]: turn["error"] for turn in turns if "error" in turn}
    lines += [f"{NAMES[peer]} failed: `{error}`" for peer, error in failed.items()]
    if busy := busy_turns(turns):
        who = ", ".join(dict.fromkeys(NAMES[turn["peer"]].replace("**", "") for turn in busy))
        lines.append(f"{busy_text(turns)}: {who}.")
    return "\n\n".join(lines)


def busy_turns(turns: list[Turn]) -> list[Turn]:
    """The turns that other programs disturbed."""
    return [turn for turn in turns if (turn.get("others") or 0.0) > BUSY]


def busy_text(turns: list[Turn]) -> str:
    """How many turns were disturbed, and how much; some were."""
    busy = busy_turns(turns)
    most = max(turn["others"] for turn in busy)
    return f"In {len(busy)} of {len(turns)} turns other programs used more than {BUSY} cores, {most:.1f} at most"


def machine_text(record: Record) -> str:
    """Machine and versions."""
    machine = record["machine"]
    found: dict[str, set[str]] = {}
    for part in record["parts"].values():
        for turn in part.get("turns", ()):
            for name, version in turn.get("versions", {}).items():
                if name not in ("python", "numpy", "tendigits"):
                    found.setdefault(name, set()).add(version)
    versions = ", ".join(f"{name} {' and '.join(sorted(found[name]))}" for name in sorted(found))
    return (
        f"{machine['processor']}, {machine['cores']} cores, {machine['platform']}; Python {machine['python']}; "
        f"{versions}."
    )


def commit_text(commit: dict[str, Any] | None) -> str:
    """The commit that was measured."""
    return f"; commit {commit['commit'][:12]}{' with changes' if commit['changed'] else ''}" if commit else ""


def met(is_met: bool) -> str:
    """A cell: whether a target is met."""
    return "met" if is_met else "**missed**"


def row(*cells: object) -> str:
    """A line of a Markdown table."""
    return f"| {' | '.join(map(str, cells))} |"


def draw(record: Record, path: Path) -> None:
    """Plot the medians of the main table as bars, with their range."""
    import matplotlib as mpl

    mpl.use("svg")
    import matplotlib.pyplot as plt

    mpl.rcParams["svg.hashsalt"] = "tendigits"  # the same record, the same file
    stats = sorted(stats_of(record["parts"]["main"]["turns"]).items(), key=lambda item: -item[1].median)
    medians = [own.median for _, own in stats]
    spread = [
        [own.median - min(own.seconds) for _, own in stats],
        [max(own.seconds) - own.median for _, own in stats],
    ]
    figure, axes = plt.subplots(figsize=(9, 0.42 * len(stats) + 1), layout="constrained")
    colours = ["tab:orange" if peer == OURS else "tab:blue" for peer, _ in stats]
    axes.barh([NAMES[peer].replace("**", "") for peer, _ in stats], medians, xerr=spread, color=colours, capsize=3)
    for at, (_, own) in enumerate(stats):
        axes.text(max(own.seconds), at, f"  {own.median:.2f}", va="center")
    axes.set_xlim(right=1.12 * max(max(own.seconds) for _, own in stats))
    axes.set_xlabel(f"seconds an epoch, less is better ({record['machine']['cores']} CPU cores)")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
