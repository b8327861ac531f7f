"""Digit readers side by side: accuracy, what they accept, and speed, each in its own environment and in a fair setting.

    make bench-read SCANS=folder NUMBERS=folder STRINGS=folder     # all parts; then bench/results/reading.*
    python bench/reading.py --scans folder --parts digits lines pages nondigits speed
    python bench/reading.py --numbers folder --parts numbers --peers tendigits      # ours again; the others' turns stay
    python bench/reading.py --numbers folder --parts numbers --limit 20     # a trial, only printed
    python bench/reading.py --report-only            # the tables again, from bench/results/reading.json

SCANS and NUMBERS hold folders, each with a labels.csv (path,label); STRINGS is the folder of real writing that `make
reader` learns from: only the writers that it holds out are read here. Peers take turns, set by set; each turn is a new
process that loads, reads one picture to warm up, and then times each. What is measured again replaces its old results.
.bench/wrong lists what our reader reads wrongly, and shows pictures of one number by kind; `tendigits read FILE --show`
draws one.
"""

import json
import shutil
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from PIL import Image

import read_tables
from contact_sheet import Wrong, contact_sheet, counts_of
from environments import BENCH, ROOT, date_and_commit, machine, options, prepare, save
from measuring import nondigits
from measuring.lines import TOUCHING, Grey, Rng, make_line, make_page, make_photo
from measuring.signs import SIGNS, make_signed
from measuring.spacing import make_column_sum, make_spaced
from reading_peers import ENVIRONMENTS, OTHERS_LIMIT, OURS, PEERS, WORK, Peer, take_turn
from reading_sets import (
    DIGITS,
    Set,
    digits_in,
    drawn,
    ink_of,
    mnist_digits,
    number_sets,
    pictures,
    scans,
    with_crops,
)
from real.files import STRINGS, Purpose, load

RESULTS = ROOT / "bench" / "results" / "reading.json"
WRONG = BENCH / "wrong"
PARTS = ("numbers", "strings", "lines", "pages", "digits", "nondigits", "speed")
TIMED = ("tendigits", "rapidocr", "rapidocr_tiny", "faster_paddle_tiny", "tesseract")
"""Readers of the part "speed"."""

N_LINES, N_PAGES, N_NONDIGITS, N_SPACED, N_SUMS = 1000, 20, 500, 60, 120
SEEDS = {"lines": 1, "pages": 2, "nondigits": 3, "scan lines": 4, "speed": 5, "photos": 6, "signs": 7, "scan signs": 8}
SEEDS |= {"spaced": 9, "sums": 10}


@dataclass(frozen=True)
class Settings:
    """What is measured, and how much of it."""

    data: Path
    scans: Path | None
    numbers: Path | None
    strings: Path | None
    limit: int | None
    peers: tuple[Peer, ...]

    def most(self, n: int) -> int:
        """At most `n` pictures."""
        return min(n, self.limit or n)


def main() -> None:
    """Measure the parts, save and report."""
    parser = options(__doc__)
    parser.add_argument("--scans", type=Path, help="Folder of folders of single digits, each with a labels.csv.")
    parser.add_argument("--numbers", type=Path, help="Folder of folders of real numbers, each with a labels.csv.")
    parser.add_argument("--strings", type=Path, help="Folder of real writing, of which some writers are held out.")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--peers", nargs="+", choices=[*PEERS], help="Peers to run; default: all.")
    parser.add_argument("--limit", type=int, help="Maximum number of pictures of each set, as a trial.")
    given = parser.parse_args()
    if given.report_only:
        report(json.loads(RESULTS.read_text()))
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the turn's process ends too
    settings = Settings(
        data=given.data.resolve(),
        scans=given.scans.resolve() if given.scans else None,
        numbers=given.numbers.resolve() if given.numbers else None,
        strings=given.strings.resolve() if given.strings else None,
        limit=given.limit,
        peers=tuple(PEERS[name] for name in given.peers or PEERS),
    )
    trial = given.limit is not None
    path = BENCH / "trial-reading.json" if trial else RESULTS
    record: dict[str, Any] = {"parts": {}}
    if path.exists() and not trial:
        record = json.loads(path.read_text())
    needed = {peer.environment for peer in settings.peers}
    prepare({name: wanted for name, wanted in ENVIRONMENTS.items() if name in needed})
    record["machine"] = machine()
    shutil.rmtree(WORK, ignore_errors=True)
    for part in given.parts:
        kept = {**date_and_commit(), "settings": {"limit": settings.limit}, **measure(part, settings)}
        if given.peers and part != "speed":
            turns = record["parts"].get(part, kept)["turns"]
            kept["turns"] += [turn for turn in turns if turn["peer"] not in given.peers]
        record["parts"][part] = kept
        save(record, path)
    if trial:
        print(read_tables.text(record))
    else:
        report(record)


def measure(part: str, settings: Settings) -> dict[str, Any]:
    """Measure one part."""
    if part == "speed":
        from reading_speed import measure_speed

        singles = mnist_set(settings)
        timed = tuple(peer for peer in settings.peers if peer.name in TIMED)
        return measure_speed(mnist_digits(settings.data), singles, timed, settings.limit, SEEDS["speed"])
    turns: list[dict[str, Any]] = []
    for own in SETS_OF[part](settings):
        turns += take_turns(cropped(own, settings), settings)
    return {"turns": turns}


def real_sets(settings: Settings) -> Iterator[Set]:
    """Real numbers on paper."""
    if settings.numbers:
        yield from number_sets(settings.numbers, settings.limit)


def string_sets(settings: Settings) -> Iterator[Set]:
    """Real strings of people of whose writing the reader has learned nothing; their points and commas do not count."""
    for name in STRINGS if settings.strings else ():
        held_out = load(Path(settings.strings or "") / f"{name}.npz", Purpose.MEASURE)
        made = ((example.picture, digits_in(example.label)) for example in held_out)
        yield pictures(name, "line", islice(made, settings.limit), WORK)


def digit_sets(settings: Settings) -> Iterator[Set]:
    """The scans, and MNIST's test digits as files of 28x28 pixels."""
    if settings.scans:
        for labels in sorted(settings.scans.glob("*/labels.csv")):
            yield scans(labels.parent, settings.limit)
    yield mnist_set(settings)


def line_sets(settings: Settings) -> Iterator[Set]:
    """Lines of MNIST's test digits and of the scans' digits, without and with signs."""
    sources = [("MNIST", mnist_digits(settings.data), SEEDS["lines"], SEEDS["signs"])]
    if settings.scans:
        ink = ink_of([scans(labels.parent, None) for labels in sorted(settings.scans.glob("*/labels.csv"))])
        sources.append(("scans", ink, SEEDS["scan lines"], SEEDS["scan signs"]))
    n = settings.most(N_LINES)
    for name, digits, seed, signed_seed in sources:
        yield pictures(f"lines of {name}", "line", drawn(partial(make_line, digits), n, seed), WORK)
        made = drawn(partial(make_signed, digits), n, signed_seed)
        yield pictures(f"signed lines of {name}", "line", made, WORK, DIGITS + SIGNS)


def page_sets(settings: Settings) -> Iterator[Set]:
    """Pages of MNIST's test digits: whole, touching, as photos, with digits far apart; and column sums."""
    n, digits = settings.most(N_PAGES), mnist_digits(settings.data)
    for name, touching in (("pages", 0.0), ("touching pages", TOUCHING)):
        made = drawn(partial(make_page, digits, touching=touching), n, SEEDS["pages"])
        yield pictures(name, "page", made, WORK)
    yield pictures("photos", "page", drawn(partial(make_photo, digits), n, SEEDS["photos"]), WORK)
    spaced, sums = settings.most(N_SPACED), settings.most(N_SUMS)
    yield pictures("spaced pages", "page", drawn(partial(make_spaced, digits), spaced, SEEDS["spaced"]), WORK)
    made = drawn(partial(make_column_sum, digits), sums, SEEDS["sums"])
    yield pictures("column sums", "page", made, WORK, DIGITS + "+-")


def nondigit_sets(settings: Settings) -> Iterator[Set]:
    """Pictures with nothing to read."""
    for name, draw in nondigits.KINDS.items():
        made = drawn(partial(without_truth, draw), settings.most(N_NONDIGITS), SEEDS["nondigits"])
        yield pictures(name, "nothing", made, WORK)


def without_truth(draw: Callable[[Rng], Grey], rng: Rng) -> tuple[Grey, str]:
    """A picture in which there is nothing to read."""
    return draw(rng), ""


SETS_OF = {
    "numbers": real_sets,
    "strings": string_sets,
    "digits": digit_sets,
    "lines": line_sets,
    "pages": page_sets,
    "nondigits": nondigit_sets,
}
"""The sets of each part."""


def cropped(own: Set, settings: Settings) -> Set:
    """The set with crops, if a peer gets them."""
    if any("cropped" in peer.given(own.kind) for peer in settings.peers):
        return with_crops(own, OTHERS_LIMIT[own.kind], WORK)
    return own


def take_turns(own: Set, settings: Settings) -> list[dict[str, Any]]:
    """Each peer's turn in each of its settings, one after the other; what ours reads wrongly is listed."""
    records = []
    for peer in settings.peers:
        for given in peer.given(own.kind):
            turn = take_turn(peer, own if peer.environment is None else own.first(OTHERS_LIMIT[own.kind]), given)
            record = turn.record
            what = record.get("error") or f"{record['right']} of {record['n']}, {record['ms']:.1f} ms"
            print(f"{own.name} {peer.name} {given}: {what}", file=sys.stderr, flush=True)
            records.append(record)
            if peer.name == OURS:
                show_wrong(own, [files[0] for files in own.files[given]], turn.wrong)
    return records


def show_wrong(own: Set, paths: Sequence[Path], read: Mapping[int, str]) -> None:
    """List the pictures of a set that were read wrongly; those of one number are shown by kind, too."""
    WRONG.mkdir(parents=True, exist_ok=True)
    (WRONG / f"{own.name}.txt").write_text("\n".join(str(paths[n]) for n in read))
    if own.kind == "line":
        wrong = [Wrong(str(own.truth[n]), text, Image.open(paths[n]).convert("L")) for n, text in read.items()]
        contact_sheet(wrong).save(WRONG / f"{own.name}.png")
        print(f"  {counts_of(wrong)}", file=sys.stderr, flush=True)


def mnist_set(settings: Settings) -> Set:
    """MNIST's test digits as files."""
    digits = mnist_digits(settings.data)
    made = ((picture, str(label)) for picture, label in zip(digits.ink, digits.labels, strict=True))
    return pictures("mnist", "digit", islice(made, settings.limit), WORK)


def report(record: dict[str, Any]) -> None:
    """Write the tables from the record."""
    RESULTS.with_suffix(".md").write_text(f"# Reading\n\n{read_tables.text(record)}\n")


if __name__ == "__main__":
    main()
