"""What 50 corrections of a writer are worth: that writer's other digits, and MNIST's, before and after.

    python bench/teaching.py --data mnist.npz --scans folder      # half an hour; bench/results/ and docs/results.md
    python bench/teaching.py --report-only                        # docs/results.md again, from the JSON

Every writer with more than 50 pictures, three times, each with other 50 of them. They are labelled by chance, whether
the reader had read them right or not: the least that a correction can tell.
"""

import argparse
import csv
import json
import statistics
from pathlib import Path
from typing import Any

import numpy as np

from documents import replace_between
from environments import MNIST, ROOT, commit, machine
from tendigits.data.load import load
from tendigits.engine.loop import use_compilation_cache
from tendigits.read.find import find_digit
from tendigits.read.network import Network, bundled_file, from_onnx
from tendigits.teach.finetune import TrainingSet, fine_tune
from tendigits.teach.pipeline import rehearsal_crops

RESULTS = ROOT / "bench" / "results" / "teaching.json"
BEGIN, END = "<!-- teaching: written by bench/teaching.py -->", "<!-- /teaching -->"
CORRECTIONS, TIMES = 50, 3
Array = np.ndarray[Any, Any]


def main() -> None:
    """Teach, judge, keep, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=MNIST, help="MNIST as an .npz")
    parser.add_argument("--scans", type=Path, help="a folder of folders with labels.csv: path, label, writer")
    parser.add_argument("--report-only", action="store_true", help="from the JSON")
    given = parser.parse_args()
    if given.report_only:
        record = json.loads(RESULTS.read_text())
    else:
        record = {"machine": machine(), "commit": commit(), "lessons": measure(given.data, given.scans)}
        RESULTS.write_text(json.dumps(record, indent=1) + "\n")
    replace_between(ROOT / "docs" / "results.md", BEGIN, END, table(record))


def measure(data: Path, scans: Path) -> list[dict[str, Any]]:
    """A row for each lesson."""
    use_compilation_cache()
    dataset = load(data)
    mnist = np.array([find_digit(image).crop for image in dataset.x_test]), dataset.y_test
    before = from_onnx(bundled_file(), "before")
    at_first = right(before, *mnist)
    rows = []
    for writer, (crops, labels) in writers(scans).items():
        for seed in range(TIMES):
            order = np.random.default_rng(seed).permutation(len(labels))
            own, rest = order[:CORRECTIONS], order[CORRECTIONS:]
            rehearsal = rehearsal_crops(dataset, np.random.default_rng(seed))
            tuned = fine_tune(bundled_file(), TrainingSet(crops[own], labels[own], rehearsal), seed)
            after = from_onnx(tuned, "after")
            rows.append({
                "writer": writer, "seed": seed, "held_out": len(rest),
                "before": right(before, crops[rest], labels[rest]),
                "after": right(after, crops[rest], labels[rest]),
                "accepted_before": accepted(before, crops[rest]), "accepted_after": accepted(after, crops[rest]),
                "mnist_before": at_first, "mnist_after": right(after, *mnist),
            })  # fmt: skip
            print(rows[-1], flush=True)
    return rows


def writers(scans: Path) -> dict[str, tuple[Array, Array]]:
    """Crops and labels of each writer who has more than CORRECTIONS pictures."""
    found: dict[str, list[tuple[Array, int]]] = {}
    for file in sorted(scans.glob("*/labels.csv")):
        with file.open() as text:
            for row in csv.DictReader(text):
                if row["writer"]:
                    picture = find_digit(file.parent / row["path"]).crop, int(row["label"])
                    found.setdefault(f"{file.parent.name} {row['writer']}", []).append(picture)
    return {
        name: (np.array([crop for crop, _ in own]), np.array([label for _, label in own]))
        for name, own in found.items()
        if len(own) > CORRECTIONS
    }


def right(network: Network, crops: Array, labels: Array) -> float:
    """Share that is read right."""
    return float((network(crops).digits.argmax(axis=1) == labels).mean())


def accepted(network: Network, crops: Array) -> float:
    """Share that is accepted without a person."""
    return float((network(crops).confidence >= network.threshold).mean())


def table(record: dict[str, Any]) -> str:
    """The results as Markdown: a line for each writer, means over the lessons."""
    lines = [
        "| writer | held out | right before | after | accepted before | after | MNIST before | after |",
        "| :--- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    lessons = record["lessons"]
    names = dict.fromkeys(row["writer"] for row in lessons)
    lines += [row_of(name, [row for row in lessons if row["writer"] == name]) for name in names]
    lines.append(row_of("**all**", lessons))
    least = min(row["mnist_after"] - row["mnist_before"] for row in lessons)
    worse = sum(row["after"] < row["before"] for row in lessons)
    lines += ["", (
        f"{len(lessons)} lessons of {CORRECTIONS} digits; in {worse} of them the writer was read worse afterwards. "
        f"MNIST's test digits lost {-100 * least:.2f} points at most. {record['machine']['processor']}, "
        f"{record['machine']['cores']} cores."
    )]  # fmt: skip
    return "\n".join(lines)


def row_of(name: str, rows: list[dict[str, Any]]) -> str:
    """One line; digits held out are counted over the lessons."""
    held_out = sum(row["held_out"] for row in rows)
    keys = ("before", "after", "accepted_before", "accepted_after")
    shares = [sum(row[key] * row["held_out"] for row in rows) / held_out for key in keys]
    mnist = [statistics.mean(row[key] for row in rows) for key in ("mnist_before", "mnist_after")]
    cells = " | ".join(f"{share:.2%}" for share in (*shares, *mnist))
    return f"| {name} | {held_out} | {cells} |"


if __name__ == "__main__":
    main()
