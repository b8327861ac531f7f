"""The readers' results as Markdown: accuracies with their intervals, speeds, targets.

The input is the record that bench/reading.py saves as JSON.
"""

import statistics
from typing import Any

from tables import BUSY, commit_text, machine_text, row
from tendigits.report.metrics import wilson_interval

Turn = dict[str, Any]
Record = dict[str, Any]

OURS = "tendigits"
NAMES = {
    "tendigits": "**tendigits**",
    "rapidocr": "RapidOCR",
    "rapidocr_alone": "RapidOCR, no detection",
    "easyocr": "EasyOCR",
    "easyocr_alone": "EasyOCR, no detection",
    "tesseract": "Tesseract",
    "digit_recognizer": "digit-recognizer-py",
}
SETS = {
    "kensanata": "kensanata: scanned forms",
    "exam": "exam: boxes of exam papers, 28x28 pixels",
    "stylus": "stylus: pen paths of a tablet",
    "mnist": "MNIST's test digits, 28x28 pixels",
    "lines of MNIST": "Lines of 3 to 8 of MNIST's test digits",
    "lines of scans": "Lines of 3 to 8 of the scans' digits",
    "pages": "Pages of ten lines",
    "photos": "Photos of eight lines on squared paper on a dark desk, aslant and shaded",
    "touching pages": "Pages of ten lines, one pair of digits in five touching",
}
TARGETS = {
    "kensanata": 0.98,
    "exam": 0.97,
    "stylus": 0.995,
    "mnist": 0.995,
    "lines of MNIST": 0.92,
    "lines of scans": 0.92,
    "pages": 0.97,
}
"""Our reader's targets: the least accuracy on each set."""

REJECTED, ACCEPTED = 0.95, 0.97
"""Targets: the least share of non-digits rejected, and of digits accepted, at the same threshold."""

COLD_S, WARM_MS, PHOTO_MS, FOLDER_RATE = 0.5, 2.0, 400.0, 2000.0
"""Targets: the most for a whole command, a digit and a photo; the least pictures per second."""

DRAWN = {
    "digits": "Wrong digits of ours, as they are and as the network saw them",
    "lines": "Wrong lines of ours, with what was read in them",
}


def text(record: Record) -> str:
    """The tables of all parts that the record has."""
    parts = record["parts"]
    blocks = [machine_text(record)]
    titles = {"digits": "Single digits, forced choice", "lines": "Lines", "pages": "Pages"}
    for part, title in titles.items():
        if part not in parts:
            continue
        turns = parts[part]["turns"]
        blocks.append(f"### {title}")
        for name in dict.fromkeys(turn["set"] for turn in turns):
            blocks += [f"**{SETS.get(name, name)}**", set_table(name, [turn for turn in turns if turn["set"] == name])]
        if parts[part].get("drawn"):
            blocks.append(f"[{DRAWN[part]}](results/reading_{part}.png)")
        blocks += [*notes(turns), settings_text(parts[part])]
    if "nondigits" in parts:
        blocks += ["### Non-digits", rejection_text(parts["nondigits"]), settings_text(parts["nondigits"])]
    if "speed" in parts:
        blocks += ["### Speed", speed_table(parts["speed"]), settings_text(parts["speed"])]
    turns = [turn for part in titles for turn in parts.get(part, {}).get("turns", ())]
    if turns:
        blocks += ["### The processes", process_table(turns)]
    return "\n\n".join(blocks)


def set_table(name: str, turns: list[Turn]) -> str:
    """A row for each peer in each setting, best first."""
    page = turns[0]["kind"] == "page"
    rows = [
        f"| reader | given | n | {'lines ' if page else ''}right | 95% interval | ms, median | target | |",
        "| :--- | :--- | ---: | ---: | :--- | ---: | :--- | :--- |",
    ]
    done = [turn for turn in turns if "error" not in turn]
    for turn in sorted(done, key=lambda turn: -turn["right"] / turn["n"]):
        target = TARGETS.get(name) if turn["peer"] == OURS else None
        rows.append(
            row(
                NAMES[turn["peer"]],
                turn["given"],
                f"{turn['n']:,}",
                *share(turn["right"], turn["n"]),
                f"{turn['ms']:.1f}",
                *at_least(turn["right"] / turn["n"], target),
            )
        )
        if "first" in turn and len(done) > 1:
            right, n = turn["first"]
            rows.append(row("of these, what the others read", "", f"{n:,}", *share(right, n), "", "", ""))
    return "\n".join(rows)


def share(right: int, n: int) -> tuple[str, str]:
    """Two cells: a proportion and its interval."""
    low, high = wilson_interval(right, n)
    return f"{right / n:.2%}", f"{low:.1%} to {high:.1%}"


def at_least(measured: float, target: float | None) -> tuple[str, str]:
    """Two cells: the least value wanted and whether it is met; empty without a target."""
    if target is None:
        return "", ""
    return f">= {target:.1%}", "met" if measured >= target else "**missed**"


def at_most(measured: float, target: float, unit: str) -> tuple[str, str]:
    """Two cells: the most wanted and whether it is met."""
    return f"<= {target:g} {unit}", "met" if measured <= target else "**missed**"


def rejection_text(part: Record) -> str:
    """Rejected non-digits and accepted digits, at the same threshold."""
    rows = [
        f"At the threshold {part['threshold']:.3f}, the default:",
        "",
        "| non-digits | n | rejected | 95% interval | target | |",
        "| :--- | ---: | ---: | :--- | :--- | :--- |",
    ]
    nondigits = part["nondigits"]
    total = {key: sum(kind[key] for kind in nondigits) for key in ("n", "rejected")}
    for kind in [*nondigits, {"kind": "all", **total}]:
        cells = share(kind["rejected"], kind["n"])
        rows.append(row(kind["kind"], f"{kind['n']:,}", *cells, *at_least(kind["rejected"] / kind["n"], REJECTED)))
    rows += [
        "",
        "| digits | n | accepted | 95% interval | target | | wrong of the accepted | of all |",
        "| :--- | ---: | ---: | :--- | :--- | :--- | ---: | ---: |",
    ]
    digits = part["digits"]
    total = {key: sum(own[key] for own in digits) for key in ("n", "accepted", "wrong", "wrong_accepted")}
    for own in [*digits, {"set": "all", **total}]:
        rows.append(
            row(
                own["set"],
                f"{own['n']:,}",
                *share(own["accepted"], own["n"]),
                *at_least(own["accepted"] / own["n"], ACCEPTED),
                f"{own['wrong_accepted'] / max(1, own['accepted']):.2%}",
                f"{own['wrong'] / own['n']:.2%}",
            )
        )
    return "\n".join(rows)


def speed_table(part: Record) -> str:
    """The times that a person waits for."""
    rows = ["| what | median | target | |", "| :--- | ---: | :--- | :--- |"]
    cold, folder, photo = part["cold"], part["folder"], part["photo"]
    if "error" not in cold:
        s = statistics.median(cold["seconds"])
        rows.append(row("`tendigits read one.png`, the whole process", f"{s:.2f} s", *at_most(s, COLD_S, "s")))
    for name, own in part["warm"].items():
        if "error" not in own:
            what = f"a digit of {name}, warm ({own['n']} files)"
            rows.append(row(what, f"{own['ms']:.2f} ms", *at_most(own["ms"], WARM_MS, "ms")))
    for peer, own in photo.items():
        if "error" not in own:
            ms = statistics.median(own["ms"])
            target = at_most(ms, PHOTO_MS, "ms") if peer == OURS else ("", "")
            what = f"a JPEG of 12 megapixels, {NAMES[peer]}, warm; {own['right']} of {own['n']} lines right"
            rows.append(row(what, f"{ms:.0f} ms", *target))
    if "error" not in folder:
        rate = folder["n"] / statistics.median(folder["seconds"])
        met = "met" if rate >= FOLDER_RATE else "**missed**"
        what = f"`tendigits read FOLDER --one --csv`, {folder['n']:,} PNG of 28x28, the whole process"
        rows.append(row(what, f"{rate:,.0f} a second", f">= {FOLDER_RATE:,.0f}", met))
    failed = {"cold": cold, "folder": folder, **part["warm"], **{f"photo, {NAMES[p]}": o for p, o in photo.items()}}
    rows += [f"\n{what} failed: `{own['error']}`" for what, own in failed.items() if "error" in own]
    return "\n".join(rows)


def process_table(turns: list[Turn]) -> str:
    """Each reader's seconds to import and load, and its peak memory, over all its turns."""
    rows = ["| reader | load, s, median | peak MB |", "| :--- | ---: | ---: |"]
    for peer in dict.fromkeys(turn["peer"] for turn in turns):
        own = [turn for turn in turns if turn["peer"] == peer and "error" not in turn]
        if own:
            load, peak = statistics.median(turn["load_s"] for turn in own), max(turn["peak_mb"] for turn in own)
            rows.append(row(NAMES[peer], f"{load:.2f}", f"{peak:.0f}"))
    return "\n".join(rows)


def notes(turns: list[Turn]) -> list[str]:
    """What failed, which pictures could not be read, and which turns other programs disturbed."""
    lines = []
    errors = {(turn["peer"], turn["error"]) for turn in turns if "error" in turn}
    lines += [f"{NAMES[peer]}: {error}" for peer, error in sorted(errors)]
    for turn in turns:
        if "failed" in turn:
            count, reason = turn["failed"]
            where = f"{turn['set']}, {turn['given']}"
            lines.append(f"{NAMES[turn['peer']]} could not read {count} pictures of {where}: `{reason}`")
    busy = [turn for turn in turns if (turn.get("others") or 0.0) > BUSY]
    if busy:
        most = max(turn["others"] for turn in busy)
        lines.append(
            f"In {len(busy)} of {len(turns)} turns other programs used more than {BUSY} cores, {most:.1f} at most."
        )
    return lines


def settings_text(part: Record) -> str:
    """The date, limit and commit of a part."""
    limit = part["settings"]["limit"]
    return f"{part['date']}{f'; only {limit} pictures of each set' if limit else ''}{commit_text(part['commit'])}."
