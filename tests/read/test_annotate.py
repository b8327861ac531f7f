import numpy as np

from tendigits.read.annotate import CELL_HEIGHT_PX, draw_page
from tendigits.read.reader import Reader


def test_the_picture_with_boxes_and_a_crop_for_each_digit(digits):
    picture = 255 - np.hstack([np.pad(image, 10) for image in digits.x_test[:6]])
    drawn = draw_page(picture, Reader().read(picture))
    assert (drawn.mode, drawn.width >= 400) == ("RGB", True)
    assert drawn.height >= drawn.width * picture.shape[0] // picture.shape[1] + CELL_HEIGHT_PX
    pixels = np.asarray(drawn).astype(int)
    assert (pixels.max(axis=2) - pixels.min(axis=2) > 60).any(), "coloured boxes"
