"""What several tests make: pictures, IDX files, crops, corrections, processes."""

import base64
import gzip
import io
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import pytest
from PIL import Image, ImageDraw, ImageFont

from tendigits.data.dataset import ARRAYS
from tendigits.digits.network import bundled_file
from tendigits.errors import DataError
from tendigits.geometry import Box
from tendigits.numbers.network import bundled_file as bundled_numbers_file
from tendigits.teach.corrections import Correction, NumberCorrection

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
RECORD = {
    "format": 2, "status": "running", "created": "2026-11-25T12:00:00+00:00", "resumed": [], "seed": 0,
    "data": {"name": "MNIST", "source": "the tendigits package", "path": None, "sha256": {}},
    "machine": {"python": "3.11", "versions": {"keras": "3.15.1"}}, "git": None, "durations": {}, "parameters": 0,
}  # fmt: skip
"""What run.json holds when a training begins."""
THREE = [(0.3, 0.25), (0.42, 0.15), (0.6, 0.17), (0.66, 0.3), (0.58, 0.42), (0.44, 0.47), (0.6, 0.52), (0.69, 0.65),
         (0.62, 0.8), (0.45, 0.85), (0.29, 0.76)]  # fmt: skip
LOCKED_PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n"
    b"3 0 obj<</Filter/Standard/V 1/R 2/O<" + b"41" * 32 + b">/U<" + b"42" * 32 + b">/P -4>>endobj\n"
    b"trailer<</Root 1 0 R/Size 4/Encrypt 3 0 R/ID[<00><00>]>>\n%%EOF"
)
"""Of a PDF that is encrypted with an unknown password: its key doesn't fit."""


def png(image: Any) -> bytes:
    """A white digit on black, as a picture of a dark digit on white paper."""
    data = io.BytesIO()
    Image.fromarray(255 - np.asarray(image)).resize((112, 112)).save(data, "PNG")
    return data.getvalue()


def idx_bytes(array: Any) -> bytes:
    """An array as an IDX file."""
    return struct.pack(f">{1 + array.ndim}I", 0x0800 + array.ndim, *array.shape) + array.tobytes()


def write_idx(folder: Path, arrays: dict[str, Any], *, separator: str = "-", ending: str = "") -> None:
    """Write MNIST's four files, the name's separator and ending as asked."""
    for key in ARRAYS:
        stem = f"{'train' if key.endswith('train') else 't10k'}-{'images' if key.startswith('x') else 'labels'}"
        data = idx_bytes(arrays[key])
        path = folder / f"{stem}{separator}idx{arrays[key].ndim}-ubyte{ending}"
        path.write_bytes(gzip.compress(data) if ending else data)


def peak_while_refusing(read: Callable[[], Any]) -> tuple[int, str]:
    """Bytes of memory that a DataError took, and its message, which is one line."""
    tracemalloc.start()
    try:
        with pytest.raises(DataError) as caught:
            read()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert "\n" not in str(caught.value)
    return peak, str(caught.value)


def page_of_numbers(digits: Any, rows: int = 2, columns: int = 4) -> bytes:
    """A picture of the first test digits in lines."""
    paper = np.full((20 + 130 * rows, 74 + 70 * columns), 255, np.uint8)
    for row in range(rows):
        for column in range(columns):
            digit = np.asarray(Image.fromarray(digits.x_test[columns * row + column]).resize((84, 84)))
            place = paper[30 + 120 * row : 114 + 120 * row, 30 + 70 * column : 114 + 70 * column]
            np.minimum(place, 255 - digit, out=place)
    data = io.BytesIO()
    Image.fromarray(paper).save(data, "PNG")
    return data.getvalue()


def printed_table(rows: Sequence[Sequence[object]], size: int = 40) -> Image.Image:
    """A picture of a ruled table with printed numbers."""
    width, height = 190, 80
    page = Image.new("L", (40 + width * len(rows[0]), 60 + height * len(rows)), 245)
    draw = ImageDraw.Draw(page)
    for row, numbers in enumerate(rows):
        for column, number in enumerate(numbers):
            left, top = 20 + width * column, 30 + height * row
            draw.rectangle((left, top, left + width, top + height), outline=60, width=2)
            draw.text((left + 50, top + 16), str(number), 40, ImageFont.load_default(size))
    return page


FORM_SIZE = (900, 1200)
FORM_WORDS = "Examination of the second term, department of statistics, please fill in clearly"
FORM_FIELDS = {
    "student": Box(420, 300, 760, 370), "points": Box(420, 500, 600, 570), "mark": Box(420, 700, 600, 770),
}  # fmt: skip


def filled_form(values: dict[str, str]) -> Any:
    """A form with printed words and boxes, filled in with numbers, uint8 (1200, 900)."""
    page = Image.new("L", FORM_SIZE, 242)
    draw = ImageDraw.Draw(page)
    for n, word in enumerate(FORM_WORDS.split()):
        draw.text((80 + 190 * (n % 4), 60 + 46 * (n // 4)), word, 40, ImageFont.load_default(26))
    for name, box in FORM_FIELDS.items():
        draw.text((120, box.top + 16), f"{name} of the examined person", 40, ImageFont.load_default(20))
        draw.rectangle(tuple(box), outline=70, width=2)
        draw.text((box.left + 30, box.top + 8), values.get(name, ""), 30, ImageFont.load_default(46))
    draw.text(
        (120, 900), "This form is read by a machine. Keep it clean, and do not fold it.", 40, ImageFont.load_default(24)
    )
    draw.ellipse((640, 960, 820, 1140), outline=60, width=5)
    draw.polygon([(150, 1010), (260, 960), (330, 1120), (180, 1150)], outline=50)
    return np.asarray(page)


def photo_of(page: Any, turned: int = 0) -> Any:
    """A filled form on a desk, aslant, uint8 (1450, 1200), and turned clockwise by so many degrees."""
    width, height = FORM_SIZE
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    seen = np.array([[190, 130], [1010, 180], [1060, 1330], [120, 1270]], np.float32)
    picture = cv2.warpPerspective(page, cv2.getPerspectiveTransform(corners, seen), (1200, 1450), borderValue=90)
    return np.ascontiguousarray(np.rot90(picture, -turned // 90))


def file_of(image: Image.Image) -> bytes:
    """A picture as a PNG."""
    data = io.BytesIO()
    image.save(data, "PNG")
    return data.getvalue()


def crop64(crop: Any) -> str:
    return base64.b64encode(np.asarray(crop, np.uint8).tobytes()).decode()


def correction(crop: Any, label: int | None = 3, **changes: Any) -> Correction:
    values = {"predicted": 5, "source": "draw", "network": "0" * 64, "created": NOW} | changes
    return Correction(np.asarray(crop, np.uint8), label, **values)


def strip_of(text: str) -> np.ndarray[Any, Any]:
    """A printed number as a strip of scale 1, uint8 (40, width)."""
    width, base = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 1.2, 2)[0][0], 33
    strip = np.full((40, 4 * round((width + 42) / 4)), 225, np.uint8)
    cv2.putText(strip, text, (21, base), cv2.FONT_HERSHEY_SIMPLEX, 1.2, 40, 2, cv2.LINE_AA)
    return strip


def number(strip: Any, text: str, **changes: Any) -> NumberCorrection:
    values = {"predicted": "5", "source": "picture", "network": "0" * 64, "created": NOW} | changes
    return NumberCorrection(strip, text, **values)


def changed(factor: float) -> bytes:
    """The package's network with its last layer's weights multiplied."""
    return multiplied(bundled_file(), factor)


def changed_numbers(factor: float) -> bytes:
    """The package's network for numbers with its last layer's weights multiplied."""
    return multiplied(bundled_numbers_file(), factor)


def multiplied(data: bytes, factor: float) -> bytes:
    file = onnx.load_from_string(data)
    last = [node for node in file.graph.node if node.op_type in ("Conv", "Gemm")][-1]
    (weights,) = (constant for constant in file.graph.initializer if constant.name == last.input[1])
    value = onnx.numpy_helper.to_array(weights) * np.float32(factor)
    weights.CopyFrom(onnx.numpy_helper.from_array(value, weights.name))
    return file.SerializeToString()


def draw(page: Any, points: list[tuple[float, float]], release: bool = True, pad: str = "#pad") -> None:
    """Draw on a page's pad with the mouse, in fractions of the pad."""
    page.locator(pad).scroll_into_view_if_needed()
    frame = page.locator(pad).bounding_box()
    place = [(frame["x"] + x * frame["width"], frame["y"] + y * frame["height"]) for x, y in points]
    page.mouse.move(*place[0])
    page.mouse.down()
    for point in place[1:]:
        page.mouse.move(*point, steps=2)  # the browser paints each
    if release:
        page.mouse.up()


def touching(page: Any) -> Callable[..., None]:
    """Put fingers on a page, move them and lift them: `touch("touchStart", (x, y), ...)`, in pixels of the window."""
    session = page.context.new_cdp_session(page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        touches = [{"x": x, "y": y, "id": finger} for finger, (x, y) in enumerate(points)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    return touch


def draw_in_play(page: Any, points: list[tuple[float, float]]) -> None:
    """Draw on the pad of the page Play."""
    page.locator("#play-pad").scroll_into_view_if_needed()
    page.evaluate("scrollBy(0, -120)")  # away from the bar at the top
    draw(page, points, pad="#play-pad")


def opened_up(folder: Path, place: Path) -> str:
    """The address of a copy of an exported page in which a test may use the script's `modules`."""
    for path in folder.iterdir():
        text = path.read_text()
        if path.suffix == ".js":
            text = text.replace("const modules = {};", "const modules = globalThis.modules = {};")
        (place / path.name).write_text(text)
    return (place / "index.html").as_uri()


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port: int = free.getsockname()[1]
        return port


def tendigits(*arguments: Any) -> "subprocess.Popen[str]":
    """The command, in a separate process."""
    command = [sys.executable, "-m", "tendigits", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


class ServeProcess:
    """`tendigits serve` on a free port, in a separate process."""

    def __init__(self, folder: Path, *arguments: str, **environment: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tendigits", "serve", "--port", "0", "--store", "a.db", *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder, env={**os.environ, **environment},
        )  # fmt: skip
        self.first_line = self.process.stdout.readline()
        match = re.search(r"http://\S+:(\d+)", self.first_line)
        if match is None:
            raise RuntimeError(self.process.communicate()[1])
        self.port = int(match[1])
        self.url = f"http://127.0.0.1:{self.port}"

    def peak_memory(self) -> int:
        """The most that the process has held, in MB; its children are not counted."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) // 1024

    def child(self, command: str) -> int:
        """Its child that runs this command; looked for in /proc, so only on Linux."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        (found,) = [int(pid) for pid in children if command in Path(f"/proc/{pid}/cmdline").read_text()]
        return found

    def stop(self, number: int = signal.SIGTERM) -> str:
        """End it as a person would; gives what it wrote to standard error."""
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=60)
        assert self.process.returncode == 0
        return errors
