"""Pictures read by the actors of a real Ray, which is started here."""

import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from tendigits.batch import ray as ray_module
from tendigits.batch.parquet import read_into
from tendigits.batch.ray import read_on_ray
from tendigits.batch.sources import find_pictures
from tendigits.errors import Failure, HostError

pytestmark = [
    pytest.mark.slow,
    pytest.mark.alone,
    pytest.mark.usefixtures("ray_ends"),
    pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:os.fork.. was called:RuntimeWarning"),  # of other tests' JAX in this process
]


@pytest.fixture
def folder(tmp_path, digits):
    folder = tmp_path / "scans"
    folder.mkdir()
    for i in range(60):
        Image.fromarray(np.tile(np.pad(digits.x_test[i], 8), (3, 4))).save(folder / f"{i:02}.png")
    (folder / "05.png").write_bytes(b"broken")
    return folder


def rows(out):
    columns = ["path", "line", "value", "left", "top", "right", "bottom"]
    return sorted(tuple(row.values()) for row in pq.read_table(out, columns=columns).to_pylist())


def test_the_cluster_reads_what_this_machine_reads(folder, tmp_path):
    here = read_into(tmp_path / "here", find_pictures([folder]).pictures)
    there = read_into(tmp_path / "there", find_pictures([folder]).pictures, ray="local", workers=2)
    assert (here.pictures, here.numbers, here.failed) == (there.pictures, there.numbers, there.failed)
    assert here.numbers > 55
    assert rows(tmp_path / "here") == rows(tmp_path / "there")
    again = read_into(tmp_path / "there", find_pictures([folder]).pictures, ray="local")
    assert (again.before, again.pictures) == (59, 1), "the broken one is tried again"


def actors():
    """The processes of Ray that read."""
    found = []
    for status in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if b"ray::MapWorker" in status.read_bytes():
                found.append(int(status.parent.name))
        except OSError:
            continue
    return found


def test_an_actor_is_killed_and_nothing_is_lost_or_read_twice(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(ray_module, "BLOCK", 4)
    killed = []

    def kill():
        until = time.monotonic() + 120
        while not killed and time.monotonic() < until:
            if found := actors():
                time.sleep(1.5)  # within its work
                os.kill(found[0], signal.SIGKILL)
                killed.append(found[0])
            time.sleep(0.05)

    killer = threading.Thread(target=kill)
    killer.start()
    (folder / "05.png").unlink()
    for i in range(60, 400):
        (folder / f"{i}.png").write_bytes((folder / "00.png").read_bytes())
    out = tmp_path / "out"
    summary = read_into(out, find_pictures([folder]).pictures, ray="local", workers=2)
    killer.join()
    assert killed
    assert (summary.pictures, summary.failed) == (399, [])
    paths = pq.read_table(out / "_pictures")["path"].to_pylist()
    assert len(paths) == len(set(paths)) == 399
    lines = [row[:2] for row in rows(out)]
    assert len(lines) == len(set(lines))


def test_a_cluster_that_fails_says_so_and_what_was_read_is_kept(folder, tmp_path, monkeypatch):
    import ray

    monkeypatch.setattr(ray_module, "BLOCK", 4)
    real = ray.data.Dataset.iter_batches

    def failing(self, **options):
        for number, batch in enumerate(real(self, **options)):
            if number == 2:
                raise ray.exceptions.OutOfDiskError("no room")
            yield batch

    monkeypatch.setattr(ray.data.Dataset, "iter_batches", failing)
    failed = r"the Ray cluster failed \(OutOfDiskError: .*; run the same command again to resume"
    with pytest.raises(Failure, match=failed):
        read_into(tmp_path / "out", find_pictures([folder]).pictures, ray="local", workers=1)
    monkeypatch.undo()
    rest = read_into(tmp_path / "out", find_pictures([folder]).pictures)
    assert rest.before >= 4
    assert rest.before + rest.pictures == 60


def test_a_cluster_that_is_not_there():
    with pytest.raises(HostError, match="no Ray cluster at localhost:1: "):
        list(read_on_ray("localhost:1", ["a.png"]))
