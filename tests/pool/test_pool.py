import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from processes import children_of
from tendigits.pool.pool import JOBS_AHEAD, ProcessDied, TimedOut, WorkerPool
from tendigits.pool.worker_process import is_out_of_memory

offset = 0


def initialize(number):
    global offset
    offset = number


def work(job):
    """The sum of the numbers; `die` kills the process, `slow` sleeps, a path kills it unless the file exists."""
    for item in job:
        if item == "slow":
            time.sleep(0.1)
        elif item == "die" or (isinstance(item, Path) and not item.exists()):
            if item != "die":
                item.touch()
            os.kill(os.getpid(), signal.SIGKILL)
    return offset + sum(item for item in job if isinstance(item, int))


def stop():
    os.kill(os.getpid(), signal.SIGSTOP)


def stop_while_answering(size):
    threading.Thread(target=lambda: (time.sleep(0.3), stop())).start()
    time.sleep(0.2)
    return bytes(size)


def import_cv2():
    import cv2

    cv2.setNumThreads(1)


def allocate(megabytes):
    import cv2
    import numpy as np

    cv2.add(np.ones((megabytes, 1 << 20), np.uint8), 1)


def fail():
    raise ValueError("no good")


def until(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture(scope="module")
def pool():
    with WorkerPool(2, initialize, (100,)) as pool:
        yield pool


def test_map_gives_results_in_order_a_few_jobs_ahead(pool):
    taken = []

    def jobs():
        for i in range(20):
            taken.append(i)
            yield ["slow", i] if i % 5 == 0 else [i]

    results = pool.map(work, jobs())
    assert next(results) == (["slow", 0], 100)
    assert len(taken) <= 2 * JOBS_AHEAD
    assert [result for _, result in results] == [100 + i for i in range(1, 20)]


def test_map_finds_the_part_of_a_job_that_kills_its_process(pool, tmp_path):
    jobs = [[1, 2], [3, "die", 4], [5], *([i] for i in range(6, 12))]
    results = list(pool.map(work, jobs))
    assert [job for job, result in results if isinstance(result, ProcessDied)] == [["die"]]
    assert [item for job, _ in results for item in job] == [item for job in jobs for item in job]
    died_once = list(pool.map(work, [[1], [tmp_path / "once", 2], [3]]))
    assert (tmp_path / "once").exists()
    assert [type(result) for _, result in died_once] == [int] * 4


@pytest.mark.parametrize(
    "job", [(time.sleep, 60), (stop,), (stop_while_answering, 100_000_000)], ids=lambda job: job[0].__name__
)
def test_a_job_ends_at_its_deadline_and_the_next_one_runs(job):
    with WorkerPool(1, initialize, (100,), timeout=1) as pool:
        with pytest.raises(TimedOut, match="took longer than 1 seconds"):
            pool.submit(*job).result(20)
        assert pool.submit(work, [1]).result(20) == 101


def test_an_idle_process_that_was_killed_or_stopped_is_replaced():
    with WorkerPool(1, initialize, (100,), timeout=1) as pool:
        pool.warm_up()
        first = pool.submit(os.getpid).result(20)
        os.kill(first, signal.SIGKILL)
        time.sleep(0.2)
        second = pool.submit(os.getpid).result(20)
        assert second != first
        os.kill(second, signal.SIGSTOP)
        with pytest.raises(TimedOut):
            pool.submit(len, bytes(50_000_000)).result(20)
        assert pool.submit(work, [1]).result(20) == 101


def test_memory_is_limited_and_exceptions_are_those_of_the_job():
    with WorkerPool(1, import_cv2, memory=200 << 20) as pool:
        with pytest.raises(Exception, match=r"allocat|memory") as caught:
            pool.submit(allocate, 400).result(20)
        assert is_out_of_memory(caught.value)
        with pytest.raises(ValueError, match="no good"):
            pool.submit(fail).result(20)
        with pytest.raises(AttributeError):
            pool.submit(lambda: None).result(20)  # cannot be pickled
        pool.submit(allocate, 50).result(20)


def test_an_error_of_the_initializer_is_raised_by_each_job():
    with WorkerPool(1, fail) as pool:
        pool.warm_up()
        for _ in range(2):
            with pytest.raises(ValueError, match="no good"):
                pool.submit(os.getpid).result(20)


def test_a_cancelled_job_is_killed_or_never_runs(tmp_path):
    with WorkerPool(1, initialize, (100,)) as pool:
        process = pool.submit(os.getpid).result(20)
        running, waiting = pool.submit(time.sleep, 60), pool.submit(work, [tmp_path / "never"])
        time.sleep(0.3)
        assert waiting.cancel()
        assert running.cancel()
        assert pool.submit(work, [1]).result(20) == 101
        assert not Path(f"/proc/{process}").exists()
        assert not (tmp_path / "never").exists()


ENDLESS = """
import itertools, sys
sys.path[:0] = {folders}
from test_pool import WorkerPool, work
if __name__ == "__main__":
    with WorkerPool(2) as pool:
        for job, result in pool.map(work, (["slow", i] for i in itertools.count())):
            print(result, flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_the_processes_end_with_their_parent(tmp_path, number):
    script = tmp_path / "endless.py"
    script.write_text(ENDLESS.format(folders=[*map(str, Path(__file__).parents[:2])]))
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as parent:
        parent.stdout.readline()
        children = children_of(parent.pid)
        assert len(children) >= 2
        parent.send_signal(number)
        error = parent.communicate()[1].decode()
    until(lambda: not any(Path(f"/proc/{child}").exists() for child in children))
    assert error.count("Traceback") == (number == signal.SIGINT), "only the parent's traceback"
