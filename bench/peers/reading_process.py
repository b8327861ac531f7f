"""A process that reads pictures from standard input and says what each cost; started by bench/robustness.py.

Each picture is its length, 8 bytes, and its bytes. For each it writes a line of JSON: the outcome, the seconds of a
processor in `Reader.read` and `Reader.digit`, and the most memory of the process in MB.
"""

import json
import resource
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tendigits.errors import DataError
from tendigits.read.reader import Reader

PEAK = Path("/proc/self/clear_refs")
"""Linux: writing 5 here lets VmHWM begin anew."""


def main() -> None:
    """Read until the input ends."""
    cv2.setNumThreads(1)
    reader = Reader(threads=1)
    warm_up(reader)
    while len(head := sys.stdin.buffer.read(8)) == 8:
        data = sys.stdin.buffer.read(struct.unpack("<Q", head)[0])
        PEAK.write_text("5")
        # As the server and the command do: tables and what a page says of itself are parts of reading.
        read, first = timed(lambda picture: reader.read(picture).as_dict(), data)
        digit, second = timed(reader.digit, data)
        outcome = next((each for each in (first, second) if each != "read"), "read")
        cost = {"outcome": outcome, "read": read, "digit": digit, "peak": peak()}
        print(json.dumps(cost), flush=True)


def timed(work: Callable[[bytes], Any], data: bytes) -> tuple[float, str]:
    """Seconds of a processor, and the outcome: "read", "refused", or an exception that is no DataError."""
    started = seconds()
    try:
        work(data)
        outcome = "read"
    except DataError:
        outcome = "refused"
    except Exception as error:
        outcome = f"{type(error).__name__}: {error}"[:200]
    return seconds() - started, outcome


def seconds() -> float:
    """Seconds of a processor, of this process and of those that it has waited for."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def warm_up(reader: Reader) -> None:
    """Read a small page, so that what is loaded once counts for no picture."""
    page = np.full((200, 600), 255, np.uint8)
    cv2.putText(page, "123 45 6", (20, 120), cv2.FONT_HERSHEY_SIMPLEX, 3, 0, 5)
    reader.read(page)
    reader.digit(page)


def peak() -> int:
    """The most memory since PEAK was written, in MB."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) >> 10 for line in status.splitlines() if line.startswith("VmHWM"))


if __name__ == "__main__":
    main()
