"""The readers' speed as Markdown; the input is the record's part "speed"."""

import statistics
from typing import Any

from reading_peers import OURS, PEERS
from reading_sets import TITLES
from tables import met, row

TARGETS = {"timed line": 4.0, "timed page": 60.0, "timed photo": 300.0}
"""Milliseconds, at most, of our reader."""

MAX_COMMAND_S = 0.4
MIN_FOLDER_RATE = 2000.0
"""Pictures a second."""

MAX_PICTURE_MS = 2000.0
MAX_MEMORY_MB = 400.0


def speed_text(part: dict[str, Any]) -> str:
    """The times that a person waits for, compared with others; then the hard pictures."""
    rows = [
        "| what | reader | median | of the rounds | reader / ours | right | peak MB | target | |",
        "| :--- | :--- | ---: | :--- | ---: | ---: | ---: | :--- | :--- |",
    ]
    done = [turn for turn in part["turns"] if "error" not in turn]
    for turn in done:
        ours = next((own for own in done if own["set"] == turn["set"] and own["peer"] == OURS), None)
        ms, target = statistics.median(turn["ms"]), TARGETS[turn["set"]]
        rows.append(
            row(
                TITLES[turn["set"]],
                PEERS[turn["peer"]].about,
                f"{ms:.1f} ms",
                f"{min(turn['ms']):.1f} to {max(turn['ms']):.1f}",
                ratio(turn["ms"], ours["ms"]) if ours and ours is not turn else "",
                f"{turn['right']} of {turn['n']}",
                f"{turn['peak_mb']:.0f}",
                *(at_most(ms, target, "ms") if turn["peer"] == OURS else ("", "")),
            )
        )
    return "\n\n".join(["\n".join(rows), command_table(part), hard_table(part)])


def ratio(theirs: list[float], ours: list[float]) -> str:
    """The median of the rounds' ratios."""
    return f"{statistics.median(a / b for a, b in zip(theirs, ours, strict=True)):.1f}"


def command_table(part: dict[str, Any]) -> str:
    """Whole commands, and the most memory of a process that reads."""
    rows = ["| ours | measured | target | |", "| :--- | ---: | :--- | :--- |"]
    cold, folder, failed = part["cold"], part["folder"], []
    if "error" in cold:
        failed.append(f"\nThe cold command failed: `{cold['error']}`")
    else:
        s = statistics.median(cold["seconds"])
        rows.append(row("`tendigits read line.png`, the whole process", f"{s:.2f} s", *at_most(s, MAX_COMMAND_S, "s")))
    if "error" in folder:
        failed.append(f"\nThe folder failed: `{folder['error']}`")
    else:
        rate = folder["n"] / statistics.median(folder["seconds"])
        what = f"`tendigits read FOLDER --one --csv`, {folder['n']:,} PNG of 28x28, the whole process"
        rows.append(row(what, f"{rate:,.0f} a second", f">= {MIN_FOLDER_RATE:,.0f}", met(rate >= MIN_FOLDER_RATE)))
    peaks = [own["peak_mb"] for own in [*part["turns"], *part["hard"]] if own.get("peer", OURS) == OURS and "ms" in own]
    if peaks:
        most = max(peaks)
        what = "peak memory, over all pictures of this part"
        rows.append(row(what, f"{most:.0f} MB", *at_most(most, MAX_MEMORY_MB, "MB")))
    return "\n".join([*rows, *failed])


def hard_table(part: dict[str, Any]) -> str:
    """The hard pictures, the slowest first."""
    rows = [
        "| hard picture | read | longest of two | target | | peak MB |",
        "| :--- | :--- | ---: | :--- | :--- | ---: |",
    ]
    for own in sorted(part["hard"], key=lambda own: -own.get("ms", 0.0)):
        if "error" in own:
            rows.append(row(own["picture"], f"failed: `{own['error']}`", "", "", "", ""))
            continue
        ms = own["ms"]
        cells = at_most(ms, MAX_PICTURE_MS, "ms")
        rows.append(row(own["picture"], own["read"], f"{ms:.0f} ms", *cells, f"{own['peak_mb']:.0f}"))
    return "\n".join(rows)


def at_most(measured: float, target: float, unit: str) -> tuple[str, str]:
    """Two cells: the most wanted and whether it is met."""
    return f"<= {target:g} {unit}", met(measured <= target)
