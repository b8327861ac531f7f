"""Speed: a line, a page and a photo in turns with others; our command, a folder of pictures, and hard pictures."""

import shutil
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from environments import BENCH, observed, variables
from measuring.lines import Digits, Grey, Rng, make_page
from measuring.signs import SIGNS, make_signed
from reading_peers import PEERS, WORK, Peer, ask
from reading_scores import score
from reading_sets import Set, photo, pictures

ROUNDS, RUNS, FOLDER_RUNS = 5, 7, 3
"""Turns of each reader, runs of the cold command, runs over the folder."""

LINES, PAGES, PHOTOS = 40, 6, 3
"""Pictures of a turn."""

FOLDER = 10_000
"""Pictures in the folder."""


def measure_speed(
    digits: Digits, singles: Set, peers: tuple[Peer, ...], limit: int | None, seed: int
) -> dict[str, Any]:
    """Measure all; `singles` are pictures of one digit each."""
    rng = np.random.default_rng(seed)
    sets = [*timed_sets(digits, rng, limit)]
    turns = take_turns(sets, peers, min(ROUNDS, limit or ROUNDS))
    (line,) = sets[0].files["bare"][0]
    cold = command_seconds(["read", str(line)], min(RUNS, limit or RUNS))
    return {
        "turns": turns,
        "cold": cold,
        "folder": read_folder(singles, limit),
        "hard": [read_hard(name, path) for name, path in write_hard(digits, rng)],
    }


def timed_sets(digits: Digits, rng: Rng, limit: int | None) -> Iterator[Set]:
    """Lines with signs, pages of ten lines of which one pair in five touches, and photos of nine lines."""
    lines = (make_signed(digits, rng) for _ in range(limit or LINES))
    yield pictures("timed line", "line", lines, WORK, "0123456789" + SIGNS)
    yield pictures("timed page", "page", (make_page(digits, rng, touching=0.2) for _ in range(limit or PAGES)), WORK)
    files, truth = [], []
    for number in range(min(PHOTOS, limit or PHOTOS)):
        picture, values = photo(digits, rng, lines=9)
        files.append([WORK / f"photo-{number}.jpg"])
        cv2.imwrite(str(files[-1][0]), picture, [cv2.IMWRITE_JPEG_QUALITY, 92])
        truth.append(values)
    yield Set("timed photo", "page", [*truth], {"bare": files})


def take_turns(sets: list[Set], peers: tuple[Peer, ...], rounds: int) -> list[dict[str, Any]]:
    """Each set read by one reader after the other, `rounds` times; the milliseconds of a round are its median."""
    turns = []
    for own in sets:
        paths = [path for (path,) in own.files["bare"]]
        asked: dict[str, list[dict[str, Any]]] = {peer.name: [] for peer in peers}
        for _ in range(rounds):
            for peer in peers:
                if not any("error" in turn for turn in asked[peer.name]):
                    asked[peer.name].append(ask(peer, paths, own.kind, own.keep))
        for name, its_turns in asked.items():
            about: dict[str, Any] = {"set": own.name, "peer": name, "given": "bare"}
            if error := next((turn["error"] for turn in its_turns if "error" in turn), None):
                turns.append({**about, "error": error})
                continue
            result = score(own, its_turns[0]["answers"])
            about |= {"ms": [round(statistics.median(turn["ms"]), 3) for turn in its_turns], "right": result.right}
            about |= {
                "n": result.n,
                "peak_mb": max(turn["peak_mb"] for turn in its_turns),
                "others": max(turn["others"] or 0 for turn in its_turns),
            }
            turns.append({**about, "versions": its_turns[0]["versions"]})
            print(f"{own.name} {name}: {about['ms']} ms", file=sys.stderr, flush=True)
    return turns


def read_folder(singles: Set, limit: int | None) -> dict[str, Any]:
    """Seconds of the whole command for a folder of pictures of single digits."""
    n = min(FOLDER, limit or FOLDER)
    folder = WORK / "folder"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for (path,) in singles.files["bare"][:n]:
        shutil.copy(path, folder)
    table = str(WORK / "folder.csv")
    return {**command_seconds(["read", str(folder), "--one", "--csv", table, "--quiet"], FOLDER_RUNS), "n": n}


def command_seconds(arguments: list[str], runs: int) -> dict[str, Any]:
    """Seconds of the whole command `tendigits`, after a first run that is not counted."""
    environment = variables("jax", BENCH / "cache", ours=True)
    seconds = []
    for number in range(runs + 1):
        turn = observed([sys.executable, "-m", "tendigits", *arguments], environment)
        if "error" in turn:
            return {"error": turn["error"]}
        if number:
            seconds.append(round(turn["elapsed"], 4))
    return {"seconds": seconds}


def write_hard(digits: Digits, rng: Rng) -> Iterator[tuple[str, Path]]:
    """Pictures that may take a reader long, written to files."""
    folder = WORK / "hard"
    folder.mkdir(parents=True, exist_ok=True)
    for name, picture in hard_pictures(digits, rng):
        path = folder / f"{name}.png"
        cv2.imwrite(str(path), picture, [cv2.IMWRITE_PNG_COMPRESSION, 1])
        yield name, path


def hard_pictures(digits: Digits, rng: Rng) -> Iterator[tuple[str, Grey]]:
    """The pictures, each with what it is."""
    yield "noise of 2048x2048", rng.integers(0, 256, (2048, 2048), np.uint8)
    yield "noise of 4096x4096", rng.integers(0, 256, (4096, 4096), np.uint8)
    yield "a page of 3,700 digits", dense_page(digits, rng)
    yield "a checkerboard of 2048x2048", (np.indices((2048, 2048)).sum(axis=0) // 8 % 2 * 255).astype(np.uint8)
    yield "stripes of 2048x2048", (np.indices((2048, 2048))[1] // 6 % 2 * 255).astype(np.uint8)
    yield "3000x4000, all black", np.zeros((3000, 4000), np.uint8)
    yield "1x1", np.full((1, 1), 128, np.uint8)
    for name, shape in (("16384x24", (24, 16384)), ("24x16384", (16384, 24))):
        strip = np.full(shape, 255, np.uint8)
        strip[8:16, 8::40] = strip[8::40, 8:16] = 0
        yield name, strip


def dense_page(digits: Digits, rng: Rng) -> Grey:
    """Fifty rows of 74 digits, 28 pixels apart: uint8 (1460, 2132)."""
    page = np.full((1460, 2132), 255, np.uint8)
    for row in range(50):
        for column in range(74):
            ink, _ = digits.draw(rng)
            scale = 20 / max(ink.shape)
            small = cv2.resize(ink, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            y, x = 30 + 28 * row, 30 + 28 * column
            page[y : y + small.shape[0], x : x + small.shape[1]] = 255 - small
    return page


def read_hard(name: str, path: Path) -> dict[str, Any]:
    """The longest time that our reader took for the picture, of two."""
    turn = ask(PEERS["tendigits"], [path, path], "page")
    if "error" in turn:
        return {"picture": name, "error": turn["error"]}
    read = f"{len(turn['answers'][0]):,} numbers"
    refused = next(iter(turn["failed"].values()), None)
    return {"picture": name, "ms": max(turn["ms"]), "peak_mb": turn["peak_mb"], "read": refused or read}
