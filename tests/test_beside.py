"""Work in a thread, and in a process that may die."""

import os
import signal

import pytest

from tendigits.beside import Worker, WorkerProcess, start
from tendigits.errors import DiskError
from tendigits.files import write_text


def test_a_thread_gives_its_result_or_raises_its_error_where_it_is_asked():
    assert start(divmod, 7, 2).result() == (3, 1)
    with pytest.raises(ZeroDivisionError):
        start(divmod, 7, 0).result()


def test_a_process_does_jobs_in_order_with_what_they_were_given(tmp_path, capfd):
    lines = ["first"]
    with WorkerProcess() as worker:
        worker.submit(print, lines)  # is no answer
        lines.append("second")
        worker.submit(write_text, tmp_path / "a", "a")
        worker.submit(os.replace, tmp_path / "a", tmp_path / "b")
        worker.wait()
    assert (tmp_path / "b").read_text() == "a"
    assert capfd.readouterr() == ("", "['first']\n")


def do(worker, path):
    worker.submit(write_text, path, "a")
    worker.wait()


@pytest.mark.parametrize("kind", [Worker, WorkerProcess])
def test_an_error_is_raised_as_it_was_and_the_next_job_is_done(kind, tmp_path):
    with kind() as worker:
        with pytest.raises(DiskError, match=r"cannot write .*missing/a: No such file or directory; free some space"):
            do(worker, tmp_path / "missing" / "a")
        do(worker, tmp_path / "a")
    assert (tmp_path / "a").exists()


def test_what_a_killed_process_leaves_is_done_here(tmp_path):
    with WorkerProcess() as worker:
        os.kill(worker._process.pid, signal.SIGKILL)
        for name in "ab":
            worker.submit(write_text, tmp_path / name, name)
        worker.wait()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_the_process_ends_with_the_block_and_hears_no_ctrl_c(tmp_path):
    with WorkerProcess() as worker:
        do(worker, tmp_path / "a")
        assert os.getpgid(worker._process.pid) != os.getpgid(0)
    assert worker._process.returncode == -signal.SIGTERM
