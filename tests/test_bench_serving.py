"""The arithmetic of the serving and teaching benchmarks, from made-up records, and a body that is really asked."""

import base64
import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "bench"))  # its scripts import each other by name

import serving
import teaching
from tendigits.read.reader import Reader

MACHINE = {"processor": "A chip", "cores": 2, "python": "3.11.7", "versions": {"keras": "3.15.1"}}


def test_rates_are_of_answers_medians_over_rounds():
    turns = [
        {"server": "tendigits", "what": "digit", "clients": 8, "requests": requests, "seconds": 8.0, "p50": p50,
         "p99": 20.0, "errors": errors}
        for requests, p50, errors in ((8000, 7.0, 0), (6400, 9.0, 1), (7200, 8.0, 2))
    ]  # fmt: skip
    memory = [{"requests": 4000, "megabytes": 150.0}, {"requests": 100_000, "megabytes": 151.0}]
    lines = serving.table({"machine": MACHINE, "turns": turns, "memory": memory}).splitlines()
    assert "| tendigits serve | digit | 8 | 899.8 | 8.0 | 20.0 | 0.0% |" in lines
    assert "Memory in use: 150 MB after 4,000 requests, 151 MB after 100,000." in lines[-1]


def test_what_is_asked_is_the_same_picture_for_all(small_npz, tmp_path):
    bodies = serving.write_bodies(small_npz, tmp_path)
    assert {name: kind for name, (_, kind) in bodies.items()} == {
        "digit": "image/png", "json": "application/json", "photo": "image/jpeg",
    }  # fmt: skip
    digit = bodies["digit"][0].read_bytes()
    assert base64.b64decode(json.loads(bodies["json"][0].read_text())["image"]) == digit
    with np.load(small_npz) as data:
        assert Reader().digit(digit).label == data["y_test"][0]
    assert cv2.imread(str(bodies["photo"][0])).shape[:2] == (3000, 4000)


def lesson(writer, seed, before, after, mnist):
    return {
        "writer": writer, "seed": seed, "held_out": 10, "before": before, "after": after,
        "accepted_before": 0.9, "accepted_after": 1.0, "mnist_before": 0.996, "mnist_after": mnist,
    }  # fmt: skip


def test_digits_are_counted_over_the_lessons_of_a_writer():
    lessons = [lesson("a", 0, 0.9, 1.0, 0.996), lesson("a", 1, 1.0, 1.0, 0.9955), lesson("b", 0, 1.0, 0.9, 0.9965)]
    text = teaching.table({"machine": MACHINE, "lessons": lessons})
    assert "| a | 20 | 95.00% | 100.00% | 90.00% | 100.00% | 99.60% | 99.58% |" in text
    assert "| **all** | 30 | 96.67% | 96.67% | 90.00% | 100.00% | 99.60% | 99.60% |" in text
    assert "3 lessons of 50 digits; in 1 of them the writer was read worse afterwards." in text
    assert "lost 0.05 points at most" in text


def test_writers_with_few_pictures_are_left_out(tmp_path, digits, monkeypatch):
    monkeypatch.setattr(teaching, "CORRECTIONS", 3)
    folder = tmp_path / "scans"
    folder.mkdir()
    rows = ["path,label,writer"]
    for i in range(9):
        cv2.imwrite(str(folder / f"{i}.png"), 255 - cv2.resize(digits.x_test[i], (84, 84)))
        rows.append(f"{i}.png,{digits.y_test[i]},{'anna' if i < 5 else 'bert' if i < 8 else ''}")
    (folder / "labels.csv").write_text("\n".join(rows))
    found = teaching.writers(tmp_path)
    assert list(found) == ["scans anna"]
    crops, labels = found["scans anna"]
    assert crops.shape == (5, 28, 28)
    assert labels.tolist() == digits.y_test[:5].tolist()


@pytest.mark.parametrize("module", [serving, teaching])
def test_a_table_that_was_measured_is_in_its_document(module):
    document = (Path(__file__).parents[1] / ("bench/README.md" if module is serving else "docs/results.md")).read_text()
    if module.RESULTS.exists():
        assert module.table(json.loads(module.RESULTS.read_text())) in document
    else:
        assert f"{module.BEGIN}\n\nNot measured yet.\n\n{module.END}" in document
