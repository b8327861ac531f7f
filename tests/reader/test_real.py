"""Real writing to learn from: who is held out, where the characters of a string stand, and what lines show of it."""

from itertools import chain

import cv2
import numpy as np
import pytest

import number_network
from real.align import align
from real.files import Example, Purpose, load, purpose_of
from real.lines import RealLines, rules_of
from real.people import draw_path
from synthesis.hands import Canvas, draw_hand
from synthesis.lines import UNKNOWN, Line, LineWriter
from tendigits.numbers.decode import BAR, NONE, decode
from tendigits.numbers.network import bundled


def save(path, examples):
    pictures, labels, writers = zip(*examples, strict=True)
    heights, widths = zip(*(picture.shape for picture in pictures), strict=True)
    np.savez(
        path, pixels=np.concatenate([picture.ravel() for picture in pictures]), label=labels, writer=writers,
        offset=np.cumsum([0, *(picture.size for picture in pictures)]), height=heights, width=widths,
    )  # fmt: skip


def text_of(line):
    order = np.argsort(line.boxes[:, 0] + line.boxes[:, 2], kind="stable")
    return "".join(line.labels[i] for i in order if line.labels[i] not in (BAR, UNKNOWN))


@pytest.fixture(scope="module")
def lines(shapes, patterns):
    """Generated lines of one number, as if they were real."""
    written = [*LineWriter(shapes, patterns).lines(np.random.default_rng(3), 200, good=True)]
    return [line for line in written if 2 <= len(line.labels) <= 6 and set(line.labels) <= set("0123456789.")][:30]


@pytest.fixture(scope="module")
def folder(lines, tmp_path_factory):
    folder = tmp_path_factory.mktemp("real")
    examples = [(line.picture, text_of(line), "a") for line in lines]
    save(folder / "lectaurep_numbers.npz", examples)
    save(folder / "line_numbers.npz", examples[:1])
    save(folder / "words_not_numbers.npz", [(np.full((60, 200), 200, np.uint8), "word", "a")])
    (folder / "paper").mkdir()
    cv2.imwrite(str(folder / "paper" / "p.jpg"), np.full((128, 384), 220, np.uint8))
    return folder


def test_a_writer_is_learned_from_or_held_out(tmp_path):
    writers = [str(i) for i in range(200)]
    save(tmp_path / "some.npz", [(np.zeros((2, 3), np.uint8), "1", writer) for writer in writers])
    parts = [[example.writer for example in load(tmp_path / "some.npz", purpose)] for purpose in Purpose]
    assert sorted(chain(*parts)) == sorted(writers)
    assert 10 < min(map(len, parts[1:])) <= max(map(len, parts[1:])) < 30
    assert purpose_of("lectaurep-riant-4") is Purpose.MEASURE, "figures would not be comparable with earlier ones"


def test_the_characters_of_a_string_are_found(lines):
    found = 0
    for line in lines:
        string = align(bundled(1), Example(line.picture, text_of(line), "somebody"))
        if string is not None and text_of(string) == text_of(line) and string.picture.shape == line.picture.shape:
            own = [i for i, label in enumerate(string.labels) if label not in (BAR, UNKNOWN)]
            order = np.argsort(line.boxes[:, 0] + line.boxes[:, 2], kind="stable")
            found += np.abs(string.boxes[own] - line.boxes[order]).max() < 5
    assert found > 0.7 * len(lines)


def test_another_text_is_not_found(lines):
    others = ["".join(str((int(c) + 5) % 10) for c in text_of(line) if c.isdigit()) for line in lines]
    strings = [align(bundled(1), Example(line.picture, other, "x")) for line, other in zip(lines, others, strict=True)]
    assert sum(string is None for string in strings) > 0.7 * len(lines)


def test_a_sign_that_the_text_lacks_is_unknown(lines):
    found = []
    for line in (line for line in lines if "." in text_of(line)[1:-1]):
        left, _, right, _ = line.boxes[line.labels.index(".")]
        string = align(bundled(1), Example(line.picture, text_of(line).replace(".", ""), "somebody"))
        unknown = [box for label, box in zip(string.labels, string.boxes, strict=True) if label == UNKNOWN]
        found.append(any(box[0] <= (left + right) / 2 <= box[2] for box in unknown))
    assert np.mean(found) > 0.6


def test_nothing_is_learned_where_it_is_unknown_what_stands():
    boxes = np.array([(10, 5, 20, 35), (30, 0, 40, 40)], np.float32)
    y = number_network.targets(Line(np.zeros((40, 60), np.uint8), ["7", UNKNOWN], boxes))
    assert (y[15:20, 1] == 0).all()
    assert (y[22:, 1] == 1).all()
    assert (y[15:, 0] == NONE).all()


def test_lines_of_real_strings_are_labelled_as_the_network_reads_them(folder, patterns):
    real, rng, same, differences = RealLines(folder, patterns), np.random.default_rng(1), [], []
    for line in (real.line(rng, good=True) for _ in range(100)):
        read, _ = decode(bundled(1)([line.picture[:, : line.picture.shape[1] // 4 * 4]])[0])
        if text_of(line):
            same.append("".join(character.label for character in read) == text_of(line))
        if text_of(line) and same[-1]:
            boxes = sorted(
                box for box, label in zip(line.boxes.tolist(), line.labels, strict=True) if label not in "|?"
            )
            differences += np.abs(np.array(boxes) - [character.box for character in read]).max(axis=1).tolist()
    assert 50 < len(same) < 90, "some lines are words or empty paper"
    assert np.mean(same) > 0.4
    assert np.median(differences) < 2


def test_rules_of_empty_paper_are_found():
    paper = np.full((40, 100), 200, np.uint8)
    paper[:, 30:33] = 90
    paper[10:20, 60:63] = 90  # a short stroke is no rule
    assert rules_of(paper) == [(30, 33)]


def test_a_pens_path_is_drawn_upright_and_whole():
    stroke = np.array([(0, 0), (0, 500)], np.float32)
    bar = np.array([(-100, 250), (100, 250)], np.float32)
    drawing = draw_path([stroke, bar]) > 110
    assert drawing.any(axis=1).sum() > 30
    assert drawing.sum(axis=0).max() > 30
    assert drawing.sum(axis=1).argmax() == pytest.approx(drawing.shape[0] / 2, abs=2)


def test_a_person_writes_with_the_own_digits(shapes):
    person = {"1": [np.pad(np.full((40, 40), 255, np.uint8), 9)]}
    rng, hands = np.random.default_rng(0), []
    shapes.people = [(1.0, [person])]
    try:
        hands = [draw_hand(shapes, rng, 26.0) for _ in range(40)]
    finally:
        shapes.people = ()
    mixed = [hand for hand in hands if hand.font is None]
    assert all(hand.person == person for hand in mixed)
    canvas = Canvas((40, 256))
    shapes.write_number(canvas, "111", 5.0, 33.0, mixed[0], rng)
    assert (np.diff(np.array(canvas.boxes)[:, [0, 2]]) > 12).sum() >= 2  # squares, no strokes
