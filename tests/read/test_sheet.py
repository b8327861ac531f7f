import cv2
import numpy as np
import pytest

from tendigits.read.find import find_page
from tendigits.read.sheet import crop_to_sheet


def sheet(height=300, width=400, paper=220):
    picture = np.full((height, width), paper, np.uint8)
    for x in (100, 200, 300):
        picture[120:180, x : x + 6] = 40
    return picture


def on_desk(picture, desk=70, edge=60, turn=0.0):
    height, width = picture.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), turn, 1)
    matrix[:, 2] += edge
    size = width + 2 * edge, height + 2 * edge
    return cv2.warpAffine(picture, matrix, size, borderMode=cv2.BORDER_CONSTANT, borderValue=desk)


@pytest.mark.parametrize("turn", [0, 3, -8])
@pytest.mark.parametrize("desk", [5, 70, 130])
def test_a_desk_is_taken_away_and_what_is_written_stays(desk, turn):
    picture = on_desk(sheet(), desk, turn=turn)
    cut, left, top = crop_to_sheet(picture)
    assert cut.min() < 60
    assert np.abs(cut[[0, -1]].astype(int) - 220).max() < 40
    assert 0 <= left <= 62
    assert 0 <= top <= 62
    page = find_page(picture)
    assert [len(line) for line in page.lines] == [3]
    box = page.in_picture(page.lines[0][1].box)
    middle = (box.left + box.right) / 2, (box.top + box.bottom) / 2
    assert middle == pytest.approx((263, 210), abs=6)


def test_a_shade_across_the_sheet_leaves_no_edge():
    shaded = (sheet() * np.linspace(0.5, 1, 400)).astype(np.uint8)
    page = find_page(on_desk(shaded, 40, turn=2))
    assert [len(line) for line in page.lines] == [3]


@pytest.mark.parametrize(
    "picture",
    [
        sheet(),
        255 - sheet(),  # chalk
        np.zeros((50, 50), np.uint8),
        np.full((7, 5), 3, np.uint8),
        np.random.default_rng(0).integers(0, 256, (90, 90), dtype=np.uint8),
    ],
    ids=["paper", "chalk", "black", "tiny", "noise"],
)
def test_where_there_is_no_sheet_on_a_desk_nothing_changes(picture):
    cut, left, top = crop_to_sheet(picture)
    np.testing.assert_array_equal(cut, picture)
    assert (left, top) == (0, 0)


def test_a_ring_of_light_is_no_sheet():
    picture = np.full((200, 200), 40, np.uint8)
    cv2.line(picture, (20, 100), (180, 110), 240, 12)
    np.testing.assert_array_equal(crop_to_sheet(picture)[0], picture)
