import os
import signal
import time

import numpy as np
import pytest
from PIL import Image

from tendigits.batch import batch
from tendigits.batch.batch import read_files
from tendigits.batch.sources import find_pictures
from tendigits.digits.network import bundled_file
from tendigits.read.reader import Reader


@pytest.fixture(scope="module")
def paths(tmp_path_factory, digits):
    """40 digits in a folder, one of them damaged."""
    folder = tmp_path_factory.mktemp("scans")
    for i in range(40):
        Image.fromarray(digits.x_test[i]).save(folder / f"{i:03}.png")
    (folder / "005.png").write_bytes(b"broken")
    return find_pictures([folder]).pictures


def test_a_damaged_file_stops_nothing_and_the_order_stays(paths, digits):
    results = list(read_files(Reader(), paths, one=True))
    assert [result.path for result in results] == paths
    assert [result.path for result in results if result.error] == [paths[5]]
    assert paths[5] in str(results[5].error)
    read = [int(result.page.numbers[0].value) for result in results if result.page]
    assert np.mean(read == np.delete(digits.y_test[:40], 5)) > 0.9
    assert results[0].page.size == (28, 28)


def test_an_error_of_ours_is_that_of_one_picture(paths, monkeypatch):
    opened = batch.content_of

    def fail(path):
        return opened(path) if path != paths[1] else [][0]

    monkeypatch.setattr(batch, "content_of", fail)
    for one in (True, False):
        results = list(read_files(Reader(), paths[:3], one=one))
        assert [result.page is None for result in results] == [False, True, False]
        assert str(results[1].error) == (
            f"expected a picture, {paths[1]} could not be read (IndexError); please report it"
        )


def read_or_die(job):
    if any(path.endswith("003.png") for path in job[0]):
        os.kill(os.getpid(), signal.SIGKILL)
    if any(path.endswith("004.png") for path in job[0]):
        time.sleep(60)
    return batch._read_job(batch._reader, job)


@pytest.mark.parametrize("one", [True, False])
def test_a_picture_that_takes_too_long_in_this_process_is_an_error_and_the_next_is_read(paths, monkeypatch, one):
    """Even where its work takes every exception for a damaged picture."""
    opened = batch.content_of

    def dawdle(path):
        try:
            while path == paths[1]:
                time.sleep(0.01)
        except Exception:
            return path
        return opened(path)

    monkeypatch.setattr(batch, "content_of", dawdle)
    results = list(read_files(Reader(), paths[:3], one=one, timeout=0.5))
    assert [result.page is None for result in results] == [False, True, False]
    assert f"{paths[1]}, it took longer than 0.5 seconds" in str(results[1].error)


def test_a_picture_that_needs_too_much_memory_is_told_what_it_may_have(monkeypatch):
    def want(_):
        raise MemoryError

    assert "needs more than 1,024 MB" in str(batch.attempt(want, "large.png"))


def test_processes_read_the_same_and_a_picture_that_kills_one_is_reported(paths, monkeypatch, tmp_path):
    own = tmp_path / "own.onnx"
    own.write_bytes(bundled_file())
    reader = Reader(own, threshold=1.0)
    expected = list(read_files(reader, paths))
    monkeypatch.setattr(batch, "_read_in_worker", read_or_die)
    results = list(read_files(reader, paths, workers=2, timeout=2))
    assert "it killed the process" in str(results[3].error)
    assert "it took longer than 2 seconds" in str(results[4].error)
    for i, (one, other) in enumerate(zip(results, expected, strict=True)):
        assert one.path == other.path
        if i not in (3, 4, 5):
            assert one.page.as_dict() == other.page.as_dict()
