"""The readers' benchmark: counts by hand, pictures by seed, a made-up peer; test_documents.py compares its tables."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest

import nondigits
import reading_peers
import reading_sets
from pages import Digits
from reading_sets import Set


@pytest.fixture(scope="module")
def hand(digits):
    """Fifty digits to write with."""
    return Digits(list(digits.x_test[:50]), digits.y_test[:50].tolist())


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
        given = ("bare", "cropped")
        return reading_peers.Peer("fake", "fake", None, given, given, given)

    return make


def test_score_counts_pictures_and_the_lines_of_pages():
    assert reading_peers.score(["1", "2", "3"], ["1", "", "33"]) == (1, 3, [(1, "2", ""), (2, "3", "33")])
    truth = [["12", "34", "56"], ["7", "8"]]
    right, n, wrong = reading_peers.score(truth, [["12", "56"], ["8", "7"]])
    assert (right, n) == (2, 5)  # a line was missed: the others count; both are there: their order counts
    assert [number for number, _, _ in wrong] == [0, 1]
    assert reading_peers.lines_right(["12", "12", "9"], ["12", "34"]) == 1  # a made-up line twice counts once


@pytest.mark.parametrize(
    "make", [reading_sets.lines, partial(reading_sets.pages, touching=0.2)], ids=["lines", "pages"]
)
def test_lines_and_pages_are_the_same_for_the_same_seed(make, hand):
    first, again, other = (list(make(hand, 2, seed)) for seed in (1, 1, 2))
    assert [value for _, value in first] == [value for _, value in again]
    assert all(np.array_equal(a, b) for (a, _), (b, _) in zip(first, again, strict=True))
    assert not all(np.array_equal(a, b) for (a, _), (b, _) in zip(first, other, strict=True))


@pytest.mark.parametrize("draw", [nondigits.letter, nondigits.scribble])
def test_nondigits_are_the_same_for_the_same_seed_and_in_no_font_of_the_training(draw):
    from synthesis import printed

    first, again = ([draw(rng) for _ in range(20)] for rng in (np.random.default_rng(4), np.random.default_rng(4)))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert min(np.ptp(picture) for picture in first) > 32  # a foreground
    assert not set(nondigits.FONTS) & set(printed.FONTS)


def test_a_peer_is_asked_scored_and_timed(fake_peer, tmp_path):
    peer = fake_peer('run("fake", lambda given: lambda path: path[-5], "numpy")')
    own = Set("some", "digit", ["1", "2", "4"], {"bare": [[tmp_path / f"{i}.png"] for i in (1, 2, 3)]})
    turn = reading_peers.take_turn(peer, own, "bare")
    assert (turn["peer"], turn["set"], turn["given"], turn["right"], turn["n"]) == ("fake", "some", "bare", 2, 3)
    assert turn["wrong"] == [(2, "4", "3")]
    assert turn["peak_mb"] > 1
    assert turn["versions"]["numpy"] == np.__version__
    assert "failed" not in turn


def test_the_crops_of_a_page_are_asked_as_lines_and_put_together(fake_peer, tmp_path):
    peer = fake_peer('run("fake", lambda given: lambda path: path[-5] if given.kind == "line" else ["no"])')
    own = Set("some", "page", [["1", "2"], ["4"]], {"cropped": [[tmp_path / f"{i}.png" for i in (1, 2)], []]})
    turn = reading_peers.take_turn(peer, own, "cropped")
    assert (turn["right"], turn["n"], turn["pictures"]) == (2, 3, 2)


def test_a_picture_that_a_peer_cannot_open_is_wrong_and_a_peer_that_does_not_load_says_why(fake_peer, tmp_path):
    own = Set("some", "digit", ["1", "0"], {"bare": [[tmp_path / f"{i}.png"] for i in (1, 2)]})
    peer = fake_peer('run("fake", lambda given: lambda path: str(1 // (path[-5] != "2")))')
    turn = reading_peers.take_turn(peer, own, "bare")
    assert (turn["right"], turn["n"]) == (1, 2)
    assert turn["failed"][0] == 1
    assert turn["failed"][1].startswith("ZeroDivisionError")
    peer = fake_peer("def load(given):\n    raise OSError('no model')\nrun('fake', load)")
    assert reading_peers.take_turn(peer, own, "bare")["error"] == "OSError: no model"


def test_pieces_of_a_line_are_put_together():
    from read_common import lines_of, of_kind

    found = [(60, 12, 90, 32, "34"), (0, 10, 50, 30, "1-2"), (5, 52, 40, 70, "5"), (0, 90, 9, 99, "no digits")]
    assert lines_of(found) == ["1234", "5"]
    assert of_kind("page", found) == ["1234", "5"]
    assert of_kind("line", found[:2]) == "1234"
