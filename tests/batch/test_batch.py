import numpy as np
import pytest
from PIL import Image

from tendigits.batch import batch
from tendigits.batch.batch import read_files
from tendigits.batch.sources import find_pictures
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


@pytest.mark.parametrize("one", [True, False])
def test_a_bad_file_stops_nothing_and_the_order_stays(folder, reader, digits, one):
    paths = find_pictures([folder])
    results = list(read_files(reader, paths, one=one))
    assert [result.path for result in results] == paths
    failed = [result for result in results if result.error]
    assert [result.path for result in failed] == [str(folder / "005.png")]
    assert "005.png" in str(failed[0].error)
    if one:
        read = [int(result.page.lines[0].value) for result in results if result.page]
        expected = np.delete(digits.y_test[:71], 5)
        assert np.mean(read == expected) > 0.9
        assert results[0].page.size == (28, 28)


@pytest.mark.parametrize("one", [True, False])
def test_several_processes_read_the_same(folder, reader, one):
    paths = find_pictures([folder])
    alone = list(read_files(reader, paths, one=one, workers=1))
    together = list(read_files(reader, paths, one=one, workers=2))
    assert [(result.path, str(result.error)) for result in together] == [(r.path, str(r.error)) for r in alone]
    for first, second in zip(alone, together, strict=True):
        if first.page and second.page:
            assert first.page.as_dict() == second.page.as_dict()


def test_many_pictures_are_read_by_several_processes_with_the_same_threshold(folder, monkeypatch):
    crews = []

    class Known(batch.Crew):
        def __init__(self, *given, **more):
            crews.append(given[1])
            super().__init__(*given, **more)

    monkeypatch.setattr(batch, "Crew", Known)
    monkeypatch.setattr(batch, "FEW", 1)
    results = list(read_files(Reader(threshold=1.0), find_pictures([folder]), one=True))
    assert crews == [(None, 1.0)]
    assert not any(result.page.lines[0].accepted for result in results if result.page)
    assert len(list(read_files(Reader(), find_pictures([folder])[:32], one=True))) == 32
    assert len(crews) == 1  # a few are read at once


def test_a_picture_that_kills_its_process_is_told(folder, reader, monkeypatch):
    class Deadly:
        def __init__(self, *_, **__): ...
        def __enter__(self):
            return self

        def __exit__(self, *_): ...
        def map(self, jobs, split):
            for job in jobs:
                for part in split(job):
                    deadly = part[0][0].endswith("003.png")
                    yield part, None if deadly else batch.read_job(reader, part)

    monkeypatch.setattr(batch, "Crew", Deadly)
    results = list(read_files(reader, find_pictures([folder]), one=True, workers=2))
    assert len(results) == 71
    assert [r.path for r in results if r.error] == [str(folder / "003.png"), str(folder / "005.png")]
    assert "died" in str(results[3].error)
