import subprocess
import sys
import time
from decimal import Decimal

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from tendigits.batch.options import ReadOptions
from tendigits.batch.parquet import NUMBERS, PICTURES, add_part, locked_table, read_into, rows_of
from tendigits.batch.reading import read_files
from tendigits.batch.sources import find_pictures
from tendigits.digits.network import bundled_file
from tendigits.errors import DataError, ModelFileError, RunError
from tendigits.files import lock_folder
from tendigits.geometry import Box
from tendigits.read.page import Page
from tendigits.read.results import Number

SETTINGS = {"network": "0" * 64, "threshold": 0.9, "one": False}


def page(*values):
    box = Box(1, 2, 3, 4)
    return Page([Number(value, Decimal(value), 0.5, False, "it may be 1", box, []) for value in values], (30, 40))


def read(path, *values):
    return rows_of(path, page(*values))


def failed(path):
    return rows_of(path, DataError(f"expected a picture at {path}"))


def table_of(folder):
    """All rows of a folder's Parquet files."""
    return [row for part in sorted(folder.glob("*.parquet")) for row in pq.read_table(part).to_pylist()]


def paths_in(out):
    return [row["path"] for row in table_of(out / "_pictures")]


def test_a_row_for_each_number_and_one_for_each_picture(tmp_path):
    with locked_table(tmp_path, SETTINGS) as read_before:
        assert read_before == frozenset()
        for part in ([read("a.png", "0427", "13"), read("b.png"), failed("c.png")], [], [read("d.png", "5")]):
            add_part(tmp_path, part)
    assert pq.read_table(tmp_path).column_names == NUMBERS.names, "readers pass over _pictures"
    numbers = table_of(tmp_path)
    assert [(row["path"], row["order"], row["value"]) for row in numbers] == [
        ("a.png", 1, "0427"), ("a.png", 2, "13"), ("d.png", 1, "5"),
    ]  # fmt: skip
    assert numbers[0] == {
        "path": "a.png", "order": 1, "table": None, "row": None, "column": None, "value": "0427",
        "number": "427", "confidence": 0.5, "accepted": False,
        "reason": "it may be 1", "left": 1, "top": 2, "right": 3, "bottom": 4,
    }  # fmt: skip
    pictures = [list(row.values()) for row in table_of(tmp_path / "_pictures")]
    assert pq.read_table(tmp_path / "_pictures").column_names == PICTURES.names
    assert pictures[0] == ["a.png", 30, 40, 2, None, None]
    assert pictures[2] == ["c.png", None, None, 0, "expected a picture at c.png", None]
    assert sorted(path.name for path in tmp_path.glob("*.parquet")) == ["part-00000.parquet", "part-00001.parquet"]


def test_pictures_that_failed_and_parts_that_are_gone_are_read_again(tmp_path):
    with locked_table(tmp_path, SETTINGS):
        add_part(tmp_path, [read("a.png", "1"), failed("b.png")])
        for name in ("c.png", "d.png", "e.png"):
            add_part(tmp_path, [read(name, "2")])
    for folder in (tmp_path, tmp_path / "_pictures"):
        (folder / "part-00001.parquet").unlink()
    (tmp_path / "_pictures" / "part-00003.parquet").unlink()  # as if the process had ended between both files
    with locked_table(tmp_path, SETTINGS) as read_before:
        assert read_before == {"a.png", "d.png"}
        add_part(tmp_path, [read(name, "3") for name in ("b.png", "c.png", "e.png")])
    with locked_table(tmp_path, SETTINGS) as read_before:
        assert read_before == {"a.png", "b.png", "c.png", "d.png", "e.png"}
    assert [(row["path"], row["value"]) for row in table_of(tmp_path)] == [
        ("a.png", "1"), ("d.png", "2"), ("b.png", "3"), ("c.png", "3"), ("e.png", "3"),
    ]  # fmt: skip


def refused(folder, message, settings=SETTINGS):
    with pytest.raises(RunError, match=message), locked_table(folder, settings):
        pass


def test_a_folder_that_cannot_be_used_is_refused(tmp_path):
    with locked_table(tmp_path / "out", SETTINGS):
        add_part(tmp_path / "out", [read("a.png", "1")])
    refused(tmp_path / "out", "was read with another network; write to another", SETTINGS | {"network": "1" * 64})
    with lock_folder(tmp_path / "out", "wait"):
        refused(tmp_path / "out", r"is in use by process \d+; wait for it, or write to another folder")
    part = tmp_path / "out" / "_pictures" / "part-00000.parquet"
    part.write_bytes(part.read_bytes()[:-20])
    refused(tmp_path / "out", r"part-00000.parquet is damaged: .*; delete it and the part of the same name above it")
    (tmp_path / "out" / "_settings.json").write_text("{")
    refused(tmp_path / "out", "_settings.json is damaged")
    (tmp_path / "out" / "_settings.json").unlink()
    refused(tmp_path / "out", "holds other Parquet files; write to another folder")
    assert (tmp_path / "out" / "part-00000.parquet").exists()


@pytest.fixture
def folder(tmp_path, digits):
    folder = tmp_path / "scans"
    folder.mkdir()
    for i in range(20):
        Image.fromarray(np.tile(np.pad(digits.x_test[i], 8), (1, 2))).save(folder / f"{i:02}.png")
    (folder / "05.png").write_bytes(b"broken")
    return folder


@pytest.fixture
def paths(folder):
    return find_pictures([folder]).pictures


def test_the_table_has_what_processes_read(paths, tmp_path):
    seen = []
    summary = read_into(tmp_path / "out", paths, ReadOptions(workers=2), progress=lambda *step: seen.append(step))
    with read_files(ReadOptions(), paths) as results:
        pages = [(path, page) for path, page in results if isinstance(page, Page)]
    expected = [(path, number.value) for path, page in pages for number in page.numbers]
    assert [(row["path"], row["value"]) for row in table_of(tmp_path / "out")] == expected
    assert (summary.before, summary.pictures, summary.numbers) == (0, 20, len(expected))
    assert [paths[5] in error for error in summary.failed] == [True]
    assert seen == [(i, 20) for i in range(1, 21)]


def test_a_missing_model_and_an_error_in_the_middle_lose_nothing(paths, tmp_path):
    def stop(done, total):
        if done == 7:
            raise KeyboardInterrupt

    with pytest.raises(ModelFileError):
        read_into(tmp_path / "out", paths, ReadOptions({"model": tmp_path / "none.onnx"}))
    assert not (tmp_path / "out").exists()
    with pytest.raises(KeyboardInterrupt):
        read_into(tmp_path / "out", paths, ReadOptions(one=True), progress=stop)
    assert len(paths_in(tmp_path / "out")) == 7
    own = tmp_path / "own.onnx"
    own.write_bytes(bundled_file())
    summary = read_into(tmp_path / "out", paths, ReadOptions({"model": own}, one=True))  # the same network
    assert (summary.before, summary.pictures) == (6, 14), "the broken one is tried again"


CHILD = """
import sys
from tendigits.batch import parquet
from tendigits.batch.sources import find_pictures
parquet.MAX_PART_PICTURES = 3
if __name__ == "__main__":
    paths, options = find_pictures([sys.argv[1]]).pictures, parquet.ReadOptions(workers=1)
    parquet.read_into(parquet.Path(sys.argv[2]), paths, options)
"""


@pytest.mark.slow
def test_killed_again_and_again_it_reads_all_and_nothing_twice(folder, tmp_path, digits):
    for i in range(5, 80):
        Image.fromarray(np.pad(digits.x_test[i], 8)).save(folder / f"{i:02}.png")
    script, out = tmp_path / "child.py", tmp_path / "out"
    script.write_text(CHILD)
    for parts in (1, 4, 9):
        with subprocess.Popen([sys.executable, script, folder, out]) as child:
            until = time.monotonic() + 60
            while len(list((out / "_pictures").glob("part*"))) < parts and child.poll() is None:
                assert time.monotonic() < until
                time.sleep(0.005)
            child.kill()
    before, paths = len(paths_in(out)), find_pictures([folder]).pictures
    assert read_into(out, paths, ReadOptions()).before == before >= 15
    assert sorted(paths_in(out)) == paths
    found = [row["path"] for row in table_of(out)]
    assert {path: found.count(path) for path in paths} == {
        row["path"]: row["numbers"] for row in table_of(out / "_pictures")
    }
