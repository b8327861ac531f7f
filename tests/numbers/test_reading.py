"""From a page to characters: detections, strips, decoded outputs; the corpus has finder, votes and usual forms."""

from collections import Counter

import cv2
import numpy as np
import pytest

from tendigits.digits.runtime import asset
from tendigits.errors import ModelFileError
from tendigits.numbers import finder
from tendigits.numbers.confidence import ConfidenceModel
from tendigits.numbers.decode import CHARACTERS, HEIGHT, NONE, STRIDE, Candidate, decode, text_of
from tendigits.numbers.detections import Detection
from tendigits.numbers.hypotheses import reweigh
from tendigits.numbers.network import GAP_PX, NumberNetwork, bundled, pack
from tendigits.numbers.reading import Reading, confidence_features, without_repeated
from tendigits.numbers.split import find_corridors, split_detection
from tendigits.numbers.strips import Crop, Strip, crossings
from tendigits.read.column_prior import _reweighed, reweigh_columns
from tendigits.tables.layout import Layout


def peak(left, right, label="8", top=8, bottom=34):
    return Candidate((np.array(list(CHARACTERS)) == label).astype(np.float32), (left, top, right, bottom))


@pytest.mark.parametrize(
    ("seen", "wanted", "text"),
    [
        ((("7", 1.0), (":", 0.9), ("3", 1.0)), "73", "73"),
        ((("7", 1.0), (".", 0.4), ("3", 1.0)), "7.3", "7.3"),
        ((("7", 1.0), ("3", 1.0), ("1", 0.8)), "73", "73"),
        ((("7", 1.0), ("3", 1.0), ("1", 0.4)), "731", "731"),
        ((("7", 1.0), ("3", 1.0)), "8", "73"),
    ],
    ids=["a speck", "a faint point", "the side of a cell", "a faint digit", "nothing else was seen"],
)
def test_what_is_known_of_a_number_decides_what_is_noise(seen, wanted, text):
    probabilities = np.zeros((len(seen), len(CHARACTERS)), np.float32)
    for row, (label, probability) in enumerate(seen):
        probabilities[row, CHARACTERS.index(label)] = probability
    peaks = [Candidate(own, (20.0 * n, 8, 20.0 * n + 16, 34)) for n, own in enumerate(probabilities)]
    kept = reweigh(peaks, lambda text: 0.0)
    assert [each.present for each in kept] == pytest.approx([probability for _, probability in seen])
    known = reweigh(peaks, lambda text: 0.0 if text == wanted else -5.0, min_read=0.5, min_noise=0.02)
    assert text_of([each for each in known if each.present >= 0.5]) == text


def test_a_column_does_not_say_whether_a_number_is_there():
    four = np.zeros(len(CHARACTERS), np.float32)
    four[[CHARACTERS.index("4"), CHARACTERS.index("/")]] = 0.7, 0.1
    strip = Strip(np.full((HEIGHT, 60), 240, np.uint8), np.eye(2, 3), (20.0, 40.0))
    seen = Reading(Detection(30, 20, 0, 20, 26, 1), strip, [Candidate(four, (22, 8, 38, 34))], [])
    reweighed = _reweighed(seen, Counter({"0": 20}), 20, 0.02)
    (character,) = reweighed.characters
    assert (character.label, character.confidence) == ("4", pytest.approx(0.7))


def test_a_long_number_is_no_more_certain_than_a_shorter_one_with_characters_as_clear():
    """Evidence was weighed on shorter ones: 40 digits were nearly always accepted, a third of them wrong."""
    clear = np.zeros(len(CHARACTERS), np.float32)
    clear[8] = 0.999

    def confidence(n):
        strip = Strip(np.full((HEIGHT, 20 * n + 40), 240, np.uint8), np.eye(2, 3), (20.0, 20.0 * n + 20))
        characters = [Candidate(clear, (20.0 * i + 22, 8, 20.0 * i + 38, 34)) for i in range(n)]
        reading = Reading(Detection(10 * n + 20, 20, 0, 20 * n, 26, 1), strip, characters, [])
        return ConfidenceModel.from_metadata(bundled(1).about).confidence(confidence_features(reading))

    assert confidence(12) > confidence(20) > confidence(40)


@pytest.mark.parametrize(
    ("other", "x", "kept"),
    [
        ("10", 3, ["430"]),
        ("30", 20, ["430"]),
        ("7", 50, ["430", "7"]),
        ("04", 45, ["430"]),
        ("17", 60, ["430", "17"]),
        ("4302", -2, ["4302"]),
        ("430", 200, ["430", "430"]),
    ],
    ids=["on it", "its end", "between two", "one of two", "beside it", "longer", "far away"],
)
def test_a_number_that_was_read_twice_is_one_number(other, x, kept):
    """Digits are 16 pixels wide and 20 apart; the first one of 430 begins at 0."""

    def at(text, left):
        strip = Strip(np.full((HEIGHT, 80), 240, np.uint8), np.array([[1.0, 0, left], [0, 1, 100]]), (0.0, 80.0))
        peaks = [peak(20 * n, 20 * n + 16, label) for n, label in enumerate(text)]
        return Reading(Detection(left + 30, 120, 0, 60, 26, 1), strip, peaks, [])

    readings = [at(other, x), at("430", 0)]
    assert sorted(each.text for each in without_repeated(readings)) == sorted(kept)
    assert [each.text for each in without_repeated([])] == []


@pytest.mark.parametrize(
    ("text", "gap", "parts"),
    [
        ("0.2010.187", 12, ["0.201", "0.187"]),
        ("0.2010.1870.196", 12, ["0.201", "0.187", "0.196"]),
        ("0.2010.187", 3, ["0.2010.187"]),
        ("47190285", 12, ["47190285"]),
        ("47190285", 24, ["47190", "285"]),
        ("4719028536", 24, ["47190", "28536"]),
        ("4719-285", 24, ["4719-285"]),
    ],
)
def test_a_text_is_parted_at_its_widest_gaps_if_these_are_wide_or_it_has_no_usual_form(text, gap, parts):
    """The gap stands behind every fifth character."""
    lefts = np.cumsum([0, *[18 + (gap if i % 5 == 0 else 0) for i in range(1, len(text))]])
    peaks = [peak(20 + x, 36 + x, label) for x, label in zip(lefts.tolist(), text, strict=True)]
    strip = Strip(np.zeros((HEIGHT, 400), np.uint8), np.eye(2, 3), (0, 400))
    found = split_detection(Detection(200, 20, 0, 400, 26, 1.0), Crop(strip, peaks, []))
    assert len(found) == len(parts)


@pytest.mark.parametrize(
    ("rows", "other", "borders", "n_corridors"),
    [
        (["1 4", "5 8", "9 3", "4 1", "3 6"], "7203", [], 5),
        (["1 4", "5 8", "973", "4 1", "3 6"], "7203", [], 0),  # a digit stands in the way
        (["1 4", "5 8", "9 3", "4 1", "3 6"], "7 2 0 3", [], 0),  # on this page digits stand far apart
        (["1 4", "5 8", "9 3", "4 1", "3 6"], "7203", [(46.0, 0.0, 48.0, 40.0)], 0),  # a ruled line, perhaps of a comb
        (["1 4"], "7203", [], 0),
    ],
)
def test_a_wide_gap_that_goes_on_through_a_table_separates_numbers(rows, other, borders, n_corridors):
    """Rows of a table that leans, with another number in each; a space is as wide as a digit."""
    crops = []
    for n, row in enumerate(rows):
        for x, text in ((0, row), (300, other)):
            peaks = [peak(20 + 19 * i, 36 + 19 * i, label) for i, label in enumerate(text) if label != " "]
            matrix = np.array([[1.0, 0.0, x + 7.0 * n], [0.0, 1.0, 60.0 * n]])
            strip = Strip(np.zeros((HEIGHT, 200), np.uint8), matrix, (0, 200))
            crops.append(Crop(strip, peaks, [] if x else borders))
    corridors = find_corridors(crops)
    assert sum(map(len, corridors)) == n_corridors
    for own, crop in zip(corridors, crops, strict=True):
        found = split_detection(Detection(100, 20, 0, 200, 26, 1.0), crop, corridors=own)
        assert len(found) == (2 if own or crop.borders else 1)


def test_only_lines_that_cross_a_strip_from_top_to_bottom_part_it():
    strip = Strip(np.zeros((HEIGHT, 100), np.uint8), np.array([[0.0, -2.0, 80.0], [2.0, 0.0, 10.0]]), (0, 100))
    lines = np.array([[-30, 50, 110, 52], [20, 60, 60, 60], [0, 70, 80, 150], [0, 500, 80, 500]], np.float64)
    assert [round(left + 0.5) for left, *_ in crossings([strip], lines)[0]] == [20]


@pytest.mark.parametrize(
    ("pitch", "digits", "borders", "numbers"),
    [
        (20, 4, [], [4]),
        (20, 2, [9], [1, 1]),
        (20, 4, [-2, 18, 38, 58, 78], [4]),
        (30, 4, [-7, 23, 53, 83, 113], [4]),
        (44, 4, [-14, 30, 74, 118], [1, 1, 1, 1]),
        (50, 2, [], [2]),
        (60, 2, [], [1, 1]),
        (20, 3, [-10, 49, 52], [3]),
    ],
)
def test_cell_borders_separate_numbers_except_in_a_comb(pitch, digits, borders, numbers):
    """Each digit is 16 pixels wide; borders are so far from the first one's left edge."""
    peaks = [peak(20 + n * pitch, 36 + n * pitch) for n in range(digits)]
    boxes = [(20 + x - 0.5, 0.0, 20 + x + 0.5, 40.0) for x in borders]
    strip = Strip(np.zeros((HEIGHT, 256), np.uint8), np.eye(2, 3), (0, 256))
    found = split_detection(Detection(128, 20, 0, 256, 26, 1.0), Crop(strip, peaks, boxes))
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


def test_a_column_weighs_a_number_once_as_it_was_seen():
    """A point that is seen clearly among integers stays, however often the column is looked at."""

    def reading(text, probability):
        peaks = []
        for n, label in enumerate(text):
            own = np.zeros(len(CHARACTERS), np.float32)
            own[CHARACTERS.index(label)] = probability if label == "." else 1.0
            peaks.append(Candidate(own, (20.0 * n, 8, 20.0 * n + 16, 34)))
        strip = Strip(np.full((HEIGHT, 80), 240, np.uint8), np.eye(2, 3), (0.0, 80.0))
        return Reading(Detection(30, 20, 0, 20, 26, 1), strip, peaks, [])

    seen = [reading(text, 0.99) for text in ("218", "10", "9.5", "8", "9", "9.5", "343", "140")]
    read, edges = [*seen], np.arange(9.0)
    layout = Layout({(n, 0): [n] for n in range(8)}, {}, edges, edges[:2], None, True, edges[:2] > 0)
    for _ in range(3):
        reweigh_columns(read, seen, layout, 0.02)
    assert [each.text for each in read] == [each.text for each in seen]
    assert read[2].characters[1].present == pytest.approx(0.85, abs=0.1)
