import io
import subprocess
import sys
import time
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tendigits.digits import budget
from tendigits.digits.network import Network, bundled
from tendigits.errors import DataError, UserError
from tendigits.numbers import finder
from tendigits.numbers.decode import strip_text
from tendigits.numbers.detections import Detection
from tendigits.numbers.network import bundled_file
from tendigits.numbers.strips import inner_columns
from tendigits.read.page import LEFT_OUT
from tendigits.read.reader import Reader


@pytest.fixture(scope="module")
def reader():
    return Reader(threads=1)


@pytest.fixture(scope="module")
def certain(digits, reader):
    """Test digits that are read rightly and with high confidence, one of each label: what a page is made of."""
    answers = reader.network(digits.x_test)
    right = (answers.digits.argmax(axis=1) == digits.y_test) & (answers.confidence > 0.97)
    return [digits.x_test[np.flatnonzero(right & (digits.y_test == label))[3]] for label in range(10)]


def line_of(certain, text, gap=14):
    """The digits of a text side by side, dark on light paper."""
    pieces = []
    for character in text:
        foreground = certain[int(character)]
        columns = np.flatnonzero((foreground > 60).any(axis=0))
        piece = cv2.resize(foreground[:, columns[0] : columns[-1] + 1], None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
        pieces += [piece, np.zeros((84, gap), np.uint8)]
    field = cv2.copyMakeBorder(np.hstack(pieces), 20, 20, 30, 30, cv2.BORDER_CONSTANT)
    return (235 - field * 0.8).astype(np.uint8)


def test_digits_of_mnist_whatever_the_size_and_the_paper(digits, reader):
    images = digits.x_test[:150]
    for change in (
        lambda image: image,
        lambda image: 255 - image,
        lambda image: cv2.resize(255 - image // 2, None, fx=4, fy=4),
        lambda image: np.pad(image, ((3, 40), (50, 5))),
    ):
        labels = [digit.label for digit in reader.digits([change(image) for image in images])]
        assert np.mean(labels == digits.y_test[:150]) > 0.97


def test_one_digit_says_where_it_is_and_what_the_network_saw(reader, certain):
    picture = np.full((200, 300), 240, np.uint8)
    picture[100:184, 150:234] -= (cv2.resize(certain[3], (84, 84)) * 0.8).astype(np.uint8)
    digit = reader.digit(picture)
    assert (digit.label, digit.accepted, digit.reason) == (3, True, None)
    assert digit.crop.shape == (28, 28)
    assert digit.probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert 145 <= digit.box.left < digit.box.right <= 240
    assert 95 <= digit.box.top < digit.box.bottom <= 190


def test_one_path_is_no_list_of_pictures(reader):
    for one in ("a.png", b"\x89PNG", Path("a.png")):
        with pytest.raises(UserError, match=r"expected a list of pictures, received .*; use digit\(\) for one"):
            reader.digits(one)


@pytest.mark.parametrize("blank", [np.full((50, 50), 255, np.uint8), np.zeros((1, 1), np.uint8)])
def test_a_blank_picture_holds_no_digit(reader, blank):
    digit = reader.digit(blank)
    assert (digit.accepted, digit.reason, digit.confidence) == (False, "no digit", 0)
    assert reader.read(blank).numbers == []


@pytest.mark.parametrize("kind", ["dot", "cross", "box", "two digits"])
def test_what_is_no_digit_is_rejected(reader, certain, kind):
    picture = np.full((100, 100), 235, np.uint8)
    if kind == "dot":
        picture[50, 50] = 0
    elif kind == "cross":
        cv2.line(picture, (25, 20), (75, 80), 40, 5)
        cv2.line(picture, (75, 22), (25, 78), 40, 5)
    elif kind == "box":
        cv2.rectangle(picture, (20, 20), (80, 80), 40, 5)
    else:
        picture = line_of(certain, "38", gap=10)
    digit = reader.digit(picture)
    assert not digit.accepted, (digit.label, digit.confidence)
    assert digit.reason


def test_letters_are_rejected(reader):
    """Of a font that the network has not learned from, and in another size."""
    from matplotlib import font_manager
    from PIL import ImageDraw, ImageFont

    font = ImageFont.truetype(font_manager.findfont("DejaVu Serif"), 64)
    accepted = []
    for letter in "AEFHKMNPRTUVWXdfhkmnrwx":
        image = Image.new("L", (100, 100), 240)
        ImageDraw.Draw(image).text((50, 50), letter, fill=30, font=font, anchor="mm")
        if reader.digit(image).accepted:
            accepted.append(letter)
    assert len(accepted) <= 1, accepted


@pytest.mark.parametrize(("text", "gap"), [("0427", 14), ("2", 14), ("2503", 0)], ids=["apart", "one", "touching"])
def test_a_line(reader, certain, text, gap):
    picture = cv2.resize(line_of(certain, text, gap), None, fx=2, fy=2)
    (line,) = reader.read(picture).numbers
    assert line.box.right > 0.6 * picture.shape[1], "in pixels of the picture"
    assert (line.value, line.number, line.reason, line.accepted) == (text, int(text), None, True)
    assert [character.label for character in line.characters] == list(text)
    for character in line.characters:
        assert (character.crop.shape, character.accepted) == ((28, 28), True)
        assert 0 <= character.box.left < character.box.right <= picture.shape[1]
    boxes = [character.box for character in line.characters]
    assert boxes == sorted(boxes), "from left to right"


def test_a_page_and_two_numbers_in_a_row(reader, certain):
    texts = ["012", "34567", "89"]
    lines = [line_of(certain, text) for text in texts]
    width = max(line.shape[1] for line in lines)
    page = np.vstack([np.pad(line, ((0, 0), (0, width - line.shape[1])), constant_values=235) for line in lines])
    for picture in (page, Image.fromarray(page), 255 - page):
        assert [line.value for line in reader.read(picture).numbers] == texts
    one, other = line_of(certain, "12"), line_of(certain, "34")
    gap = np.full((one.shape[0], 200), 235, np.uint8)
    assert [line.value for line in reader.read(np.hstack([one, gap, other])).numbers] == ["12", "34"]


NUMBERS = ["12.50", "-3", "12/05", "1:24:05", "0042", "3+4=7", "15%", "(8)", "1.250,00"]


def printed(texts, height=44):
    """Lines of print, dark on light paper, in a font that no network has learned from."""
    from matplotlib import font_manager
    from PIL import ImageDraw, ImageFont

    font = ImageFont.truetype(font_manager.findfont("DejaVu Sans"), height)
    image = Image.new("L", (400, 40 + 2 * height * len(texts)), 235)
    for row, text in enumerate(texts):
        ImageDraw.Draw(image).text((60, 30 + 2 * height * row), text, fill=40, font=font)
    return np.asarray(image)


def test_signs_are_read_as_they_stand(reader):
    lines = reader.read(printed(NUMBERS)).numbers
    assert [line.value for line in lines] == NUMBERS
    assert [line.number for line in lines if line.number is not None] == [
        Decimal(number) for number in ("12.50", "-3", "42", "0.15", "-8", "1250.00")
    ]


def test_words_beside_a_number_are_no_digits(reader):
    lines = reader.read(printed(["Total", "Sum 48", "750 kg"])).numbers
    assert [line.value for line in lines] == ["48", "750"]


def test_the_mark_of_decimals_is_an_option():
    picture = printed(["1.250"])
    meanings = [Reader(threads=1, decimal=mark).read(picture).numbers[0].number for mark in ("auto", "point", "comma")]
    assert meanings == [None, Decimal("1.250"), 1250]
    with pytest.raises(UserError, match="expected comma, point or auto for decimals, received 'dot'"):
        Reader(decimal="dot")


def test_a_smaller_error_is_a_higher_threshold():
    loose, strict = Reader(max_error=0.05).number_threshold, Reader(max_error=0.01).number_threshold
    assert loose < Reader().number_threshold < strict
    assert Reader(threshold=0.3).number_threshold == 0.3
    with pytest.raises(UserError, match="expected a threshold or a maximum error, received both"):
        Reader(threshold=0.5, max_error=0.1)
    doubtful = Reader(threshold=1.0).read(printed(["42"])).numbers[0]
    assert (doubtful.value, doubtful.accepted) == ("42", False)
    assert doubtful.reason


def test_fine_printed_waves_under_the_digits_are_no_strokes(reader, certain):
    picture = line_of(certain, "0427")
    y, x = np.mgrid[: picture.shape[0], : picture.shape[1]]
    for number in range(6):
        wave = 10 * np.sin(x / (14 + 3 * number)) + 14 * np.sin(x / 37 + number)
        line = np.abs((y - wave + 5 * number) % 26 - 13) < 1
        picture[line] = np.minimum(picture[line], 185)  # a quarter as dark as the foreground
    assert [line.value for line in reader.read(picture).numbers] == ["0427"]


@pytest.mark.parametrize("shape", [(1, 700), (700, 1), (3, 16384), (16384, 40), (1, 1)])
def test_thin_pictures_are_read_too(reader, shape):
    noise = np.random.default_rng(0).integers(0, 255, shape).astype(np.uint8)
    assert not any(line.accepted for line in reader.read(noise).numbers)
    assert not reader.digit(noise).accepted


def test_where_nothing_is_found_the_picture_is_tried_as_one_line(reader, certain, monkeypatch):
    monkeypatch.setattr(finder, "find_numbers", lambda network, grey, options: ([], False))
    assert [line.value for line in reader.read(line_of(certain, "0427")).numbers] == ["0427"]


def test_a_number_of_which_the_finder_saw_only_an_end_is_not_accepted(reader, certain, monkeypatch):
    """Another digit beyond its ends tells; over the whole picture, which is no line, nothing else can mend it."""
    line = line_of(certain, "135079")
    page = cv2.copyMakeBorder(line, 300, 300, 200, 200, cv2.BORDER_CONSTANT, value=235)
    (whole,) = reader.read(page).numbers
    assert whole.value == "135079"
    length = 2.5 * line.shape[1] / 6
    end = Detection(200 + line.shape[1] - 30 - length / 2, page.shape[0] / 2, 0.0, length, 60.0, 1.0)
    monkeypatch.setattr(finder, "find_numbers", lambda network, grey, options: ([end], False))
    (part,) = reader.read(page).numbers
    assert whole.value.endswith(part.value)
    assert part.value != whole.value
    assert not part.accepted
    assert part.reason == "may be a part of a longer number"


def test_a_network_of_the_user_says_which_digit_each_is(certain):
    def logits(crops):
        return np.tile(np.where(np.arange(10) == 5, 12, 0).astype(np.float32), (len(crops), 1))

    own = Reader(Network("own", 0.9, logits))
    assert [line.value for line in own.read(line_of(certain, "47")).numbers] == ["55"]


def test_a_fine_tuned_network_reads_with_its_own_lines_and_decides_only_where_it_has_changed(certain):
    """It takes every 4 for a 5, which a person taught it; of all else it has no opinion."""
    package = bundled()

    def logits(crops):
        made = package.logits(crops)
        made[:, [4, 5]] = np.stack([np.minimum(made[:, 4], -9), np.maximum(*made[:, [4, 5]].T)], axis=1)
        return made

    taught = Network("taught", 0.9, logits, number_network=bundled_file())
    reader = Reader(taught)
    assert reader.number_reader.network.about == Reader().number_reader.network.about
    assert [line.value for line in reader.read(line_of(certain, "0427")).numbers] == ["0527"]
    blind = Network("blind", 0.9, lambda crops: np.zeros((len(crops), 11), np.float32), number_network=bundled_file())
    assert [line.value for line in Reader(blind).read(line_of(certain, "0427")).numbers] == ["0427"]


def test_a_line_holds_the_strip_that_was_read(reader, certain):
    (line,) = reader.read(line_of(certain, "0427")).numbers
    (output,) = reader.number_reader.network([line.strip])
    assert strip_text(output, *inner_columns(line.strip)) == "0427"


def test_the_threshold_decides_what_is_accepted(certain):
    picture = certain[5]
    assert Reader(threshold=0.0).digit(picture).accepted
    doubtful = Reader(threshold=1.0).digit(picture)
    assert doubtful.label == 5
    assert not doubtful.accepted
    assert doubtful.reason.startswith("may be")
    with pytest.raises(UserError, match="from 0 to 1"):
        Reader(threshold=1.5)


@pytest.mark.parametrize("source", [b"", b"not a picture", "no/such/file.png", None])
def test_what_is_no_picture_is_told(reader, source):
    for call in (reader.digit, reader.read):
        with pytest.raises(DataError):
            call(source)


@given(st.integers(0, 2**32 - 1), st.integers(1, 50), st.integers(1, 50), st.sampled_from([0.001, 0.05, 0.5]))
def test_any_pixels_are_read(reader, seed, height, width, share):
    noise = (np.random.default_rng(seed).random((height, width)) > share).astype(np.uint8) * np.uint8(255)
    page, digit = reader.read(noise), reader.digit(noise)
    assert page.size == (width, height)
    assert 0 <= digit.confidence <= 1


def test_the_work_for_a_page_is_bounded(reader, monkeypatch):
    page = np.full((400, 400), 235, np.uint8)
    for left in range(9, 400, 40):
        for top in range(4, 400, 40):
            cv2.putText(page, "7", (left, top + 20), cv2.FONT_HERSHEY_SIMPLEX, 0.7, 30, 2, cv2.LINE_AA)
    whole = reader.read(page)
    assert len(whole.numbers) > 60
    assert whole.notice is None
    options = replace(reader.number_reader.options, max_numbers=20)
    monkeypatch.setattr(reader, "number_reader", replace(reader.number_reader, options=options))
    part = reader.read(page)
    assert 0 < len(part.numbers) <= 20
    assert part.notice == "more to read than one picture may cost: some was left out"
    assert repr(part).splitlines()[0] == f"Page of 400x400 pixels, {len(part.numbers)} numbers, {part.notice}"
    assert part.as_dict()["notice"] == part.notice
    options = replace(options, max_numbers=len(whole.numbers))
    monkeypatch.setattr(reader, "number_reader", replace(reader.number_reader, options=options))
    assert reader.read(page).notice is None, "further views of the same numbers are no others"


def test_a_page_is_read_as_far_as_its_budget_goes_and_what_was_seen_only_once_is_not_accepted(
    reader, digits, monkeypatch
):
    options = replace(reader.number_reader.options, min_clear_confidence=1.1)
    monkeypatch.setattr(reader, "number_reader", replace(reader.number_reader, options=options))
    page = page_of_numbers(digits)
    whole = reader.read(page)
    assert len(whole.numbers) > 100
    assert (whole.notice, any("only once" in (line.reason or "") for line in whole.numbers)) == (None, False)
    n_lines, n_hurried = [], []
    for work in (5_000, 20_000, 60_000):
        monkeypatch.setattr(budget.Budget.__init__, "__defaults__", (work,))
        part = reader.read(page)
        assert part.notice == LEFT_OUT
        hurried = [line for line in part.numbers if "only once" in (line.reason or "")]
        assert not any(line.accepted for line in hurried)
        n_lines.append(len(part.numbers))
        n_hurried.append(len(hurried))
    assert 0 < n_lines[0] < n_lines[1] < n_lines[2] < len(whole.numbers)
    assert sum(n_hurried) > 0


@pytest.mark.slow
@pytest.mark.parametrize("n_digits", [1, 2, 8])
def test_a_page_full_of_numbers_costs_little_more_than_a_part_of_it(reader, digits, n_digits):
    """Processor time by that of a page that takes a third of the budget: it tells nothing of the machine."""
    third, full = (page_of_numbers(digits, n_digits, rows) for rows in (12, 58))
    seconds = []
    for page in (third, full):
        start = time.process_time()
        reader.read(page)
        seconds.append(time.process_time() - start)
    assert seconds[1] < 8 * seconds[0]


def page_of_numbers(digits, n_digits=2, rows=10):
    """Numbers of digits by many hands, 26 pixels high, side by side, until a page of 2,048 pixels is full."""
    rng, width = np.random.default_rng(0), 22 * n_digits + 18
    page = np.full((4 + 35 * rows, 2048), 235, np.uint8)
    for top in range(4, page.shape[0] - 31, 35):
        for left in range(4, 2048 - width, width if rows > 20 else 2 * width):
            for n in range(n_digits):
                digit = cv2.resize(digits.x_test[rng.integers(200)][3:25, 4:24], (24, 26), interpolation=cv2.INTER_AREA)
                place = page[top : top + 26, left + 20 * n : left + 20 * n + 24]
                place[:] = np.minimum(place, 235 - (digit * 0.8).astype(np.uint8))
    return page


SMALL_CELLS = """
import re, sys, time
from pathlib import Path
import cv2, numpy as np
from tendigits.data.mnist import load_data
from tendigits.read.reader import Reader
from tendigits.read.page import LEFT_OUT
cell, n = int(sys.argv[1]), int(sys.argv[2])
digits = [cv2.resize(each, (cell, cell), interpolation=cv2.INTER_AREA) for each in load_data()[1][0][:500]]
page = np.block([[digits[(row * n + column) % 500] for column in range(n)] for row in range(n)])
page[::cell], page[:, ::cell] = 110, 110
reader, start = Reader(), time.process_time()
read = reader.read(240 - (0.8 * page).astype(np.uint8))
# Not ru_maxrss: that begins with what the process had that started this one.
peak = int(re.search("VmHWM: +([0-9]+)", Path("/proc/self/status").read_text().expandtabs())[1])
print(len(read.numbers), round(time.process_time() - start), peak // 1024)
print(read.notice)
"""


@pytest.mark.slow
@pytest.mark.parametrize(("cell", "n"), [(20, 200), (34, 60)])
def test_a_page_of_very_many_numbers_takes_bounded_time_and_memory(cell, n):
    """Digits of 200 columns are too small to be found, but for a few; of 60, 3,600 numbers, the upper rows are read."""
    done = subprocess.run([sys.executable, "-c", SMALL_CELLS, str(cell), str(n)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    figures, notice = done.stdout.splitlines()
    lines, seconds, megabytes = map(int, figures.split())
    assert (lines > 300) == (n == 60)
    assert notice == "more to read than one picture may cost: some was left out"
    assert seconds < 20
    assert megabytes < 600


LARGEST = """
import io, sys
import numpy as np
from PIL import Image
from tendigits.read.reader import Reader
from tendigits.read.page import LEFT_OUT
page = np.full((4096, 4096), 235, np.uint8)
for row in range(20):
    for column in range(20):
        page[200 * row + 40 : 200 * row + 160, 200 * column + 92 : 200 * column + 108] = 30
buffer = io.BytesIO()
Image.fromarray(page).convert("RGBA").save(buffer, "PNG", compress_level=1)
reader = Reader()
assert reader.digit(buffer.getvalue()).crop.any()
assert reader.read(buffer.getvalue()).size == (4096, 4096)
print(next(int(line.split()[1]) // 1024 for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def test_the_largest_picture_is_read_in_less_than_600_mb():
    done = subprocess.run([sys.executable, "-c", LARGEST], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 600


@given(st.binary(max_size=300), st.sampled_from(["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", None]), st.data())
def test_any_bytes_are_read_or_refused_with_one_error(reader, junk, format_, data):
    if format_ is not None:  # a picture with some of its bytes changed
        buffer = io.BytesIO()
        Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 20), dtype=np.uint8)).save(buffer, format_)
        whole = bytearray(buffer.getvalue())
        at = data.draw(st.integers(0, len(whole)))
        junk = bytes(whole[:at] + junk[:4] + whole[at + len(junk[:4]) :])[: data.draw(st.integers(1, len(whole)))]
    for call in (reader.read, reader.digit):
        try:
            call(junk)
        except DataError as error:
            assert "expected" in str(error)
