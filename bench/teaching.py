"""The effect of 50 corrections by one writer: accuracy on that writer's other digits and on MNIST, before and after.

    python bench/teaching.py --scans folder      # half an hour; bench/results/ and docs/results.md
    python bench/teaching.py --report-only                        # docs/results.md again, from the JSON

Every writer with more than 50 pictures, three times with another 50 of them. They are chosen at random, whether the
reader was right about them or not: the least informative corrections.
"""

import csv
import statistics
from pathlib import Path
from typing import Any

import numpy as np

from environments import ROOT, options, recorded, replace_between
from tendigits.data.load import load
from tendigits.digits.find import find_digit
from tendigits.digits.network import Network, bundled_file, from_onnx
from tendigits.engine.loop import use_compilation_cache
from tendigits.teach.finetune import fine_tune, rehearsal_crops

RESULTS = ROOT / "bench" / "results" / "teaching.json"
BEGIN, END = "<!-- teaching: written by bench/teaching.py -->", "<!-- /teaching -->"
CORRECTIONS, TIMES = 50, 3
Array = np.ndarray[Any, Any]


def main() -> None:
    """Fine-tune, evaluate, save and report."""
    parser = options(__doc__)
    parser.add_argument("--scans", type=Path, help="Folder of folders, each with a labels.csv: path, label, writer.")
    given = parser.parse_args()
    record = recorded(RESULTS, given.report_only, lambda: {"lessons": measure(given.data, given.scans)})
    replace_between(ROOT / "docs" / "results.md", BEGIN, END, table(record))


def measure(data: Path, scans: Path) -> list[dict[str, Any]]:
    """A row for each fine-tuning."""
    use_compilation_cache()
    dataset = load(data)
    mnist = np.array([find_digit(image).crop for image in dataset.x_test]), dataset.y_test
    before = from_onnx(bundled_file(), "before")
    mnist_before = accuracy(before, *mnist)
    rows = []
    for writer, (crops, labels) in writers(scans).items():
        for seed in range(TIMES):
            order = np.random.default_rng(seed).permutation(len(labels))
            own, rest = order[:CORRECTIONS], order[CORRECTIONS:]
            rehearsal = rehearsal_crops(dataset, np.random.default_rng(seed))
            tuned = fine_tune(bundled_file(), crops[own], labels[own], rehearsal, seed)
            after = from_onnx(tuned, "after")
            rows.append({
                "writer": writer, "seed": seed, "held_out": len(rest),
                "before": accuracy(before, crops[rest], labels[rest]),
                "after": accuracy(after, crops[rest], labels[rest]),
                "accepted_before": accepted(before, crops[rest]), "accepted_after": accepted(after, crops[rest]),
                "mnist_before": mnist_before, "mnist_after": accuracy(after, *mnist),
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


def accuracy(network: Network, crops: Array, labels: Array) -> float:
    """Fraction that is read right."""
    return float((network(crops).digits.argmax(axis=1) == labels).mean())


def accepted(network: Network, crops: Array) -> float:
    """Fraction that is accepted at the network's threshold."""
    return float((network(crops).confidence >= network.threshold).mean())


def table(record: dict[str, Any]) -> str:
    """Format the results as Markdown: a line for each writer, means over the fine-tunings."""
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
        f"{len(lessons)} fine-tunings on {CORRECTIONS} digits; {worse} of them read the writer worse afterwards. "
        f"MNIST's test digits lost {-100 * least:.2f} points at most. {record['machine']['processor']}, "
        f"{record['machine']['cores']} cores."
    )]  # fmt: skip
    return "\n".join(lines)


def row_of(name: str, rows: list[dict[str, Any]]) -> str:
    """One line; held-out digits are counted over all fine-tunings."""
    held_out = sum(row["held_out"] for row in rows)
    keys = ("before", "after", "accepted_before", "accepted_after")
    fractions = [sum(row[key] * row["held_out"] for row in rows) / held_out for key in keys]
    mnist = [statistics.mean(row[key] for row in rows) for key in ("mnist_before", "mnist_after")]
    cells = " | ".join(f"{share:.2%}" for share in (*fractions, *mnist))
    return f"| {name} | {held_out} | {cells} |"


if __name__ == "__main__":
    main()
