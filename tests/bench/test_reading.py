"""The readers' benchmark: pictures by seed, a made-up peer, tables; test_scripts.py compares them with the README."""

from pathlib import Path

import cv2
import numpy as np
import pytest

import contact_sheet
import reading
import reading_peers
import reading_sets
from measuring import signs
from measuring.lines import Digits
from reading_sets import Set


@pytest.fixture(scope="module")
def hand(digits):
    """Digits to write with, every one of the ten among them."""
    return Digits(list(digits.x_test[:200]), digits.y_test[:200].tolist())


@pytest.fixture
def fake_peer(tmp_path, monkeypatch):
    """A peer that says its code's idea of each file's name; its script is written to a folder of its own."""
    peers = str(Path(reading_peers.script("read_common")).parent)

    def make(body):
        (tmp_path / "fake.py").write_text(
            f"import sys\nsys.path.insert(0, {peers!r})\nfrom read_common import run\n{body}\n"
        )
        monkeypatch.setattr(reading_peers, "script", lambda name: str(tmp_path / f"{name}.py"))
        monkeypatch.setattr(reading_peers, "WORK", tmp_path / "work")
        return reading_peers.Peer(
            "fake", "Fake", "fake", None, dict.fromkeys(("digit", "line", "page", "grid"), ("bare",))
        )

    return make


def test_labels_tell_the_kind_of_a_set(tmp_path):
    for name, label in (("cheques", "120"), ("sudoku_times", "1:24"), ("grids", "3;?;12|;;4"), ("marks", "")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "labels.csv").write_text(f"path,label\na.jpg,{label}\n")
    sets = {own.name: own for own in reading_sets.number_sets(tmp_path, None)}
    kinds = {"cheques": "line", "grids": "grid", "marks": "nothing", "sudoku_times": "line"}
    assert {name: own.kind for name, own in sets.items()} == kinds
    assert sets["grids"].truth == [["3", "12", "4"]]
    assert ":" in sets["sudoku_times"].keep
    assert ":" not in sets["cheques"].keep
    assert sets["marks"].files["bare"] == [[tmp_path / "marks" / "a.jpg"]]


READS = 'run("fake", lambda given: lambda path: [(path[-5], 0.9, True)], "numpy")'
"""A peer that says the last character of a file's name."""


def test_a_peer_is_asked_scored_and_timed(fake_peer, tmp_path):
    own = Set("some", "digit", ["1", "2", "4"], {"bare": [[tmp_path / f"{i}.png"] for i in (1, 2, 3)]})
    turn = reading_peers.take_turn(fake_peer(READS), own, "bare")
    record = turn.record
    assert [record[key] for key in ("peer", "set", "given", "right", "n")] == ["fake", "some", "bare", 2, 3]
    assert (record["accepted"], record["wrong_accepted"]) == (3, 1)
    assert turn.wrong == {2: "3"}
    assert record["peak_mb"] > 1
    assert record["versions"]["numpy"] == np.__version__
    assert "failed" not in record


def test_a_picture_that_a_peer_cannot_open_is_wrong_and_a_peer_that_does_not_load_says_why(fake_peer, tmp_path):
    own = Set("some", "digit", ["1", "0"], {"bare": [[tmp_path / f"{i}.png"] for i in (1, 2)]})
    peer = fake_peer('run("fake", lambda given: lambda path: [(str(1 // (path[-5] != "2")), 1.0, True)])')
    record = reading_peers.take_turn(peer, own, "bare").record
    assert (record["right"], record["n"], record["accepted"]) == (1, 2, 1)
    assert record["failed"][0] == 1
    assert record["failed"][1].startswith("ZeroDivisionError")
    peer = fake_peer("def load(given):\n    raise OSError('no model')\nrun('fake', load)")
    assert reading_peers.take_turn(peer, own, "bare").record["error"] == "OSError: no model"


def test_our_peer_reads_a_line_with_a_sign(tmp_path, hand):
    rng = np.random.default_rng(5)
    made = (signs.make_signed(hand, rng) for _ in range(3))
    own = reading_sets.pictures("some", "line", made, tmp_path, reading_sets.DIGITS + signs.SIGNS)
    turn = reading_peers.take_turn(reading_peers.PEERS["tendigits"], own, "bare")
    assert turn.record["right"] >= 1


def test_what_is_read_wrongly_is_listed_and_shown_by_kind(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(reading, "WRONG", tmp_path / "wrong")
    made = ((np.full((40, 60 + 20 * n), 255, np.uint8), truth) for n, truth in enumerate(("12", "345", "6")))
    own = reading_sets.pictures("some", "line", made, tmp_path)
    paths = [path for (path,) in own.files["bare"]]
    reading.show_wrong(own, paths, {0: "72", 1: "45"})
    assert (tmp_path / "wrong" / "some.txt").read_text().splitlines() == [str(paths[0]), str(paths[1])]
    assert capsys.readouterr().err == "  1 one character misread, 1 an end lost\n"
    sheet = cv2.imread(str(tmp_path / "wrong" / "some.png"), cv2.IMREAD_GRAYSCALE)
    assert (sheet[: contact_sheet.CAPTION, : 2 * contact_sheet.TILE[0]] < 128).any()


def test_pieces_of_a_line_are_put_together():
    from read_common import Found, of_kind

    found = [
        Found(60, 12, 90, 32, "34", 0.7),
        Found(0, 10, 50, 30, "1 - 2", 0.9),
        Found(5, 52, 40, 70, "5", 0.8, accepted=False),
        Found(0, 90, 9, 99, "no digits"),
    ]
    assert of_kind("page", found) == [("1234", 0.7, True), ("5", 0.8, False)]
    assert [text for text, _, _ in of_kind("grid", found)] == ["1", "2", "34", "5"]
    assert "".join(text for text, _, _ in of_kind("line", found[:2], keep="0123456789-")) == "1-234"
