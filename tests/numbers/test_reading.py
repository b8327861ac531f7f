"""From a page to characters: detections, strips, decoded outputs, votes."""

import cv2
import numpy as np
import pytest

from tendigits.digits.runtime import asset
from tendigits.errors import ModelFileError
from tendigits.numbers import finder
from tendigits.numbers.decode import CHARACTERS, HEIGHT, NONE, STRIDE, Candidate, decode
from tendigits.numbers.detections import Detection
from tendigits.numbers.finder import find_numbers
from tendigits.numbers.network import GAP_PX, NumberNetwork, bundled, pack
from tendigits.numbers.split import split_detection
from tendigits.numbers.strips import Strip
from tendigits.numbers.vote import View, apply_prior, reweigh, vote


def peak(label, present, left, right, other=None):
    probabilities = np.zeros(len(CHARACTERS), np.float32)
    probabilities[CHARACTERS.index(label)] = 1 if other is None else 0.7
    if other is not None:
        probabilities[CHARACTERS.index(other)] = 0.3
    return Candidate(present * probabilities, (left, 8, right, 34))


def view(*peaks, start=0):
    """A view of a page whose left edge is at this pixel."""
    matrix = np.array([[1.0, 0, start], [0, 1.0, 0]])
    return View(Strip(np.zeros((HEIGHT, 96), np.uint8), matrix, (10, 80)), list(peaks))


def test_views_vote_and_what_most_do_not_see_is_dropped():
    read, dropped = vote([
        view(peak("7", 1.0, 10, 26), peak("2", 0.6, 30, 46)),
        view(peak("7", 0.8, 11, 27, other="1"), peak("9", 0.9, 60, 76)),
        view(peak("2", 0.9, 26, 42), peak("9", 0.8, 56, 72), start=5),
    ])  # fmt: skip
    assert [each.label for each in read] == ["7", "2", "9"]
    assert read[0].present == pytest.approx((1.0 + 0.8) / 3, abs=1e-6)
    assert read[0].confidence == pytest.approx((1.0 + 0.56) / 3, abs=1e-6)
    assert not dropped
    read, dropped = vote([view(peak("7", 0.9, 10, 26)), view()])
    assert ([each.label for each in read], [each.label for each in dropped]) == ([], ["7"])
    read, _ = vote([view(peak("7", 0.9, 10, 26)), view(start=40)])
    assert [each.label for each in read] == ["7"], "the other view does not show that part"


@pytest.mark.parametrize(
    ("shown", "read"),
    [
        (["3", "/1", "-", "3", "-", "5", "5"], "31-3-55"),
        (["7", "2", "/1", "0", "5"], "72105"),
        (["1", "2", "1/", "0", "5"], "12105"),
        (["1", "2", "/1", "0", "5"], "12/05"),
        (["1", "5", "=-", "4", "-=", "2", "5"], "15-4-25"),
        (["12", "12", "12", "12", "12", "12", "12"], "1111111"),
        ([], ""),
    ],
)
def test_of_what_is_nearly_as_probable_the_usual_form_is_read(shown, read):
    """The first character of each has 0.6, the second, if there is one, 0.35."""
    candidates = []
    for labels in shown:
        probabilities = np.full(len(CHARACTERS), 0.001, np.float32)
        probabilities[[CHARACTERS.index(label) for label in labels]] = [0.6, 0.35][: len(labels)]
        candidates.append(Candidate(probabilities, (0, 0, 10, 20)))
    found = apply_prior(candidates)
    assert "".join(each.label for each in found) == read
    for before, after in zip(candidates, found, strict=True):
        assert after.present == pytest.approx(before.present, abs=1e-6)


def test_what_is_known_of_a_number_may_drop_a_sign_that_is_a_speck():
    probabilities = np.zeros((3, len(CHARACTERS)), np.float32)
    for row, label, probability in ((0, "7", 1.0), (1, ":", 0.9), (2, "3", 1.0)):
        probabilities[row, CHARACTERS.index(label)] = probability
    read = [Candidate(own, (20.0 * n, 8, 20.0 * n + 16, 34)) for n, own in enumerate(probabilities)]
    kept = reweigh(read, lambda text: 0.0)
    assert [each.present for each in kept] == pytest.approx([1, 0.9, 1])
    whole = reweigh(read, lambda text: 0.0 if text.isdigit() else -5.0, min_noise=0.02)
    assert [each.present > 0.5 for each in whole] == [True, False, True]


@pytest.mark.parametrize(
    ("pitch", "digits", "borders", "numbers"),
    [
        (20, 4, [], [4]),
        (20, 2, [9], [1, 1]),
        (20, 4, [-2, 18, 38, 58, 78], [4]),
        (30, 4, [-7, 23, 53, 83, 113], [4]),
        (44, 4, [-14, 30, 74, 118], [1, 1, 1, 1]),
        (50, 2, [], [1, 1]),
        (20, 3, [-10, 49, 52], [3]),
    ],
)
def test_cell_borders_separate_numbers_except_in_a_comb(pitch, digits, borders, numbers):
    """Each digit is 16 pixels wide; borders are so far from the first one's left edge."""
    peaks = [peak("8", 1.0, 20 + n * pitch, 36 + n * pitch) for n in range(digits)]
    boxes = [(20 + x - 0.5, 0.0, 20 + x + 0.5, 40.0) for x in borders]
    strip = Strip(np.zeros((HEIGHT, 256), np.uint8), np.eye(2, 3), (0, 256))
    found = split_detection(Detection(128, 20, 0, 256, 26, 1.0), View(strip, peaks, boxes))
    assert [round((number.length - 16) / pitch) + 1 for number in found] == numbers


def test_lines_lie_apart_in_strips_and_the_network_sees_each_alone():
    widths = [96, 24, 200, 64, 120, 24]
    detections, (strips, width) = pack(widths, 256)
    taken = np.zeros((strips, width + GAP_PX), int)
    for (strip, left), size in zip(detections, widths, strict=True):
        assert left % 4 == 0
        taken[strip, left : left + size + GAP_PX] += 1
    assert taken.max() == 1
    texts = ["1350", "7", "42.99", "-3", "20:45", "6"]
    lines = [np.full((HEIGHT, size), 220, np.uint8) for size in widths]
    for line, text in zip(lines, texts, strict=True):
        cv2.putText(line, text, (4, 32), cv2.FONT_HERSHEY_SIMPLEX, 1, 30, 2, cv2.LINE_AA)
    network = bundled(1)
    together = network(lines)
    assert [output.shape for output in together] == [(size // STRIDE, NONE + 5) for size in widths]
    for line, output, text in zip(lines, together, texts, strict=True):
        for each in (output, *network([line])):
            assert "".join(peak.label for peak in decode(each)[0] if peak.confidence > 0.5) == text
    assert network([]) == []


def test_other_networks_are_refused():
    with pytest.raises(ModelFileError, match="expected a network for strips of 40 pixels"):
        NumberNetwork(asset("numbers", "finder.onnx"))
    with pytest.raises(ModelFileError, match="expected a network that finds numbers"):
        finder.load(asset("numbers", "numbers.onnx"))
    with pytest.raises(ModelFileError, match="not a complete model file"):
        NumberNetwork(b"nothing")


@pytest.mark.parametrize("scale", [1, 4])
def test_numbers_are_found_where_they_stand(scale):
    page = np.full((400, 500), 230, np.uint8)
    for text, x, y in (("1350", 60, 100), ("22", 300, 104), ("8", 70, 300)):
        cv2.putText(page, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 1.2, 40, 2, cv2.LINE_AA)
    page = cv2.resize(page, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
    found = sorted(find_numbers(finder.bundled(1), page)[0], key=lambda detection: (detection.y, detection.x))
    assert len(found) == 3
    for detection, (x, y, width) in zip(
        sorted(found, key=lambda detection: (round(detection.y / scale / 100), detection.x)),
        ((106, 88, 92), (322, 92, 44), (81, 288, 20)),
        strict=True,
    ):
        assert (detection.x / scale, detection.y / scale) == pytest.approx((x, y), abs=8)
        assert detection.height / scale == pytest.approx(25, rel=0.3)
        assert detection.length / scale == pytest.approx(width, abs=16)
        assert abs(detection.angle) < 0.15 or detection.length < 2 * detection.height
    assert find_numbers(finder.bundled(1), np.full((300, 300), 200, np.uint8)) == ([], False)
