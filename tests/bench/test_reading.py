"""The readers' benchmark: counts against SciPy and by hand, pictures by seed, and a made-up peer."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest

import mistakes
import nondigits
import read_tables
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

    def make(body):
        (tmp_path / "fake.py").write_text(
            "import sys\n"
            f"sys.path.insert(0, {str(Path(reading_peers.script('read_common')).parent)!r})\n"
            "from read_common import run\n"
            f"{body}\n"
        )
        monkeypatch.setattr(reading_peers, "script", lambda name: str(tmp_path / f"{name}.py"))
        monkeypatch.setattr(reading_peers, "WORK", tmp_path / "work")
        given = ("bare", "cropped")
        return reading_peers.Peer("fake", "fake", None, given, given, given)

    return make


@pytest.mark.parametrize(("right", "n"), [(0, 5), (5, 5), (3, 10), (626, 639), (9951, 10000), (1, 1)])
def test_wilson_against_scipy(right, n):
    from scipy.stats import binomtest

    expected = binomtest(right, n).proportion_ci(0.95, method="wilson")
    assert read_tables.wilson(right, n) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_wilson_of_nothing_tells_nothing():
    assert read_tables.wilson(0, 0) == (0.0, 1.0)


def test_score_counts_pictures_and_the_lines_of_pages():
    assert reading_peers.score(["1", "2", "3"], ["1", "", "33"]) == (1, 3, [(1, "2", ""), (2, "3", "33")])
    truth = [["12", "34", "56"], ["7", "8"]]
    right, n, wrong = reading_peers.score(truth, [["12", "56"], ["8", "7"]])
    assert (right, n) == (2, 5)  # a line was missed: the others count; both are there: their order counts
    assert [number for number, _, _ in wrong] == [0, 1]


def test_a_made_up_line_twice_counts_once():
    assert reading_peers.lines_right(["12", "12", "9"], ["12", "34"]) == 1


@pytest.mark.parametrize(
    "make", [reading_sets.lines, partial(reading_sets.pages, touching=0.2)], ids=["lines", "pages"]
)
def test_lines_and_pages_are_the_same_for_the_same_seed(make, hand):
    first, again, other = (list(make(hand, 2, seed)) for seed in (1, 1, 2))
    assert [value for _, value in first] == [value for _, value in again]
    assert all(np.array_equal(a, b) for (a, _), (b, _) in zip(first, again, strict=True))
    assert not all(np.array_equal(a, b) for (a, _), (b, _) in zip(first, other, strict=True))


@pytest.mark.parametrize("draw", [nondigits.letter, nondigits.scribble])
def test_nondigits_are_the_same_for_the_same_seed_and_have_a_foreground(draw):
    first, again = ([draw(rng) for _ in range(20)] for rng in (np.random.default_rng(4), np.random.default_rng(4)))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    from tendigits.read.foreground import find_foreground

    assert all(
        (foreground := find_foreground(picture)) is not None and 0.01 < (foreground > 100).mean() < 0.5
        for picture in first
    )


def test_no_nondigit_uses_a_font_of_the_training():
    from synthesis import printed

    assert not set(nondigits.FONTS) & set(printed.FONTS)


def test_crops_are_dark_on_white_in_a_square(digits, tmp_path):
    made = ((picture, str(label)) for picture, label in zip(digits.x_test[:5], digits.y_test[:5], strict=True))
    own = reading_sets.with_crops(reading_sets.pictures("some", "digit", made, tmp_path), 4, tmp_path)
    assert (len(own.files["bare"]), len(own.files["cropped"])) == (5, 4)
    for (path,) in own.files["cropped"]:
        crop = reading_sets.open_image(path).grey
        foreground = np.argwhere(crop < 100)
        assert crop.shape == (90, 90)
        assert crop[0].min() == crop[:, 0].min() == 255
        assert np.abs((foreground.min(axis=0) + foreground.max(axis=0)) / 2 - 44.5).max() < 5
        assert 52 <= (np.ptp(foreground, axis=0) + 1).max() <= 64


def test_the_crops_of_a_page_are_its_lines(hand, tmp_path):
    own = reading_sets.pictures("some", "page", reading_sets.pages(hand, 1, 5, 0.2), tmp_path)
    (files,) = reading_sets.with_crops(own, 1, tmp_path).files["cropped"]
    assert len(files) == len(own.truth[0]) == 10
    assert {reading_sets.open_image(path).grey.shape[0] for path in files} == {90}


def test_a_peer_is_asked_scored_and_timed(fake_peer, tmp_path):
    peer = fake_peer('run("fake", lambda given: lambda path: path[-5], "numpy")')
    own = Set("some", "digit", ["1", "2", "4"], {"bare": [[tmp_path / f"{i}.png"] for i in (1, 2, 3)]})
    turn = reading_peers.take_turn(peer, own, "bare")
    assert (turn["peer"], turn["set"], turn["given"], turn["right"], turn["n"]) == ("fake", "some", "bare", 2, 3)
    assert turn["wrong"] == [(2, "4", "3")]
    assert turn["ms"] >= 0
    assert turn["load_s"] >= 0
    assert turn["peak_mb"] > 1
    assert turn["versions"]["numpy"] == np.__version__
    assert "failed" not in turn


def test_the_crops_of_a_page_are_asked_as_lines_and_put_together(fake_peer, tmp_path):
    peer = fake_peer('run("fake", lambda given: lambda path: path[-5] if given.kind == "line" else ["no"])')
    own = Set("some", "page", [["1", "2"], ["4"]], {"cropped": [[tmp_path / f"{i}.png" for i in (1, 2)], []]})
    turn = reading_peers.take_turn(peer, own, "cropped")
    assert (turn["right"], turn["n"], turn["pictures"]) == (2, 3, 2)


def test_a_picture_that_a_peer_cannot_open_is_wrong_and_named(fake_peer, tmp_path):
    peer = fake_peer('run("fake", lambda given: lambda path: str(1 // (path[-5] != "2")))')
    own = Set("some", "digit", ["1", "0"], {"bare": [[tmp_path / f"{i}.png"] for i in (1, 2)]})
    turn = reading_peers.take_turn(peer, own, "bare")
    assert (turn["right"], turn["n"]) == (1, 2)
    assert turn["failed"][0] == 1
    assert turn["failed"][1].startswith("ZeroDivisionError")


def test_a_peer_that_does_not_load_says_why(fake_peer, tmp_path):
    peer = fake_peer("def load(given):\n    raise OSError('no model')\nrun('fake', load)")
    turn = reading_peers.take_turn(peer, Set("some", "digit", ["1"], {"bare": [[tmp_path / "1.png"]]}), "bare")
    assert turn["error"] == "OSError: no model"
    assert turn["set"] == "some"


def test_pieces_of_a_line_are_put_together():
    from read_common import lines_of, of_kind

    found = [(60, 12, 90, 32, "34"), (0, 10, 50, 30, "1-2"), (5, 52, 40, 70, "5"), (0, 90, 9, 99, "no digits")]
    assert lines_of(found) == ["1234", "5"]
    assert of_kind("page", found) == ["1234", "5"]
    assert of_kind("line", found[:2]) == "1234"


def test_every_peer_has_a_name_a_script_and_an_environment():
    for peer in reading_peers.PEERS.values():
        assert peer.name in read_tables.NAMES
        assert Path(reading_peers.script(peer.script)).exists()
        assert peer.environment is None or peer.environment in reading_peers.ENVIRONMENTS
    for requirements in reading_peers.ENVIRONMENTS.values():
        assert all("==" in requirement for requirement in requirements)


def test_mistakes_are_shared_out_among_the_sets():
    wrong = {"many": [(i, "1", "7") for i in range(100)], "few": [(3, "2", "3")], "none": []}
    chosen = mistakes.choose(wrong, 11)
    assert [len(chosen[name]) for name in wrong] == [10, 1, 0]
    assert [number for number, _, _ in chosen["many"]] == list(range(0, 100, 10))


def test_mistakes_are_drawn(digits, tmp_path):
    made = ((picture, str(label)) for picture, label in zip(digits.x_test[:3], digits.y_test[:3], strict=True))
    own = reading_sets.pictures("some", "digit", made, tmp_path)
    turn = {"set": "some", "wrong": [[0, "7", "1"], [2, "1", "7"]]}
    assert mistakes.draw_mistakes({"some": own}, [turn], tmp_path / "sheet.png") == 2
    assert reading_sets.open_image(tmp_path / "sheet.png").grey.min() < 50
    assert mistakes.draw_mistakes({"some": own}, [{"set": "some", "wrong": []}], tmp_path / "none.png") == 0


@pytest.fixture
def record():
    def turn(peer, set_="exam", given="bare", right=97, n=100, kind="digit", **more):
        common = {"peer": peer, "set": set_, "given": given, "kind": kind, "right": right, "n": n, "ms": 1.26}
        return {**common, "load_s": 0.5, "peak_mb": 100.0, "versions": {"thing": "1.2"}, "others": 0.0, **more}

    kept = {
        "date": "2026-01-02 03:04 UTC",
        "settings": {"limit": None},
        "commit": {"commit": "a" * 40, "changed": True},
    }
    wrong = [[3, "1", "7"], [150, "4", "9"]]
    digits = [
        turn("tendigits"),
        turn("rapidocr", right=80, others=0.5),
        turn("tesseract", given="cropped", right=98, failed=[2, "OSError: bad"]),
        {"peer": "easyocr", "set": "exam", "given": "bare", "kind": "digit", "error": "OSError: no model"},
        turn("tendigits", "mnist", right=198, n=200, wrong=wrong, first=[99, 100]),
        turn("digit_recognizer", "mnist", right=99),
    ]
    doubt = {
        "threshold": 0.9,
        "nondigits": [{"kind": "letters", "n": 100, "rejected": 94}, {"kind": "scribbles", "n": 100, "rejected": 98}],
        "digits": [{"set": "exam", "n": 100, "accepted": 98, "wrong": 4, "wrong_accepted": 1}],
    }
    speed = {
        "cold": {"seconds": [0.3, 0.6, 0.4]},
        "warm": {"exam": {"ms": 2.5, "n": 300}},
        "photo": {"tendigits": {"ms": [300.0], "right": 9, "n": 10}, "rapidocr": {"error": "OSError: gone"}},
        "folder": {"seconds": [0.8], "n": 2000},
    }
    pages = [turn("tendigits", "pages", kind="page", right=290, n=300, load_s=0.7)]
    return {
        "machine": {"processor": "A chip", "cores": 2, "platform": "Linux", "python": "3.11.7"},
        "parts": {
            "digits": {**kept, "turns": digits, "drawn": 5},
            "pages": {**kept, "turns": pages},
            "nondigits": {**kept, **doubt},
            "speed": {**kept, **speed},
        },
    }


def test_tables(record):
    text = read_tables.text(record)
    assert "A chip, 2 cores, Linux; Python 3.11.7; thing 1.2." in text
    assert "| **tendigits** | bare | 100 | 97.00% | 91.5% to 99.0% | 1.3 | >= 97.0% | met |" in text
    assert "| RapidOCR | bare | 100 | 80.00% | 71.1% to 86.7% | 1.3 |  |  |" in text
    assert (
        text.index("| Tesseract | cropped") < text.index("| **tendigits** | bare | 100 ") < text.index("| RapidOCR |")
    )
    assert "| **tendigits** | bare | 200 | 99.00% | 96.4% to 99.7% | 1.3 | >= 99.5% | **missed** |" in text
    assert "| of these, what the others read |  | 100 | 99.00% |" in text
    assert "results/reading_digits.png" in text
    assert "EasyOCR: OSError: no model" in text
    assert "Tesseract could not read 2 pictures of exam, cropped: `OSError: bad`" in text
    assert "In 1 of 6 turns other programs used more than 0.1 cores, 0.5 at most." in text
    assert "| reader | given | n | lines right |" in text
    assert "| **tendigits** | bare | 300 | 96.67% | 94.0% to 98.2% | 1.3 | >= 97.0% | **missed** |" in text
    assert "| letters | 100 | 94.00% | 87.5% to 97.2% | >= 95.0% | **missed** |" in text
    assert "| all | 200 | 96.00% | 92.3% to 98.0% | >= 95.0% | met |" in text
    assert "| exam | 100 | 98.00% | 93.0% to 99.4% | >= 97.0% | met | 1.02% | 4.00% |" in text
    assert "| `tendigits read one.png`, the whole process | 0.40 s | <= 0.5 s | met |" in text
    assert "| a digit of exam, warm (300 files) | 2.50 ms | <= 2 ms | **missed** |" in text
    assert "9 of 10 lines right | 300 ms | <= 400 ms | met |" in text
    assert "photo, RapidOCR failed: `OSError: gone`" in text
    assert "| 2,500 a second | >= 2,000 | met |" in text
    assert "| **tendigits** | 0.50 | 100 |" in text
    assert "commit aaaaaaaaaaaa with changes" in text
