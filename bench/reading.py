"""Digit readers side by side: accuracy and speed, each in its own environment and in a fair setting.

    make bench-read SCANS=folder      # all parts; then bench/results/ and bench/README.md
    python bench/reading.py --scans folder --parts digits lines pages nondigits speed
    python bench/reading.py --limit 5 --peers tendigits tesseract       # a trial, only printed
    python bench/reading.py --report-only            # README again, from bench/results/reading.json

SCANS holds folders, each with a labels.csv (path,label). Peers take turns, set by set; each turn is a new process that
loads, reads one picture to warm up, and then times each. A part that is measured again replaces its old results.
"""

import argparse
import json
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import read_tables
from environments import BENCH, MNIST, README, ROOT, commit, machine, prepare
from pages import TOUCHING
from reading_peers import ENVIRONMENTS, OTHERS_LIMIT, PEERS, WORK, Peer, take_turn
from reading_sets import Set, ink_of, lines, pages, photos, pictures, scans, with_crops

RESULTS = ROOT / "bench" / "results" / "reading.json"
MISTAKES = {part: ROOT / "bench" / "results" / f"reading_{part}.png" for part in ("digits", "lines")}
BEGIN, END = "<!-- reading: written by bench/reading.py -->", "<!-- /reading -->"
PARTS = ("digits", "lines", "pages", "nondigits", "speed")
N_LINES, N_PAGES = 1000, 20
SEEDS = {"lines": 1, "pages": 2, "nondigits": 3, "scan lines": 4, "photo": 5, "photos": 6}


@dataclass(frozen=True)
class Settings:
    """What is measured, and how much of it."""

    data: Path
    scans: Path | None
    limit: int | None
    peers: tuple[Peer, ...]


def main() -> None:
    """Measure the parts, save and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=MNIST, help="MNIST as an .npz file.")
    parser.add_argument("--scans", type=Path, help="Folder of folders, each with a labels.csv.")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--peers", nargs="+", choices=[*PEERS], help="Peers to run, as a trial; default: all.")
    parser.add_argument("--limit", type=int, help="Maximum number of pictures of each set, as a trial.")
    parser.add_argument("--report-only", action="store_true", help="Write the README from the JSON.")
    given = parser.parse_args()
    if given.report_only:
        report(json.loads(RESULTS.read_text()))
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the turn's process ends too
    settings = Settings(
        data=given.data.resolve(),
        scans=given.scans.resolve() if given.scans else None,
        limit=given.limit,
        peers=tuple(PEERS[name] for name in given.peers or PEERS),
    )
    trial = bool(given.limit or given.peers)
    path = BENCH / "trial-reading.json" if trial else RESULTS
    record: dict[str, Any] = {"parts": {}}
    if path.exists() and not trial:
        record = json.loads(path.read_text())
    needed = {peer.environment for peer in settings.peers} | ({"rapidocr"} if "speed" in given.parts else set())
    prepare({name: wanted for name, wanted in ENVIRONMENTS.items() if name in needed})
    record["machine"] = machine()
    shutil.rmtree(WORK, ignore_errors=True)
    for part in given.parts:
        kept = {"date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()), "commit": commit()}
        record["parts"][part] = {**kept, "settings": {"limit": settings.limit}, **measure(part, settings, trial)}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(record, indent=1) + "\n")
    if trial:
        print(read_tables.text(record))
    else:
        report(record)


def measure(part: str, settings: Settings, trial: bool) -> dict[str, Any]:
    """Measure one part."""
    if part == "nondigits":
        from reading_rejection import measure_rejection

        return measure_rejection([*digit_sets(settings)], settings.data, settings.limit or 1000, SEEDS["nondigits"])
    if part == "speed":
        from reading_speed import measure_speed

        return measure_speed([*digit_sets(settings)], mnist_digits(settings.data), settings.limit, SEEDS["photo"])
    turns: list[dict[str, Any]] = []
    sets: list[Set] = []
    for own in {"digits": digit_sets, "lines": line_sets, "pages": page_sets}[part](settings):
        sets.append(cropped(own, settings))
        turns += take_turns(sets[-1], settings)
    result: dict[str, Any] = {"turns": turns}
    ours = [turn for turn in turns if turn["peer"] == "tendigits" and turn.get("wrong")]
    if ours:
        from mistakes import draw_mistakes, draw_wrong_lines

        draw = draw_mistakes if part == "digits" else draw_wrong_lines
        target = BENCH / f"trial-{part}.png" if trial else MISTAKES[part]
        result["drawn"] = draw({own.name: own for own in sets}, ours, target)
    return result


def digit_sets(settings: Settings) -> Iterator[Set]:
    """The scans, and MNIST's test digits as files of 28x28 pixels."""
    if settings.scans:
        for labels in sorted(settings.scans.glob("*/labels.csv")):
            yield scans(labels.parent, settings.limit)
    x, y = mnist(settings.data)
    made = ((picture, str(label)) for picture, label in zip(x[: settings.limit], y[: settings.limit], strict=True))
    yield pictures("mnist", "digit", made, WORK)


def line_sets(settings: Settings) -> Iterator[Set]:
    """Lines of MNIST's test digits, and of the scans' digits."""
    n = min(N_LINES, settings.limit or N_LINES)
    yield pictures("lines of MNIST", "line", lines(mnist_digits(settings.data), n, SEEDS["lines"]), WORK)
    if settings.scans:
        digits = ink_of([scans(labels.parent, None) for labels in sorted(settings.scans.glob("*/labels.csv"))])
        yield pictures("lines of scans", "line", lines(digits, n, SEEDS["scan lines"]), WORK)


def page_sets(settings: Settings) -> Iterator[Set]:
    """Pages of MNIST's test digits: with gaps between the digits, where one pair in five touches, and as photos."""
    n = min(N_PAGES, settings.limit or N_PAGES)
    for name, touching in (("pages", 0.0), ("touching pages", TOUCHING)):
        yield pictures(name, "page", pages(mnist_digits(settings.data), n, SEEDS["pages"], touching), WORK)
    yield pictures("photos", "page", photos(mnist_digits(settings.data), n, SEEDS["photos"]), WORK)


def cropped(own: Set, settings: Settings) -> Set:
    """The set with crops, if a peer gets them."""
    if any("cropped" in peer.given(own.kind) for peer in settings.peers):
        return with_crops(own, OTHERS_LIMIT[own.kind], WORK)
    return own


def take_turns(own: Set, settings: Settings) -> list[dict[str, Any]]:
    """Each peer's turn in each of its settings, one after the other."""
    turns = []
    for peer in settings.peers:
        for given in peer.given(own.kind):
            turn = take_turn(peer, own if peer.environment is None else own.first(OTHERS_LIMIT[own.kind]), given)
            what = turn.get("error") or f"{turn['right']} of {turn['n']}, {turn['ms']:.1f} ms"
            print(f"{own.name} {peer.name} {given}: {what}", file=sys.stderr, flush=True)
            turns.append(turn)
    return turns


def mnist(path: Path) -> tuple[Any, Any]:
    """MNIST's test digits, uint8 (n, 28, 28), and their labels."""
    from tendigits.data.load import load

    data = load(path)
    return data.x_test, data.y_test


def mnist_digits(path: Path) -> Any:
    """MNIST's test digits, to write lines with."""
    from pages import Digits

    x, y = mnist(path)
    return Digits(list(x), y.tolist())


def report(record: dict[str, Any]) -> None:
    """Write the README's tables from the record."""
    from documents import replace_between

    replace_between(README, BEGIN, END, read_tables.text(record))


if __name__ == "__main__":
    main()
