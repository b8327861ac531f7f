"""Generated lines and pages: what they say stands there does, and the seed alone decides."""

from pathlib import Path

import matplotlib
import numpy as np
import pytest

import line_network
from decode import NONE, decode
from synthesis.fonts import load_fonts
from synthesis.glyphs import glyph_of, write
from synthesis.hands import Shapes
from synthesis.lines import HEIGHT, WIDTH, LineWriter
from synthesis.pages import SIDE, PageWriter
from synthesis.patterns import Patterns
from synthesis.strokes import draw_digit
from synthesis.texts import CHARACTERS, LETTERS, draw_number, draw_word


@pytest.fixture(scope="module")
def shapes(digits):
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    fonts = load_fonts(sorted(folder.glob("DejaVuS*.ttf")), written=False)
    return Shapes(
        digits.x_train,
        digits.y_train,
        [*fonts, *load_fonts([folder / "STIXGeneralItalic.ttf"], written=True)],
        np.random.default_rng(0),
    )


@pytest.fixture(scope="module")
def patterns():
    return Patterns(np.random.default_rng(0), n=12)


def test_a_font_that_has_not_every_character_is_left_out():
    """STIX' large sizes have no digits; the font of last resort draws a box for each."""
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    names = {font.name for font in load_fonts(folder.glob("*.ttf"), written=False)}
    assert "DejaVuSans" in names
    assert not {name for name in names if name.startswith(("STIXSiz", "LastResort"))}


def test_a_thicker_pen_covers_a_thinner_one_and_the_shape_keeps_its_place():
    glyph = glyph_of("4", draw_digit(4, np.random.default_rng(1)))
    thin, thick = (write(glyph, (30.0, 30.0), pen, slant=0.1) for pen in (1.2, 2.5))
    assert thin[1:] == thick[1:]
    assert (thick[0] >= thin[0]).all()
    assert 1.3 < (thick[0] > 128).sum() / (thin[0] > 128).sum() < 3
    rows = np.flatnonzero((thin[0] > 128).any(axis=1)) + thin[2]
    assert abs(rows[0]) < 2.5
    assert abs(rows[-1] - 29) < 2.5


def test_a_slant_moves_the_top_to_the_right_of_the_baseline():
    glyph = glyph_of("1", np.pad(np.full((60, 8), 255, np.uint8), 10))
    strokes, left, _ = write(glyph, (30.0, 30.0), 2.0, slant=0.5)
    middles = [np.flatnonzero(row > 128).mean() + left for row in strokes if (row > 128).any()]
    assert middles[0] - middles[-1] == pytest.approx(0.5 * 30, abs=2)
    assert middles[-1] == pytest.approx(2, abs=1.5)


def test_every_character_has_a_box_with_writing_in_it(shapes, patterns):
    lines = [*LineWriter(shapes, patterns).lines(np.random.default_rng(3), 400)]
    labels = [label for line in lines for label in line.labels]
    assert set(labels) == set(CHARACTERS)
    assert 4 * 400 < len(labels) < 14 * 400
    for line in lines:
        height, width = line.picture.shape
        assert (height, width % 2) == (HEIGHT, 0)
        assert 24 <= width <= WIDTH
        assert len(line.labels) == len(line.boxes)
        for left, top, right, bottom in line.boxes:
            assert 0 <= left < right <= width
            assert 0 <= top < bottom <= HEIGHT


def test_boxes_are_where_the_picture_has_strokes(shapes, patterns):
    """On bare paper, by counting dark pixels: most are in boxes, and each box has some."""
    found = 0
    for line in LineWriter(shapes, patterns).lines(np.random.default_rng(4), 200):
        part = line.picture.astype(int)
        paper = np.median(part)
        dark = part < paper - 60
        if not line.labels or dark.mean() > 0.2:
            continue
        for left, top, right, bottom in line.boxes.astype(int):
            found += bool(dark[top:bottom, left:right].any())
        boxes = np.zeros_like(dark)
        for left, top, right, bottom in line.boxes.astype(int):
            boxes[max(0, top - 1) : bottom + 1, max(0, left - 1) : right + 1] = True
    assert found > 200


def test_a_network_that_says_what_it_is_taught_reads_the_line(shapes, patterns):
    wrong = 0
    for line in LineWriter(shapes, patterns).lines(np.random.default_rng(6), 200):
        y = line_network.targets(line)
        assert (y[y[:, 0] < NONE, 1] == 1).all()
        output = np.concatenate([20 * np.eye(NONE + 1)[y[:, 0].astype(int)], y[:, 2:]], axis=1)
        found = decode(output)
        order = np.argsort(line.boxes[:, 0] + line.boxes[:, 2], kind="stable")
        if [character.label for character in found] != [line.labels[i] for i in order]:
            wrong += 1  # characters that overlap nearly whole
            continue
        for character, i in zip(found, order, strict=True):
            np.testing.assert_allclose(character.box, line.boxes[i], atol=0.1)
    assert wrong <= 6


def test_numbers_of_a_page_lie_on_their_digits(shapes, patterns):
    pages = [*PageWriter(shapes, patterns).pages(np.random.default_rng(5), 25)]
    numbers = [number for page in pages for number in page.numbers]
    assert len(numbers) > 200
    for number in numbers:
        assert np.linalg.norm(number.end - number.start) >= 1
        assert 3 < number.height < 60
    assert all(page.picture.shape == (SIDE, SIDE) for page in pages)


@pytest.mark.parametrize("kind", ["lines", "pages"])
def test_the_seed_decides(shapes, patterns, kind):
    write = LineWriter(shapes, patterns).lines if kind == "lines" else PageWriter(shapes, patterns).pages
    one, again, other = (
        [made.picture.tobytes() for made in write(np.random.default_rng(seed), 4)] for seed in (1, 1, 2)
    )
    assert one == again
    assert not set(one) & set(other)


def test_texts_are_of_the_characters_that_the_network_knows_and_digits_are_equally_frequent():
    rng = np.random.default_rng(0)
    texts = [draw_number(rng) for _ in range(4000)]
    counts = [sum(text.count(digit) for text in texts) for digit in "123456789"]
    assert max(counts) < 1.1 * min(counts)
    assert {character for text in texts for character in text} == set(CHARACTERS)
    letters = {word for word in (draw_word(rng) for _ in range(2000)) if len(word) == 1}
    assert letters <= set(LETTERS)
