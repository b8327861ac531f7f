"""The readers' results as Markdown: accuracies with their intervals, what is accepted, speeds, targets.

The input is the record that bench/reading.py saves as JSON.
"""

import statistics
from collections.abc import Callable
from typing import Any

from read_speed_tables import speed_text
from reading_peers import OURS, PEERS
from reading_sets import TITLES
from tables import busy_text, busy_turns, commit_text, machine_text, met, row
from tendigits.report.metrics import wilson_interval

Turn = dict[str, Any]
Record = dict[str, Any]

PARTS = {
    "numbers": "Real numbers on paper",
    "strings": "Real strings of writers who are held out",
    "lines": "Lines",
    "pages": "Pages",
    "digits": "Single digits",
    "nondigits": "Nothing to read",
}
"""The parts that have turns, and their titles."""

TARGETS = {
    "kensanata": 0.98,
    "exam": 0.97,
    "stylus": 0.995,
    "mnist": 0.995,
    "lines of MNIST": 0.92,
    "lines of scans": 0.92,
    "pages": 0.97,
    "touching pages": 0.97,
    "photos": 0.97,
    "spaced pages": 0.95,
    "cheques": 0.87,
    "sudoku_times": 1.0,
    "cells_gradesheet": 1.0,
    "sudoku_photo": 0.985,
    "lectaurep_numbers": 0.84,
    "line_numbers": 0.84,
    "words": 0.95,
    "signatures": 0.95,
    "letters": 0.95,
    "scribbles": 0.95,
    "marks": 1.0,
}
"""Our targets: the minimum fraction of each set that is right or, where nothing is to be read, not accepted."""

PPOCR = {
    "small": ("rapidocr", "rapidocr_alone", "faster_paddle"),
    "tiny": ("rapidocr_tiny", "rapidocr_tiny_alone", "faster_paddle_tiny"),
}
"""The readers with PP-OCRv6, by the size of its models."""

TIME = 5
"""Target: how many times as fast as PP-OCRv6 ours is."""


def text(record: Record) -> str:
    """The tables of all parts that the record has."""
    parts = record["parts"]
    turns = {part: parts[part]["turns"] for part in PARTS if part in parts}
    every = [turn for own in turns.values() for turn in own]
    blocks = [machine_text(record)]
    if len({turn["peer"] for turn in every}) > 1:
        blocks += ["## Compared with PP-OCRv6", summary(every)]
    for part, own in turns.items():
        blocks.append(f"## {PARTS[part]}")
        for name in dict.fromkeys(turn["set"] for turn in own):
            of_set = [turn for turn in own if turn["set"] == name]
            table = nothing_table if of_set[0]["kind"] == "nothing" else set_table
            blocks += [f"**{TITLES.get(name, name)}**", table(of_set)]
        blocks += [*notes(own), settings_text(parts[part])]
    if "speed" in parts:
        speed = parts["speed"]
        blocks += ["## Speed", speed_text(speed), *notes(speed["turns"]), settings_text(speed)]
    if every:
        blocks += ["## The processes", process_table(every)]
    return "\n\n".join(blocks)


def summary(turns: list[Turn]) -> str:
    """A row for each set: ours and the best of PP-OCRv6, on the same pictures."""
    rows = [
        "| set | n | ours | target | | PP-OCRv6 small, the better of its settings | tiny | ours ahead "
        f"| ours, ms | fastest PP-OCRv6 that finds the text itself, ms | at most 1/{TIME} |",
        "| :--- | ---: | ---: | :--- | :--- | ---: | ---: | :--- | ---: | ---: | :--- |",
    ]
    done = [turn for turn in turns if "error" not in turn]
    for name in dict.fromkeys(turn["set"] for turn in done):
        of_set = [turn for turn in done if turn["set"] == name]
        ours = next((turn for turn in of_set if turn["peer"] == OURS), None)
        if ours is None:
            continue
        right, n = good({**ours, **ours.get("first", {})})  # the pictures that the others read, too
        best = {}
        for size, peers in PPOCR.items():
            best[size] = max((share_of(turn) for turn in of_set if turn["peer"] in peers), default=None)
        found = [share for share in best.values() if share is not None]
        finding = [turn["ms"] for turn in of_set if turn["given"] == "bare" and turn["peer"] in FINDING]
        rows.append(
            row(
                TITLES.get(name, name),
                f"{n:,}",
                f"{right / n:.1%}",
                *at_least(share_of(ours), TARGETS.get(name)),
                *("not measured" if share is None else f"{share:.1%}" for share in best.values()),
                ahead(right / n, max(found)) if found else "",
                f"{ours['ms']:.1f}",
                f"{min(finding):.1f}" if finding else "",
                met(TIME * ours["ms"] <= min(finding)) if finding else "",
            )
        )
    return "\n".join(rows)


FINDING = {peer for peers in PPOCR.values() for peer in peers if not peer.endswith("_alone")}
"""Those that look for the text themselves."""


def good(turn: Turn) -> tuple[int, int]:
    """How many are right, and of how many; of pictures with nothing to read, those in which nothing is accepted."""
    return turn["n"] - turn["accepted"] if turn["kind"] == "nothing" else turn["right"], turn["n"]


def share_of(turn: Turn) -> float:
    """The share that is right."""
    right, n = good(turn)
    return float(right / n)


def set_table(turns: list[Turn]) -> str:
    """A row for each peer in each setting, best first."""
    what = {"page": "lines right", "grid": "numbers right"}.get(turns[0]["kind"], "right")
    rows = [
        f"| reader | given | n | {what} | 95% interval | accepted | wrong of these | at 1% wrong | ms, median |",
        "| :--- | :--- | ---: | ---: | :--- | ---: | ---: | ---: | ---: |",
    ]
    done = [turn for turn in turns if "error" not in turn]
    for turn in ordered(done, lambda turn: float(turn["right"] / turn["n"])):
        name, n = PEERS[turn["peer"]].about, turn["n"]
        rows.append(
            row(
                name,
                turn["given"],
                f"{n:,}",
                *share(turn["right"], n),
                f"{turn['accepted'] / n:.1%}",
                f"{turn['wrong_accepted']:,} ({turn['wrong_accepted'] / max(1, turn['accepted']):.1%})",
                f"{turn['covered']:.1%}",
                f"{turn['ms']:.1f}",
            )
        )
        if "first" in turn and len(done) > 1:
            right, n = turn["first"]["right"], turn["first"]["n"]
            rows.append(row("of these, what the others read", "", f"{n:,}", *share(right, n), "", "", "", ""))
    return "\n".join(rows)


def nothing_table(turns: list[Turn]) -> str:
    """The same for pictures with nothing to read."""
    rows = [
        "| reader | n | nothing accepted | 95% interval | nothing read | ms, median |",
        "| :--- | ---: | ---: | :--- | ---: | ---: |",
    ]
    for turn in ordered(turns, share_of):
        if "error" not in turn:
            n = turn["n"]
            refused = share(n - turn["accepted"], n)
            rows.append(
                row(PEERS[turn["peer"]].about, f"{n:,}", *refused, f"{turn['right'] / n:.2%}", f"{turn['ms']:.1f}")
            )
    return "\n".join(rows)


def ordered(turns: list[Turn], key: Callable[[Turn], float]) -> list[Turn]:
    """The best first; what failed is left out."""
    return sorted((turn for turn in turns if "error" not in turn), key=lambda turn: -key(turn))


def share(right: int, n: int) -> tuple[str, str]:
    """Two cells: a proportion and its interval."""
    low, high = wilson_interval(right, n)
    return f"{right / n:.2%}", f"{low:.1%} to {high:.1%}"


def ahead(ours: float, theirs: float) -> str:
    """A cell: whether ours is ahead."""
    return "level" if ours == theirs else met(ours > theirs)


def at_least(measured: float, target: float | None) -> tuple[str, str]:
    """Two cells: the least value wanted and whether it is met; empty without a target."""
    return ("", "") if target is None else (f">= {target:.1%}", met(measured >= target))


def process_table(turns: list[Turn]) -> str:
    """Each reader's seconds to import and load, and its peak memory, over all its turns."""
    rows = ["| reader | load, s, median | peak MB |", "| :--- | ---: | ---: |"]
    for peer in dict.fromkeys(turn["peer"] for turn in turns):
        own = [turn for turn in turns if turn["peer"] == peer and "error" not in turn]
        if own:
            load, peak = statistics.median(turn["load_s"] for turn in own), max(turn["peak_mb"] for turn in own)
            rows.append(row(PEERS[peer].about, f"{load:.2f}", f"{peak:.0f}"))
    return "\n".join(rows)


def notes(turns: list[Turn]) -> list[str]:
    """What failed, what could not be read, which lines came in pieces, and which turns other programs disturbed."""
    lines = []
    errors = {(turn["peer"], turn["error"]) for turn in turns if "error" in turn}
    lines += [f"{PEERS[peer].about}: {error}" for peer, error in sorted(errors)]
    for turn in turns:
        where = f"{TITLES.get(turn['set'], turn['set'])}, {turn['given']}"
        if "failed" in turn:
            count, reason = turn["failed"]
            lines.append(f"{PEERS[turn['peer']].about} could not read {count} pictures of {where}: `{reason}`")
        if turn["peer"] == OURS and turn["set"] == "column sums" and "whole" in turn:
            lines.append(f"Ours read all three numbers of {turn['whole']} of {turn['pictures']} {turn['set']}.")
        if turn["peer"] == OURS and turn.get("lost"):
            lines.append(f"Ours neither read nor reported {turn['lost']} of the {turn['digits']:,} digits of {where}.")
        if turn["peer"] == OURS and turn.get("pieces"):
            lines.append(f"Ours read {turn['pieces']} of the right lines of {where} as several numbers.")
    if busy_turns(turns):
        lines.append(f"{busy_text(turns)}.")
    return lines


def settings_text(part: Record) -> str:
    """The date, limit and commit of a part."""
    limit = part["settings"]["limit"]
    return f"{part['date']}{f'; only {limit} pictures of each set' if limit else ''}{commit_text(part['commit'])}."
