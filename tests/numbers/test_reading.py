"""From a page to characters: detections, strips, decoded outputs, votes."""

import cv2
import numpy as np
import pytest

from tendigits.digits.runtime import asset
from tendigits.errors import ModelFileError
from tendigits.numbers import finder
from tendigits.numbers.decode import CHARACTERS, CLASSES, HEIGHT, NONE, STRIDE, Candidate, decode
from tendigits.numbers.detections import Detection, in_rows
from tendigits.numbers.finder import find_numbers
from tendigits.numbers.network import GAP_PX, NumberNetwork, bundled, pack
from tendigits.numbers.options import CropTransform
from tendigits.numbers.split import merge_detections, split_detection
from tendigits.numbers.strips import DIGIT_HEIGHT_PX, ImagePyramid, Strip, crop_strip
from tendigits.numbers.views import are_clear
from tendigits.numbers.vote import View, apply_prior, reweigh, vote


def output_of(*characters, width=80):
    """The output for a strip: at the centre of each box this label and these edges, background elsewhere."""
    output = np.zeros((width // STRIDE, NONE + 5), np.float32)
    output[:, NONE] = 8
    for label, logit, (left, top, right, bottom) in characters:
        column = int((left + right) / 2 / STRIDE)
        x = (column + 0.5) * STRIDE
        output[column, CLASSES.index(label)] = 8 + logit
        output[column, NONE + 1 :] = np.array([x - left, HEIGHT / 2 - top, right - x, bottom - HEIGHT / 2]) / HEIGHT
    return output


def peak(label, present, left, right, other=None):
    probabilities = np.zeros(len(CHARACTERS), np.float32)
    probabilities[CHARACTERS.index(label)] = 1 if other is None else 0.7
    if other is not None:
        probabilities[CHARACTERS.index(other)] = 0.3
    return Candidate(present * probabilities, (left, 8, right, 34))


def test_peaks_become_characters_and_overlapping_boxes_are_one():
    output = output_of(
        ("7", 5, (10, 8, 26, 34)),
        (".", 4, (29, 30, 33, 34)),
        ("1", 3, (12, 8, 28, 34)),
        ("5", -3, (50, 8, 64, 34)),
        ("|", 5, (70, 0, 72, 40)),
    )
    found, borders = decode(output)
    assert [each.label for each in found] == ["7", "."]
    np.testing.assert_allclose(found[0].box, (10, 8, 26, 34), atol=1e-4)
    assert 0.9 < found[0].confidence <= found[0].present <= 1
    np.testing.assert_allclose(borders, [(70, 0, 72, 40)], atol=1e-4)
    assert decode(output_of()) == ([], [])


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


def test_a_number_is_clear_only_where_every_view_shows_the_same_without_a_doubt():
    assert are_clear([view(peak("7", 1.0, 10, 26)), view(peak("7", 0.97, 11, 27))])
    assert not are_clear([view(peak("7", 1.0, 10, 26)), view(peak("1", 1.0, 11, 27))])
    assert not are_clear([view(peak("7", 1.0, 10, 26), peak("2", 0.4, 30, 46))])
    assert not are_clear([view()])


def test_detections_of_one_number_are_grouped_and_one_with_several_much_lower_ones_is_dropped():
    long, again, part = (
        Detection(100, 50, 0, 90, 20, 0.8),
        Detection(104, 52, 0, 80, 18, 0.9),
        Detection(80, 50, 0, 30, 20, 0.9),
    )
    other = Detection(100, 100, 0.1, 60, 20, 0.7)
    assert merge_detections([part, again, other, long]) == [[long, again], [other]]
    grid = Detection(100, 75, 0, 200, 150, 0.4)
    assert merge_detections([grid, long, other]) == [[long], [other]]
    assert merge_detections([grid, long]) == [[grid]], "one much smaller detection may be a part of a digit"
    assert merge_detections([]) == []


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


@pytest.mark.parametrize("angle", [0.0, 0.3, -1.2])
@pytest.mark.parametrize("height", [15.0, 80.0])
def test_a_strip_is_upright_and_its_boxes_are_found_again(angle, height):
    page = np.full((600, 800), 220, np.uint8)
    axis = np.array([np.cos(angle), np.sin(angle)])
    middle = np.array([400.0, 300.0])
    for shift in (-1.5, 0.0, 1.5):  # three strokes, a digit high, across the number's direction
        down = np.array([-axis[1], axis[0]])
        ends = [middle + shift * height * axis + side * height / 2 * down for side in (-1, 1)]
        cv2.line(
            page,
            *(tuple(np.round(end * 16).astype(int).tolist()) for end in ends),
            20,
            max(1, round(height / 8)),
            cv2.LINE_AA,
            4,
        )
    strip = crop_strip(ImagePyramid(page), Detection(*middle, angle, 3 * height, height, 1.0))
    dark = strip.picture < 120
    columns = np.flatnonzero(dark.mean(axis=0) > 0.4)
    groups = np.split(columns, np.flatnonzero(np.diff(columns) > 3) + 1)
    centres = [group.mean() + 0.5 for group in groups]
    assert centres == pytest.approx([strip.picture.shape[1] / 2 + n * DIGIT_HEIGHT_PX for n in (-1.5, 0, 1.5)], abs=1)
    rows = np.flatnonzero(dark.any(axis=1))
    assert np.ptp(rows) + 1 == pytest.approx(DIGIT_HEIGHT_PX, rel=0.25)
    left, top, right, bottom = strip.in_picture((centres[0] - 1, 7, centres[0] + 1, 33))
    x, y = middle - 1.5 * height * axis
    assert ((left + right) / 2, (top + bottom) / 2) == pytest.approx((x, y), abs=height / 20 + 1)
    smaller = crop_strip(
        ImagePyramid(page), Detection(*middle, angle, 3 * height, height, 1.0), CropTransform(0.8, 1.2, 0.15)
    )
    box = (10.0, 7.0, 20.0, 33.0)
    np.testing.assert_allclose(smaller.in_picture(smaller.in_strip(box, smaller)), smaller.in_picture(box))
    np.testing.assert_allclose(
        strip.in_picture(smaller.in_strip(box, strip)), smaller.in_picture(box), atol=height / 10
    )


def test_rows_are_read_from_top_to_bottom_though_the_page_is_turned():
    angle = 0.1
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    truth = [[(100, 50), (300, 54), (500, 47)], [(90, 90)], [(110, 130), (480, 133)]]
    flat = [turn @ point for row in truth for point in row]
    order = np.random.default_rng(0).permutation(len(flat)).tolist()
    detections = [Detection(*flat[i], angle, 60, 20, 1.0) for i in order]
    rows = [[order[i] for i in row] for row in in_rows(detections)]
    assert rows == [[0, 1, 2], [3], [4, 5]]
    assert in_rows([]) == []


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
