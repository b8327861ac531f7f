"""Generated lines and pages: their labels are right, and the seed alone decides."""

from itertools import product
from pathlib import Path

import cv2
import numpy as np
import pytest

import bundle
import calibrate
import finder_network
import number_network
from fetch_fonts import read_list
from synthesis.lines import Line, LineWriter
from synthesis.pages import LOWEST_GOOD, PageWriter
from synthesis.sheet import SIDE
from synthesis.texts import LETTERS, draw_number, draw_word
from tendigits.data.preprocess import standardize
from tendigits.numbers import finder
from tendigits.numbers.decode import BAR, CHARACTERS, NONE, decode
from tendigits.numbers.network import bundled
from tendigits.numbers.options import DEFAULT_OPTIONS
from tendigits.read.reader import Reader
from training import load_weights

ROOT = Path(__file__).parent.parent.parent


def in_order(line):
    """Indices of what stands in a line, from left to right."""
    return np.argsort(line.boxes[:, 0] + line.boxes[:, 2], kind="stable")


def test_the_networks_in_the_package_read_lines_and_find_numbers_as_labelled(shapes, patterns):
    """They learned from such pictures: a wrong label or box would be one that they contradict."""
    read, differences, network = [], [], bundled(1)
    for line in LineWriter(shapes, patterns).lines(np.random.default_rng(4), 300, good=True):
        found, _ = decode(network([line.picture[:, : line.picture.shape[1] // 4 * 4]])[0])
        order = [i for i in in_order(line) if line.labels[i] != BAR]
        read.append([character.label for character in found] == [line.labels[i] for i in order])
        if read[-1]:
            pairs = zip(found, order, strict=True)
            differences += [np.abs(np.array(character.box) - line.boxes[i]).max() for character, i in pairs]
    assert np.mean(read) > 0.65  # some are grainy, shaded, or fainter than the print next to them
    assert np.mean(differences) < 1.5  # pixels
    seen, network = [], finder.bundled(1)
    for page in PageWriter(shapes, patterns).pages(np.random.default_rng(5), 30, good=True):
        scores = cv2.resize(network(page.picture)[..., 0], (SIDE, SIDE))
        for number in (number for number in page.numbers if number.clear):
            own = np.zeros((SIDE, SIDE), np.uint8)
            cv2.line(own, *(np.round(end).astype(int).tolist() for end in (number.start, number.end)), 1)
            seen.append(1 / (1 + np.exp(-scores[own > 0].max())) >= DEFAULT_OPTIONS.min_number_probabilities[0])
    assert len(seen) > 120
    assert np.mean(seen) > 0.8


def test_a_network_that_outputs_the_targets_reads_the_line(shapes, patterns):
    wrong = 0
    for line in LineWriter(shapes, patterns).lines(np.random.default_rng(6), 200):
        y = number_network.targets(line)
        assert (y[y[:, 0] < NONE, 1] == 1).all()
        output = np.concatenate([20 * np.eye(NONE + 1)[y[:, 0].astype(int)], y[:, 2:]], axis=1)
        found, sides = decode(output)
        order = [i for i in in_order(line) if line.labels[i] != BAR]
        assert len(sides) >= line.labels.count(BAR) - 1  # two may stand in one place
        if [character.label for character in found] != [line.labels[i] for i in order]:
            wrong += 1  # characters that overlap nearly whole
            continue
        for character, i in zip(found, order, strict=True):
            np.testing.assert_allclose(character.box, line.boxes[i], atol=0.1)
    assert wrong <= 8


def test_clear_numbers_of_good_pages_are_whole_large_enough_and_apart_from_others(shapes, patterns):
    n = 0
    for page in PageWriter(shapes, patterns).pages(np.random.default_rng(6), 40, good=True):
        clear = [number for number in page.numbers if number.clear]
        n += len(clear)
        assert all(number.height > 0.8 * LOWEST_GOOD for number in clear)  # tilted away
        assert all(-1 < edge < SIDE for number in clear for edge in [*number.start, *number.end])
        for number, other in product(clear, [*page.numbers, *page.hidden]):
            if number is other:
                continue
            gap = min(np.linalg.norm(number.start - other.end), np.linalg.norm(number.end - other.start))
            assert gap > 0.3 * min(number.height, other.height), (number, other)
    assert n > 150


@pytest.mark.parametrize("kind", ["lines", "pages"])
def test_the_seed_decides(shapes, patterns, kind):
    write = LineWriter(shapes, patterns).lines if kind == "lines" else PageWriter(shapes, patterns).pages
    one, again, other = (
        [made.picture.tobytes() for made in write(np.random.default_rng(seed), 4)] for seed in (1, 1, 2)
    )
    assert one == again
    assert not set(one) & set(other)


def test_texts_are_of_the_characters_that_the_network_knows_and_no_digit_is_rare():
    rng = np.random.default_rng(0)
    texts = [draw_number(rng) for _ in range(4000)]
    counts = [sum(text.count(digit) for text in texts) for digit in "123456789"]
    assert max(counts) < 1.3 * min(counts)  # days and months begin with low digits
    assert {character for text in texts for character in text} == set(CHARACTERS)
    letters = {word for word in (draw_word(rng) for _ in range(2000)) if len(word) == 1}
    assert letters <= set(LETTERS)


def test_the_fonts_are_free_and_listed_once():
    rows = read_list()
    assert len({row["name"] for row in rows}) == len(rows) > 150
    assert {row["licence"] for row in rows} == {"OFL-1.1", "Apache-2.0", "MIT", "UFL-1.0"}
    assert {row["kind"] for row in rows} == {"written", "printed", "display"}


CLOSE = 0.25  # mean difference of logits, which reach from -20 to 20
FINDER_CLOSE = 0.35  # the same of the finder


@pytest.mark.slow
def test_the_networks_in_the_package_are_those_of_the_kept_weights(shapes, patterns):
    """Keras is the oracle; 8 bits and folded batch normalization make no difference that matters."""
    network = bundle.number_ensemble()
    (line,) = LineWriter(shapes, patterns).lines(np.random.default_rng(8), 1)
    picture = line.picture[:, : line.picture.shape[1] // 4 * 4]
    expected = network.predict(standardize(picture)[None, :, :, None], verbose=0).reshape(-1, NONE + 5)
    assert np.abs(bundled(1)([picture])[0] - expected).mean() < CLOSE
    network = finder_network.build()
    load_weights(network, ROOT / "reader" / "finder.npz")
    (page,) = PageWriter(shapes, patterns).pages(np.random.default_rng(8), 1)
    expected = network.predict(standardize(finder.even_contrast(page.picture))[None, :, :, None], verbose=0)[0]
    found = finder.bundled(1)(page.picture)
    for row, column in ((0, 0), (1, 0), (0, 1), (1, 1)):  # each output speaks for four places
        first = 2 * (2 * row + column)
        assert np.abs(found[row::2, column::2] - expected[..., first : first + 2]).mean() < FINDER_CLOSE


def test_logistic_regression_finds_the_weights_of_the_confidence_model():
    rng = np.random.default_rng(0)
    values = rng.normal(0, 1, (20_000, 2))
    truth = 1 / (1 + np.exp(-(values @ [2.0, -1.0] + 0.5)))
    right = (rng.random(len(truth)) < truth).astype(float)
    weights, bias = calibrate.fit(values, right)
    assert [*weights, bias] == pytest.approx([2, -1, 0.5], abs=0.1)


def test_a_threshold_keeps_the_fraction_of_errors_below_its_limit():
    confidence = np.linspace(1, 0, 1000)
    right = (np.arange(1000) < 500).astype(float)
    accepted = right[confidence >= calibrate.threshold_for(confidence, right, 0.1)]
    assert 0.06 < 1 - accepted.mean() < 0.09, "the fraction may be larger by chance"
    assert calibrate.threshold_for(confidence, 1 - right, 0.1) == 1.0
    assert calibrate.threshold_for(confidence[:4], np.ones(4), 0.1) == 1.0, "too few to decide"


def test_confidence_is_weighed_on_what_a_page_gives_in_the_end(shapes, patterns):
    right, reader = [], Reader()
    for page in PageWriter(shapes, patterns, LOWEST_GOOD).pages(np.random.default_rng(5), 8, good=True):
        for reading, middle in calibrate.read(reader, page.picture):
            assert reading.doubt is None
            number = calibrate.number_at(middle, page.numbers, calibrate.ON)
            right += [calibrate.has_value(reading, number.text)] if number else []
    assert len(right) > 15
    assert np.mean(right) > 0.7, "what is read is compared with what stands in its place"


def test_a_gap_separates_numbers_and_a_doubtful_one_is_left_out():
    def line_of(*characters):
        boxes = np.array([(left, 10, left + 10, 30) for _, left in characters], np.float32)
        return Line(np.zeros((40, 160), np.uint8), [label for label, _ in characters], boxes)

    numbers_of = calibrate.numbers_of
    assert numbers_of(line_of(("1", 0), ("2", 14), ("3", 70))) == [(0, 24, "12"), (70, 80, "3")]
    assert numbers_of(line_of(("1", 0), ("2", 14), ("3", 40))) is None
    assert numbers_of(line_of(("-", 0), ("2", 70))) is None, "a sign may stand far in front of its number"
