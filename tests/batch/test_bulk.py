import multiprocessing
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tendigits.batch import bulk
from tendigits.batch.batch import read_files
from tendigits.batch.bulk import Bulk, read_into
from tendigits.batch.sources import find_pictures
from tendigits.errors import DataError, ModelFileError
from tendigits.read.reader import Reader


@pytest.fixture
def folder(tmp_path, digits):
    folder = tmp_path / "scans"
    folder.mkdir()
    for i in range(20):
        Image.fromarray(np.tile(np.pad(digits.x_test[i], 8), (1, 2))).save(folder / f"{i:02}.png")
    (folder / "05.png").write_bytes(b"broken")
    return folder


def paths_in(out):
    return pd.read_parquet(out / "_pictures")["path"].tolist()


@pytest.mark.parametrize("one", [False, True])
def test_the_table_has_what_is_read(folder, tmp_path, one):
    seen = []
    summary = read_into(tmp_path / "out", Bulk([str(folder)], one=one), lambda *step: seen.append(step))
    expected = [result for result in read_files(Reader(), find_pictures([folder]), one=one) if result.page]
    lines = [(result.path, line.value) for result in expected for line in result.page.lines]
    table = pd.read_parquet(tmp_path / "out")
    assert list(zip(table["path"], table["value"], strict=True)) == lines
    assert (summary.before, summary.pictures, summary.numbers) == (0, 20, len(lines))
    assert [str(folder / "05.png") in error for error in summary.failed] == [True]
    assert seen == [(i, 20) for i in range(1, 21)]


def test_nothing_is_read_twice_but_what_failed(folder, tmp_path, digits):
    read_into(tmp_path / "out", Bulk([str(folder)], workers=1))
    Image.fromarray(digits.x_test[5]).save(folder / "05.png")
    Image.fromarray(digits.x_test[20]).save(folder / "20.png")
    summary = read_into(tmp_path / "out", Bulk([str(folder), str(folder / "00.png")], workers=1))
    assert (summary.before, summary.pictures, summary.failed) == (20, 2, [])
    summary = read_into(tmp_path / "out", Bulk([str(folder)]))
    assert (summary.before, summary.pictures) == (21, 0)
    last = pd.read_parquet(tmp_path / "out" / "_pictures").groupby("path").last()
    assert len(last) == 21


def test_parts_are_of_so_many_pictures_or_seconds(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(bulk, "PART", 8)
    read_into(tmp_path / "many", Bulk([str(folder)], workers=1))
    sizes = [len(pd.read_parquet(part)) for part in sorted((tmp_path / "many" / "_pictures").glob("*.parquet"))]
    assert sizes == [8, 8, 4]
    clock = iter(range(0, 10**6, 10))
    read_into(tmp_path / "slow", Bulk([str(folder)], workers=1), clock=lambda: next(clock))
    sizes = [len(pd.read_parquet(part)) for part in sorted((tmp_path / "slow" / "_pictures").glob("*.parquet"))]
    assert sum(sizes) == 20
    assert max(sizes) <= 3


def test_what_was_read_before_an_error_is_kept(folder, tmp_path):
    def step(done, total):
        if done == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read_into(tmp_path / "out", Bulk([str(folder)], workers=1), step)
    assert len(paths_in(tmp_path / "out")) == 7
    assert read_into(tmp_path / "out", Bulk([str(folder)], workers=1)).before == 6  # and the broken one again


def test_no_pictures_and_no_model_are_told_before_anything_is_made(folder, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="expected pictures in the folder"):
        read_into(tmp_path / "out", Bulk([str(tmp_path / "empty")]))
    with pytest.raises(ModelFileError):
        read_into(tmp_path / "out", Bulk([str(folder)], model=str(tmp_path / "none.onnx")))
    assert not (tmp_path / "out").exists()


def test_a_network_of_ones_own_is_part_of_the_settings(folder, tmp_path):
    from tendigits.read.network import bundled_file

    own = tmp_path / "own.onnx"
    own.write_bytes(bundled_file())
    with_own = read_into(tmp_path / "own", Bulk([str(folder)], model=str(own), workers=2))
    assert with_own.numbers == read_into(tmp_path / "out", Bulk([str(folder)])).numbers
    assert read_into(tmp_path / "out", Bulk([str(folder)], model=str(own))).before == 19, "it is the same network"


def test_a_process_that_is_killed_takes_nothing_with_it(folder, tmp_path):
    killed = []

    def step(done, total):
        if done == 4:
            killed.append(multiprocessing.active_children()[0].pid)
            os.kill(killed[0], signal.SIGKILL)

    (folder / "05.png").unlink()
    summary = read_into(tmp_path / "out", Bulk([str(folder)], workers=2), step)
    assert (summary.pictures, summary.failed) == (19, [])
    assert killed
    assert paths_in(tmp_path / "out") == find_pictures([folder])


CHILD = """
import sys
from tendigits.batch import bulk
bulk.PART = 3
if __name__ == "__main__":
    bulk.read_into(bulk.Path(sys.argv[2]), bulk.Bulk([sys.argv[1]], workers=1))
"""


@pytest.mark.alone
def test_killed_again_and_again_it_reads_all_and_nothing_twice(folder, tmp_path, digits):
    (folder / "05.png").unlink()
    for i in range(20, 80):
        Image.fromarray(np.pad(digits.x_test[i], 8)).save(folder / f"{i:02}.png")
    script, out = tmp_path / "child.py", tmp_path / "out"
    script.write_text(CHILD)
    for killed in (1, 4, 9):
        with subprocess.Popen([sys.executable, script, folder, out]) as child:
            until = time.monotonic() + 60
            while len(list((out / "_pictures").glob("part*"))) < killed and child.poll() is None:
                assert time.monotonic() < until
                time.sleep(0.005)
            os.kill(child.pid, signal.SIGKILL)
    before = len(paths_in(out))
    summary = read_into(out, Bulk([str(folder)]))
    assert summary.before == before >= 15
    assert sorted(paths_in(out)) == find_pictures([folder])
    counts = pd.read_parquet(out).groupby("path").size()
    assert counts.to_dict() == dict(
        pd.read_parquet(out / "_pictures").query("numbers > 0")[["path", "numbers"]].itertuples(index=False)
    )
