"""Pictures read by the actors of a real Ray cluster, started here."""

import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from tendigits.batch import parquet as module
from tendigits.batch.options import ReadOptions
from tendigits.batch.parquet import read_into
from tendigits.batch.sources import find_pictures

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("ray_ends"),
    pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:os.fork.. was called:RuntimeWarning"),  # of other tests' JAX in this process
]


def rows(out):
    columns = ["path", "order", "value", "left", "top", "right", "bottom"]
    return sorted(tuple(row.values()) for row in pq.read_table(out, columns=columns).to_pylist())


def kill_an_actor(killed):
    until = time.monotonic() + 120
    while not killed and time.monotonic() < until:
        for command in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                if b"ray::MapWorker" in command.read_bytes() and not killed:
                    time.sleep(1.5)  # within its work
                    os.kill(int(command.parent.name), signal.SIGKILL)
                    killed.append(command.parent.name)
            except OSError:
                continue
        time.sleep(0.05)


def test_a_cluster_reads_what_this_machine_reads_even_if_an_actor_is_killed(tmp_path, digits, monkeypatch):
    monkeypatch.setattr(module, "JOBS_PER_BLOCK", 4)
    for i in range(120):
        Image.fromarray(np.tile(np.pad(digits.x_test[i % 60], 8), (3, 4))).save(tmp_path / f"{i:03}.png")
    (tmp_path / "005.png").write_bytes(b"broken")
    paths = find_pictures([tmp_path]).pictures
    killed = []
    killer = threading.Thread(target=kill_an_actor, args=(killed,))
    killer.start()
    there = read_into(tmp_path / "there", paths, ReadOptions(workers=2), ray="local")
    killer.join()
    assert killed
    here = read_into(tmp_path / "here", paths, ReadOptions())
    assert (there.pictures, there.numbers, there.failed) == (here.pictures, here.numbers, here.failed)
    assert sorted(pq.read_table(tmp_path / "there" / "_pictures")["path"].to_pylist()) == paths
    assert rows(tmp_path / "here") == rows(tmp_path / "there")
