import io
import math

import numpy as np
import pytest
from PIL import Image

from drawing import page_of_numbers
from tendigits.batch.options import ReadOptions
from tendigits.batch.reading import read_files, read_here
from tendigits.batch.sources import find_pictures
from tendigits.batch.worker import attempt, make_reader, read_job
from tendigits.errors import DataError
from tendigits.numbers.reader import NumberReader
from tendigits.read.reader import Reader


@pytest.fixture
def paths(tmp_path, digits):
    """40 digits in a folder, one of them damaged."""
    for i in range(40):
        Image.fromarray(digits.x_test[i]).save(tmp_path / f"{i:03}.png")
    (tmp_path / "005.png").write_bytes(b"broken")
    return find_pictures([tmp_path]).pictures


@pytest.mark.parametrize("workers", [None, 2])
def test_a_damaged_file_stops_nothing_and_the_order_stays(paths, digits, workers):
    with read_files(ReadOptions(one=True, workers=workers), paths) as results:
        found, pages = zip(*results, strict=True)
    assert list(found) == paths
    assert [path for path, page in zip(paths, pages, strict=True) if isinstance(page, DataError)] == [paths[5]]
    assert paths[5] in str(pages[5])
    read = [int(page.numbers[0].value) for page in pages if page is not pages[5]]
    assert np.mean(read == np.delete(digits.y_test[:40], 5)) > 0.9
    assert pages[0].size == (28, 28)


@pytest.mark.parametrize("timeout", [None, 60])
def test_a_page_is_read_as_the_reader_reads_it_in_this_and_in_other_processes(tmp_path, digits, timeout):
    (tmp_path / "a.png").write_bytes(page_of_numbers(digits))
    settings, path = {"decimal": "comma"}, str(tmp_path / "a.png")
    expected = Reader(**settings).read(path).as_dict()
    options = ReadOptions(settings, timeout=timeout)
    with read_files(options, [path]) as results:
        for _, page in (*results, *read_here(options, path, pytest.fail)):
            assert page.as_dict() == expected


def test_an_unexpected_error_is_the_error_of_one_picture():
    def fail(error):
        raise error

    assert str(attempt(lambda _: [][0], "a.png")) == (
        "expected a picture, a.png could not be read (IndexError); please report it"
    )
    assert "a.png needs more than 768 MB" in str(attempt(lambda _: fail(MemoryError()), "a.png"))
    assert attempt(lambda _: fail(DataError("damaged")), "a.png").args == ("damaged",)


def test_pages_that_look_the_same_are_read_once(tmp_path, digits, monkeypatch):
    first, other = (Image.open(io.BytesIO(page_of_numbers(digits, rows, 1))) for rows in (1, 2))
    first.save(tmp_path / "scan.pdf", save_all=True, append_images=[first, other, first])
    read_page, read = NumberReader.read_page, []
    monkeypatch.setattr(NumberReader, "read_page", lambda *arguments: read.append(1) or read_page(*arguments))
    make_reader(ReadOptions(), None)
    pages = read_job([(path, math.inf) for path in find_pictures([tmp_path]).pictures])
    assert [len(page.numbers) for page in pages] == [1, 1, 2, 1]
    assert len(read) == 2
