import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tendigits.batch.workers import AHEAD, WorkerPool

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
    assert len(asked) <= 2 * AHEAD
    assert [result for _, result in results] == [100 + i for i in range(1, 20)]


def test_a_job_that_kills_its_process_is_found_and_the_others_are_done(pool, tmp_path):
    jobs = [[1, 2], [3, "die", 4], [5], *([i] for i in range(6, 12))]
    results = list(pool.map(work, jobs, singly))
    assert [job for job, result in results if result is None] == [["die"]]
    assert [item for job, _ in results for item in job] == [item for job in jobs for item in job]
    by_chance = list(pool.map(work, [[1], [tmp_path / "once", 2], [3]], singly))
    assert (tmp_path / "once").exists()
    assert None not in [result for _, result in by_chance]


ENDLESS = """
import itertools, sys
sys.path.insert(0, {folder!r})
from test_workers import WorkerPool, singly, work
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
        children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()
        assert len(children) >= 2
        parent.send_signal(number)
        parent.wait(10)
        error = parent.communicate()[1].decode()
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{child}").exists() for child in children):
        assert time.monotonic() < deadline, f"processes are left over: {children}"
        time.sleep(0.05)
    assert error.count("Traceback") == (number == signal.SIGINT), "the parent's own"
