import threading

import numpy as np
import pytest
from PIL import Image

from tendigits.errors import DataError
from tendigits.read.files import find_pictures, read_files
from tendigits.read.reader import Reader


@pytest.fixture(scope="module")
def reader():
    return Reader()


@pytest.fixture
def folder(tmp_path, digits):
    for i in range(70):
        Image.fromarray(digits.x_test[i]).save(tmp_path / f"{i:03}.png")
    (tmp_path / "sub").mkdir()
    Image.fromarray(digits.x_test[70]).save(tmp_path / "sub" / "last.BMP")
    (tmp_path / "notes.txt").write_text("7")
    (tmp_path / "005.png").write_bytes(b"broken")
    return tmp_path


def test_pictures_of_a_folder_by_name_with_its_folders(folder):
    found = find_pictures([folder, folder / "notes.txt"])
    assert len(found) == 72
    assert found[0].name == "000.png"
    assert [path.name for path in found[-2:]] == ["last.BMP", "notes.txt"]


def test_a_folder_without_a_picture_is_told(tmp_path):
    with pytest.raises(DataError, match="expected pictures in the folder"):
        find_pictures([tmp_path])


@pytest.mark.parametrize("one", [True, False])
def test_a_bad_file_stops_nothing_and_the_order_stays(folder, reader, digits, one):
    paths = find_pictures([folder])
    results = list(read_files(reader, paths, one=one))
    assert [result.path for result in results] == paths
    failed = [result for result in results if result.error]
    assert [result.path.name for result in failed] == ["005.png"]
    assert "005.png" in str(failed[0].error)
    if one:
        read = [int(result.page.lines[0].value) for result in results if result.page]
        expected = np.delete(digits.y_test[:71], 5)
        assert np.mean(read == expected) > 0.9
        assert results[0].page.size == (28, 28)


def test_only_a_few_pictures_are_in_work_at_once(reader, digits):
    asked = 0
    lock = threading.Lock()

    def paths():
        nonlocal asked
        for i in range(100):
            with lock:
                asked += 1
            yield i

    class Slow:
        def read(self, path):
            raise DataError(f"{path}")

    results = read_files(Slow(), paths(), workers=2)
    assert str(next(results).error) == "0"
    assert asked <= 10
    assert len(list(results)) == 99
