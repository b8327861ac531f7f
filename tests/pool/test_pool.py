import os
import signal
import subprocess
import sys
import threading
import time
from multiprocessing import active_children
from pathlib import Path

import pytest

from tendigits.pool.pool import JOBS_AHEAD, ProcessDied, TimedOut, WorkerPool
from tendigits.pool.worker_process import is_out_of_memory

offset = 0


def initialize(number):
    global offset
    offset = number


def work(job):
    """Add up; `die` kills the process, `slow` takes its time, a path kills it if the file doesn't exist yet."""
    total = offset
    for item in job:
        if item == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        elif item == "slow":
            time.sleep(0.1)
        elif isinstance(item, Path):
            if not item.exists():
                item.touch()
                os.kill(os.getpid(), signal.SIGKILL)
        else:
            total += item
    return total


def singly(job):
    return ([item] for item in job)


@pytest.fixture(scope="module")
def pool():
    with WorkerPool(2, initialize, (100,)) as pool:
        yield pool


def test_results_come_in_the_order_of_the_jobs_a_few_ahead(pool):
    asked = []

    def jobs():
        for i in range(20):
            asked.append(i)
            yield ["slow", i] if i % 5 == 0 else [i]

    results = pool.map(work, jobs(), singly)
    assert next(results) == (["slow", 0], 100)
    assert len(asked) <= 2 * JOBS_AHEAD
    assert [result for _, result in results] == [100 + i for i in range(1, 20)]


def test_a_job_that_kills_its_process_is_found_and_the_others_are_done(pool, tmp_path):
    jobs = [[1, 2], [3, "die", 4], [5], *([i] for i in range(6, 12))]
    results = list(pool.map(work, jobs, singly))
    assert [job for job, result in results if isinstance(result, ProcessDied)] == [["die"]]
    assert [item for job, _ in results for item in job] == [item for job in jobs for item in job]
    by_chance = list(pool.map(work, [[1], [tmp_path / "once", 2], [3]], singly))
    assert (tmp_path / "once").exists()
    assert [type(result) for _, result in by_chance] == [int] * 4


def stop():
    os.kill(os.getpid(), signal.SIGSTOP)


def halves(size):
    """Stops in the middle of its answer, or does not take all of its job."""
    threading.Thread(target=lambda: (time.sleep(0.3), stop())).start()
    time.sleep(0.2)
    return bytes(size)


def load():
    """As a reader does before its memory is limited: NumPy's libraries crash where they can't have their threads."""
    import cv2

    cv2.setNumThreads(1)


def take(megabytes):
    import cv2
    import numpy as np

    cv2.add(np.ones((megabytes, 1 << 20), np.uint8), 1)


def fail():
    raise ValueError("no good")


def sleep_until_killed(file):
    file.write_text(str(os.getpid()))
    time.sleep(60)


@pytest.mark.parametrize("job", [(time.sleep, 60), (stop,), (halves, 100_000_000)], ids=lambda job: job[0].__name__)
def test_a_job_that_takes_too_long_or_whose_process_is_stopped_ends_and_the_next_is_done(job):
    with WorkerPool(1, initialize, (100,), timeout=1) as pool:
        with pytest.raises(TimedOut, match="took longer than 1 seconds"):
            pool.submit(*job).result(20)
        assert pool.submit(work, [1]).result(20) == 101


def test_an_idle_process_that_was_killed_or_stopped_is_replaced():
    with WorkerPool(1, initialize, (100,), timeout=1) as pool:
        os.kill(pool.submit(os.getpid).result(20), signal.SIGKILL)
        time.sleep(0.2)
        idle = pool.submit(os.getpid).result(20)
        os.kill(idle, signal.SIGSTOP)
        with pytest.raises(TimedOut):  # also a job larger than what a connection holds
            pool.submit(len, bytes(50_000_000)).result(20)
        assert pool.submit(work, [1]).result(20) == 101


def test_processes_that_were_warmed_up_are_there_before_a_job_and_again_after_one_was_lost():
    others = {process.pid for process in active_children()}

    def processes():
        return {process.pid for process in active_children()} - others

    with WorkerPool(1, initialize, (100,)) as pool:
        pool.warm_up()
        until(processes)
        (first,) = processes()
        assert pool.submit(os.getpid).result(20) == first
        with pytest.raises(ProcessDied):
            pool.submit(work, ["die"]).result(20)
        until(lambda: processes() - {first})
        assert pool.submit(work, [1]).result(20) == 101


def test_memory_is_limited_and_errors_come_back_as_they_are():
    with WorkerPool(1, load, memory=200 << 20) as pool:
        with pytest.raises(Exception, match=r"allocat|memory") as caught:
            pool.submit(take, 400).result(20)
        assert is_out_of_memory(caught.value)
        with pytest.raises(ValueError, match="no good"):
            pool.submit(fail).result(20)
        with pytest.raises(AttributeError):
            pool.submit(lambda: None).result(20)  # cannot be sent
        pool.submit(take, 50).result(20)


def test_a_cancelled_job_ends_at_once_and_a_waiting_one_never_runs(tmp_path):
    with WorkerPool(1, initialize, (100,)) as pool:
        running, waiting = pool.submit(sleep_until_killed, tmp_path / "pid"), pool.submit(work, [tmp_path / "never"])
        until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
        assert waiting.cancel()
        assert running.cancel()
        assert pool.submit(work, [1]).result(20) == 101
        assert has_ended((tmp_path / "pid").read_text())
        assert not (tmp_path / "never").exists()


def test_a_process_that_cannot_be_started_is_an_error_of_its_job(monkeypatch):
    with WorkerPool(1) as pool:
        monkeypatch.setattr("multiprocessing.context.SpawnProcess.start", lambda _: os.open("/nowhere", 0))
        with pytest.raises(ProcessDied, match="did not start"):
            pool.submit(os.getpid).result(20)
        monkeypatch.undo()
        assert pool.submit(work, [1]).result(20) == 1


def until(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def has_ended(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] == "Z"
    except OSError:
        return True


ENDLESS = """
import itertools, sys
sys.path.insert(0, {folder!r})
from test_pool import WorkerPool, singly, work
if __name__ == "__main__":
    with WorkerPool(2) as pool:
        for job, result in pool.map(work, (["slow", i] for i in itertools.count()), singly):
            print(result, flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_the_processes_end_with_their_parent(tmp_path, number):
    script = tmp_path / "endless.py"
    script.write_text(ENDLESS.format(folder=str(Path(__file__).parent)))
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as parent:
        parent.stdout.readline()
        threads = Path(f"/proc/{parent.pid}/task").glob("*/children")
        children = [child for thread in threads for child in thread.read_text().split()]
        assert len(children) >= 2
        parent.send_signal(number)
        parent.wait(10)
        error = parent.communicate()[1].decode()
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{child}").exists() for child in children):
        assert time.monotonic() < deadline, f"processes are left over: {children}"
        time.sleep(0.05)
    assert error.count("Traceback") == (number == signal.SIGINT), "the parent's own"
