import numpy as np
import pytest
from PIL import Image

from tendigits.data.dataset import ARRAYS
from tendigits.data.folders import read_image_folder
from tendigits.errors import DataError


def save(folder, images, labels, *, start=0, ending="png"):
    for i, (pixels, label) in enumerate(zip(images, labels, strict=True), start):
        (folder / str(label)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / str(label) / f"{i:05}.{ending}")


def rows(*pairs):
    return sorted((int(label), bytes(image)) for x, y in pairs for image, label in zip(x, y, strict=True))


@pytest.fixture
def digits(digits):
    """20 real digits of each class, in order."""
    chosen = np.concatenate([np.flatnonzero(digits.y_train == digit)[:20] for digit in range(10)])
    return digits.x_train[chosen], digits.y_train[chosen]


def test_real_digits_come_back_to_the_pixel(tmp_path, digits):
    save(tmp_path, *digits)
    dataset = read_image_folder(tmp_path)
    assert dataset.counts == {"train": [16] * 10, "test": [4] * 10}
    assert rows((dataset.x_train, dataset.y_train), (dataset.x_test, dataset.y_test)) == rows(digits)
    assert (dataset.name, dataset.source) == ("own data", str(tmp_path))
    assert dataset.notes == ("split at random (seed 0): 160 images to train on, 40 to test on",)


def test_the_same_digits_written_large_in_black_on_white_paper_are_nearly_the_same(tmp_path, digits):
    """Enlarged four times, smoothly, with a margin: what a drawing program or a scanner makes of a digit."""
    x, y = digits
    big = [Image.fromarray(image).resize((112, 112), Image.Resampling.BICUBIC) for image in x]
    save(tmp_path / "train", [255 - np.pad(np.asarray(image), ((50, 20), (10, 70))) for image in big], y)
    save(tmp_path / "test", x[:1], y[:1])
    dataset = read_image_folder(tmp_path)
    difference = np.abs(dataset.x_train.astype(int) - x).mean(axis=(1, 2))
    assert difference.mean() < 9, difference.mean()  # of 255; the same digits one pixel off: about 28
    one_off = np.abs(np.roll(x, 1, axis=2).astype(int) - x).mean()
    assert difference.mean() < one_off / 2
    likeness = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(dataset.x_train, x, strict=True)]
    assert np.mean(likeness) > 0.93
    assert dataset.notes[-1] == "200 images had dark ink on light ground and were inverted"


def test_the_split_is_the_same_each_time(tmp_path, digits):
    save(tmp_path, *digits)
    assert read_image_folder(tmp_path).digests == read_image_folder(tmp_path).digests


def test_a_ready_split_stays(tmp_path, digits):
    x, y = digits
    save(tmp_path / "train", x[::2], y[::2])
    save(tmp_path / "test", x[1::2], y[1::2])
    dataset = read_image_folder(tmp_path)
    for key, expected in zip(ARRAYS, (x[::2], y[::2], x[1::2], y[1::2]), strict=True):
        np.testing.assert_array_equal(getattr(dataset, key), expected)
    assert dataset.notes == ()


@pytest.mark.parametrize("ending", ["PNG", "jpg", "JPEG"])
def test_endings_in_any_case(tmp_path, digits, ending):
    save(tmp_path, *digits, ending=ending)
    assert sum(read_image_folder(tmp_path).counts["train"]) == 160


def test_other_files_are_skipped_and_counted(tmp_path, digits):
    save(tmp_path, *digits)
    for name in ("labels.csv", "3/Thumbs.db", "3/notes.txt", "4/.hidden.png", ".DS_Store"):
        (tmp_path / name).write_text("x")
    (tmp_path / ".git").mkdir()
    (tmp_path / "__MACOSX").mkdir()
    assert read_image_folder(tmp_path).notes[0] == "5 files were skipped: not a PNG or JPEG"


def test_missing_classes_and_inverted_and_blank_pictures_are_noted(tmp_path, digits):
    x, y = digits
    x[45], x[47] = 255 - x[45], 0
    kept = (y != 1) & (y != 9)
    save(tmp_path, x[kept], y[kept])
    dataset = read_image_folder(tmp_path)
    assert dataset.counts["train"] == [16, 0, 16, 16, 16, 16, 16, 16, 16, 0]
    assert dataset.notes[:3] == (
        "no image of 1, 9",
        "1 image had dark ink on light ground and was inverted",
        "1 image was blank: no ink was found",
    )


def test_a_class_missing_in_one_part_is_noted(tmp_path, digits):
    x, y = digits
    save(tmp_path / "train", x, y)
    save(tmp_path / "test", x[y != 3], y[y != 3])
    assert read_image_folder(tmp_path).notes == ("no image of 3 to test on",)


@pytest.mark.parametrize("name", ["10", "seven", "00", "01", "train", "①"])
def test_another_folder_name_is_refused(tmp_path, digits, name):
    save(tmp_path, *digits)
    (tmp_path / name).mkdir()
    with pytest.raises(DataError, match=f"one sub-folder for each digit, 0 to 9.*found '{name}'"):
        read_image_folder(tmp_path)


def test_a_folder_in_a_class_is_refused(tmp_path, digits):
    save(tmp_path, *digits)
    (tmp_path / "3" / "more").mkdir()
    with pytest.raises(DataError, match=r"expected only pictures in .*3, found the folder 'more'"):
        read_image_folder(tmp_path)


@pytest.mark.parametrize("folders", [[], ["0", "1"], ["train", "test"]])
def test_an_empty_folder_is_refused(tmp_path, folders):
    for name in folders:
        (tmp_path / name).mkdir()
    with pytest.raises(DataError, match="found no picture"):
        read_image_folder(tmp_path)


def test_one_damaged_picture_is_named(tmp_path, digits):
    save(tmp_path, *digits)
    (tmp_path / "6" / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(DataError, match=r"6/cut\.png"):
        read_image_folder(tmp_path)


def test_one_picture_of_a_class_cannot_be_split(tmp_path, digits):
    x, y = digits
    save(tmp_path, x[:41], y[:41])
    with pytest.raises(DataError, match="received 1 of 2"):
        read_image_folder(tmp_path)


def test_one_class_is_refused(tmp_path, digits):
    x, y = digits
    save(tmp_path, x[:20], y[:20])
    with pytest.raises(DataError, match="2 different digits"):
        read_image_folder(tmp_path)


def test_no_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match="folder that can be read"):
        read_image_folder(tmp_path / "none")
