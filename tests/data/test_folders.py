import shutil

import numpy as np
import pytest
from PIL import Image

from tendigits.data.folders import read_folder
from tendigits.data.preprocess import to_mnist
from tendigits.errors import DataError

DIGIT = np.zeros((60, 60), np.uint8)
DIGIT[10:50, 10:18] = DIGIT[42:50, 10:40] = 255


def save(folder, images, labels):
    for i, (pixels, label) in enumerate(zip(images, labels, strict=True)):
        (folder / str(label)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / str(label) / f"{i:05}.png")


def rows(*pairs):
    return sorted((int(label), bytes(image)) for x, y in pairs for image, label in zip(x, y, strict=True))


@pytest.fixture
def some(digits):
    """20 real digits of each class, in order."""
    chosen = np.concatenate([np.flatnonzero(digits.y_train == digit)[:20] for digit in range(10)])
    return digits.x_train[chosen], digits.y_train[chosen]


def test_a_picture_of_another_size_is_normalised_whatever_its_contrast(tmp_path):
    pale = np.where(DIGIT > 0, 90, 190).astype(np.uint8)
    save(tmp_path / "train", [DIGIT, 255 - DIGIT, pale], [0, 0, 0])
    (tmp_path / "test" / "0").mkdir(parents=True)
    Image.fromarray(DIGIT).save(tmp_path / "test" / "0" / "one.jpg")
    assert all(np.array_equal(digit, to_mnist(DIGIT)) for digit in read_folder(tmp_path).x_train)


def test_real_digits_are_split_and_come_back_to_the_pixel(tmp_path, some):
    save(tmp_path, *some)
    dataset = read_folder(tmp_path)
    assert dataset.counts == {"train": [16] * 10, "test": [4] * 10}
    assert rows((dataset.x_train, dataset.y_train), (dataset.x_test, dataset.y_test)) == rows(some)
    assert (dataset.name, dataset.source) == ("own data", str(tmp_path))
    assert dataset.notes == ("no test set, so split at random (seed 0): 160 images to train on, 40 to test on",)
    assert read_folder(tmp_path).digests == dataset.digests


def test_notes_count_skipped_and_inverted_pictures(tmp_path, some):
    x, y = some
    x[45] = 255 - x[45]
    save(tmp_path, x, y)
    for name in ("labels.csv", "3/Thumbs.db", "4/.hidden.png", ".DS_Store"):
        (tmp_path / name).write_text("x")
    for name in (".git", "__MACOSX"):
        (tmp_path / name).mkdir()
    assert read_folder(tmp_path).notes[:2] == (
        "inverted: 1, dark on light, and MNIST is light on dark",
        "skipped: 4 files, no pictures in the folder of a digit",
    )


def test_what_cannot_be_used_is_named(tmp_path, some):
    with pytest.raises(DataError, match="found none; add some"):
        read_folder(tmp_path)
    x, y = some
    save(tmp_path / "few", x[:41], y[:41])
    with pytest.raises(DataError, match="received 1 of 2"):
        read_folder(tmp_path / "few")
    save(tmp_path / "one", x[:20], y[:20])
    for name in ("01", "Eight", "digit_3", "misc", "10"):
        (tmp_path / "one" / name).mkdir()
    renames = "rename 01 to 1, digit_3 to 3, Eight to 8 and move 10, misc away"
    with pytest.raises(DataError, match=rf"one sub-folder for each digit, 0 to 9.*found '01', '10', .*; {renames}"):
        read_folder(tmp_path / "one")
    for name in ("01", "Eight", "digit_3", "misc", "10"):
        (tmp_path / "one" / name).rmdir()
    noise = np.random.default_rng(0).integers(119, 138, (50, 40), dtype=np.uint8)
    save(tmp_path / "one", [0 * DIGIT, noise], ["7", "8"])
    with pytest.raises(DataError, match=r"found 2 of 22 blank: 7/00000\.png, 8/00001\.png; take them away"):
        read_folder(tmp_path / "one")
    shutil.rmtree(tmp_path / "one" / "7")
    shutil.rmtree(tmp_path / "one" / "8")
    (tmp_path / "loose").mkdir()
    Image.fromarray(DIGIT).save(tmp_path / "loose" / "photo.JPG", "JPEG")
    with pytest.raises(DataError, match=r"found loose pictures \(1\): photo\.JPG; put .*loose/7/photo\.JPG"):
        read_folder(tmp_path / "loose")
    (tmp_path / "one" / "0" / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(DataError, match=r"0/cut\.png"):
        read_folder(tmp_path / "one")
    (tmp_path / "one" / "0" / "more").mkdir()
    with pytest.raises(DataError, match=r"expected only pictures in .*0, found the folder 'more'"):
        read_folder(tmp_path / "one")
