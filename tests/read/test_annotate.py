import numpy as np

from tendigits.read.annotate import CELL, draw_page
from tendigits.read.reader import Reader


def test_the_picture_with_boxes_and_a_crop_for_each_digit(digits):
    images = [image for image, label in zip(digits.x_test[:40], digits.y_test[:40], strict=True) if label in (2, 3, 5)][
        :6
    ]
    picture = 255 - np.hstack([np.pad(image, 10) for image in images])
    page = Reader().read(picture)
    drawn = draw_page(picture, page)
    assert drawn.mode == "RGB"
    assert drawn.width >= 400
    assert drawn.height >= drawn.width * picture.shape[0] // picture.shape[1] + CELL
    pixels = np.asarray(drawn).astype(int)
    coloured = (pixels.max(axis=2) - pixels.min(axis=2)) > 60
    assert coloured.any()


def test_a_page_without_digits_is_drawn_too():
    blank = np.full((300, 500), 255, np.uint8)
    assert draw_page(blank, Reader().read(blank)).size[0] == 500
