"""Model cards of the reader's networks, and a data card, in the form of Hugging Face, into reader/cards/.

python reader/cards.py   # from weights, networks, reader.json, CREDIT, fonts.csv, and bench/results/reading.json
"""

import csv
import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import yaml

from tendigits.report.metrics import wilson_interval

ROOT = Path(__file__).parents[1]
CARDS = ROOT / "reader" / "cards"
SOURCE = ROOT / "src" / "tendigits"
LIMITS = "## What they are for, and what not\n"
"""The heading of reader/README.md from which the limits are taken."""
DATA_SET = "ylecun/mnist"
"""MNIST's name on Hugging Face."""
TYPES = {1: "float32", 2: "uint8"}
"""Names of ONNX' types of elements."""


@dataclass(frozen=True)
class Network:
    """What is not in any file: what a network does."""

    title: str
    about: str
    file: str
    """The network, below src/tendigits."""
    weights: tuple[str, ...]
    """Files of weights in reader/, which are counted; none: reader.json has the number."""
    pipeline: str
    output: str
    sets: tuple[tuple[str, str, str], ...]
    """What was measured: its part and set in bench/results/reading.json, and what it is."""


NETWORKS = {
    "digits": Network(
        "tendigits: a digit",
        "Says which digit a picture of 28x28 pixels shows, or that it shows none. A small convolutional network.",
        "digits/assets/reader.onnx", (), "image-classification", "logits of the digits 0 to 9 and of *no digit*",
        (("digits", "mnist", "MNIST's test digits"), ("digits", "exam", "boxes of exam papers"),
         ("digits", "kensanata", "scanned forms"), ("digits", "stylus", "pen paths of a tablet")),
    ),
    "finder": Network(
        "tendigits: where numbers stand",
        "Says where on a page the middle of a number runs and how high its digits are.",
        "numbers/assets/finder.onnx", ("finder.npz",), "object-detection",
        "for each place: whether a number is there, where its middle is, its height and its slope",
        (("pages", "pages", "pages of ten lines of MNIST's test digits"),
         ("pages", "photos", "photos of eight lines on squared paper"),
         ("pages", "spaced pages", "digits up to 1.5 heights apart")),
    ),
    "numbers": Network(
        "tendigits: a line of digits and signs",
        "Reads a strip of a page, 40 pixels high: which character has its centre at each second column, and where its "
        "edges are. The mean of two networks with the same layers.",
        "numbers/assets/numbers.onnx", ("numbers_1.npz", "numbers_2.npz"), "image-to-text",
        "for each second column: logits of digits, signs, sides of cells and *none*, and distances to the edges",
        (("numbers", "cheques", "amounts on cheques"), ("numbers", "cells_gradesheet", "cells of mark sheets"),
         ("numbers", "sudoku_photo", "numbers in photographed 9x9 grids; pencilled candidates have no label"),
         ("lines", "lines of MNIST", "lines of MNIST's test digits"),
         ("lines", "signed lines of MNIST", "lines with signs, MNIST's test digits")),
    ),
}  # fmt: skip


def model_card(name: str) -> str:
    """The card of a network as Markdown with a YAML head."""
    network, path = NETWORKS[name], SOURCE / NETWORKS[name].file
    measured = [(about, turn) for part, key, about in network.sets if (turn := _turn(part, key))]
    head = {
        "license": "apache-2.0",
        "library_name": "onnx",
        "pipeline_tag": network.pipeline,
        "tags": ["handwriting", "digits", "ocr", "onnxruntime", "tendigits"],
        "datasets": [DATA_SET],
        "model-index": [
            {
                "name": f"tendigits-{name.replace('_', '-')}",
                "results": [
                    {
                        "task": {"type": network.pipeline},
                        "dataset": {"type": turn["set"].replace(" ", "-"), "name": about},
                        "metrics": [
                            {"type": "accuracy", "name": "read exactly", "value": round(turn["right"] / turn["n"], 4)}
                        ],
                    }
                    for about, turn in measured
                ],
            }
        ],
    }
    rows = [_row(about, turn) for about, turn in measured]
    graph = onnx.load(path).graph
    shape = [size.dim_value or "n" for size in graph.input[0].type.tensor_type.shape.dim]
    lines = [
        f"# {network.title}",
        network.about,
        "## Facts",
        f"- Input: {TYPES[graph.input[0].type.tensor_type.elem_type]} ({', '.join(map(str, shape))}). "
        f"Output: {network.output}.\n"
        f"- {_n_weights(network):,} weights, {path.stat().st_size / 1e6:.2f} MB of ONNX, "
        f"SHA-256 {hashlib.sha256(path.read_bytes()).hexdigest()}.\n"
        f"- Part of `pip install tendigits`: `tendigits.Reader()` opens it, on any processor, without Keras.",
        "## Measured",
        "With the whole reader, as `tendigits read` reads, on pictures that nothing was learned from "
        f"({_part('lines')['date']}; `bench/reading.py`):",
        "| | n | read exactly | 95% interval | accepted | wrong of these |\n"
        "| :--- | ---: | ---: | :--- | ---: | ---: |\n" + "\n".join(rows),
        "## Data",
        "What it learned from, with licences, is in the [data card](data.md).",
        "## Limits",
        _limits(),
    ]
    return _card(head, lines)


def data_card() -> str:
    """The card of the data that the networks learned from."""
    made = json.loads((SOURCE / "digits" / "assets" / "reader.json").read_text())["made"]
    with (ROOT / "reader" / "fonts.csv").open() as file:
        fonts = Counter(row["licence"] for row in csv.DictReader(file))
    sources = (ROOT / "reader" / "CREDIT").read_text().partition("\n")[2].strip()
    head = {
        "pretty_name": "What tendigits' networks learned from",
        "license": ["cc-by-sa-3.0", "cc-by-4.0", "mit", "bsd", "ofl", "apache-2.0"],
        "task_categories": ["image-classification", "image-to-text", "object-detection"],
        "size_categories": ["1M<n<10M"],
        "source_datasets": [DATA_SET],
        "annotations_creators": ["machine-generated", "expert-generated"],
        "tags": ["handwriting", "digits", "synthetic"],
    }
    lines = [
        "# What tendigits' networks learned from",
        f"{made['crops']:,} crops of single digits and non-digits, and lines and pages that are written anew for each "
        "step of the training, so that nothing but their sources is kept. All of them are made by "
        "[reader/](../README.md).",
        "## Sources and licences",
        sources,
        f"- {sum(fonts.values())} fonts from npm's registry, each named in [fonts.csv](../fonts.csv): "
        + ", ".join(f"{n} under {licence}" for licence, n in fonts.most_common())
        + ".",
        "## Held out",
        "MNIST's 10,000 test digits and the last 5,000 training digits. Of ten writers of real strings one is only "
        "measured on, and one only calibrated on.",
        "## People",
        "The real strings are of registers of 1829 to 1939, letters and notebooks that archives have published. Their "
        "pictures are not in the package; a few hundred crops of synthetic writers are, for fine-tuning.",
        "## Limits",
        _limits(),
    ]
    return _card(head, lines)


def _card(head: dict[str, Any], paragraphs: list[str]) -> str:
    front = yaml.safe_dump(head, sort_keys=False, allow_unicode=True)
    note = "<!-- written by reader/cards.py -->"
    return f"---\n{front}---\n\n{note}\n\n" + "\n\n".join(paragraphs).rstrip() + "\n"


def _part(part: str) -> dict[str, Any]:
    parts: dict[str, dict[str, Any]] = json.loads((ROOT / "bench" / "results" / "reading.json").read_text())["parts"]
    return parts[part]


def _turn(part: str, name: str) -> dict[str, Any] | None:
    """What the reader read of a set; None if it was not measured."""
    turns = [turn for turn in _part(part)["turns"] if turn["peer"] == "tendigits" and turn["set"] == name]
    return max(turns, key=lambda turn: turn["n"], default=None)


def _row(about: str, turn: dict[str, Any]) -> str:
    low, high = wilson_interval(turn["right"], turn["n"])
    accepted, wrong = turn["accepted"], turn["wrong_accepted"]
    return (
        f"| {about} | {turn['n']:,} | {turn['right'] / turn['n']:.1%} | {low:.1%} to {high:.1%} | "
        f"{accepted:,} | {wrong:,} |"
    )


def _n_weights(network: Network) -> int:
    if not network.weights:
        return int(json.loads((SOURCE / "digits" / "assets" / "reader.json").read_text())["made"]["parameters"])
    total = 0
    for name in network.weights:
        with np.load(ROOT / "reader" / name) as file:
            total += sum(file[key].size for key in file.files)
    return total


def _limits() -> str:
    return (ROOT / "reader" / "README.md").read_text().partition(LIMITS)[2].strip()


def cards() -> dict[str, str]:
    """The text of each card, by the name of its file."""
    return {f"{name}.md": model_card(name) for name in NETWORKS} | {"data.md": data_card()}


if __name__ == "__main__":
    for file_name, text in cards().items():
        (CARDS / file_name).write_text(text, encoding="utf-8")
