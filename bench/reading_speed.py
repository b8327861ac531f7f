"""Our reader's speed: a cold command, a warm digit, a phone's photo beside RapidOCR, a folder of pictures."""

import shutil
import statistics
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from environments import BENCH, observed, variables
from pages import Digits
from reading_peers import PEERS, WORK, ask, lines_right
from reading_sets import Set, photo

RUNS, FOLDER_RUNS, PHOTO_RUNS = 5, 3, 5
FOLDER = 10_000
"""Pictures in the folder."""

WARM = 300
"""Maximum number of pictures of each set for the warm process."""


def measure_speed(sets: list[Set], digits: Digits, limit: int | None, seed: int) -> dict[str, Any]:
    """Measure all four; the last set is MNIST's test digits."""
    (one,) = sets[0].files["bare"][0]
    cold = command_seconds(["read", str(one)], RUNS)
    warm = {}
    for own in sets:
        turn = ask(PEERS["tendigits"], [path for (path,) in own.files["bare"][:WARM]], "digit")
        warm[own.name] = turn if "error" in turn else {"ms": statistics.median(turn["ms"]), "n": len(turn["ms"])}
    n = min(FOLDER, limit or FOLDER)
    folder = WORK / "folder"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for (path,) in sets[-1].files["bare"][:n]:
        shutil.copy(path, folder)
    table = str(WORK / "folder.csv")
    many = command_seconds(["read", str(folder), "--one", "--csv", table, "--quiet"], FOLDER_RUNS)
    return {"cold": cold, "warm": warm, "photo": read_photo(digits, seed), "folder": {**many, "n": n}}


def command_seconds(arguments: list[str], runs: int) -> dict[str, Any]:
    """Seconds of the whole command `tendigits`, after a first run that is not counted."""
    environment = variables("jax", BENCH / "cache", ours=True)
    seconds = []
    for number in range(runs + 1):
        turn = observed([sys.executable, "-m", "tendigits", *arguments], environment)
        if "error" in turn:
            return {"error": turn["error"]}
        if number:
            seconds.append(round(turn["wall"], 4))
    return {"seconds": seconds}


def read_photo(digits: Digits, seed: int) -> dict[str, Any]:
    """Read the same 12-megapixel JPEG with ours and with RapidOCR: milliseconds, and right lines of ten."""
    picture, values = photo(digits, np.random.default_rng(seed))
    path: Path = WORK / "photo.jpg"
    cv2.imwrite(str(path), picture, [cv2.IMWRITE_JPEG_QUALITY, 92])
    result = {}
    for name in ("tendigits", "rapidocr"):
        turn = ask(PEERS[name], [path] * PHOTO_RUNS, "page")
        if "error" in turn:
            result[name] = turn
        else:
            right = lines_right(turn["answers"][0], values)
            result[name] = {"ms": turn["ms"], "right": right, "n": len(values), "peak_mb": turn["peak_mb"]}
    return result
