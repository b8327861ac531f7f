import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tendigits.batch.workers import AHEAD, Crew, cores

pytestmark = pytest.mark.alone


def start(offset):
    return {"offset": offset, "pid": os.getpid()}


def work(tool, job):
    """Add up; `die` ends the process, `slow` takes its time, `once FILE` ends it where the file is not there yet."""
    total = tool["offset"]
    for item in job:
        if item == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        elif item == "slow":
            time.sleep(0.2)
        elif isinstance(item, Path):
            if not item.exists():
                item.touch()
                os.kill(os.getpid(), signal.SIGKILL)
        else:
            total += item
    return total


def fail(tool, job):
    raise ValueError(f"{job} with {tool['offset']}")


def singly(job):
    return ([item] for item in job)


def test_results_come_in_the_order_of_the_jobs():
    with Crew(work, (100,), start=start, workers=2) as crew:
        results = list(crew.map((["slow", i] if i % 5 == 0 else [i] for i in range(40)), singly))
    assert [result for _, result in results] == [100 + i for i in range(40)]
    assert results[3][0] == [3]


def test_what_kills_its_process_is_known_and_the_rest_is_done():
    jobs = [[1, 2], [3, "die", 4], [5], ["die"], *([i] for i in range(6, 20))]
    with Crew(work, (0,), start=start, workers=2) as crew:
        results = list(crew.map(jobs, singly))
    assert [job for job, result in results if result is None] == [["die"], ["die"]]
    assert sum(result for _, result in results if result is not None) == sum(range(20))
    assert [item for job, _ in results for item in job] == [item for job in jobs for item in job]


def test_a_process_that_is_killed_by_chance_takes_nothing_with_it(tmp_path):
    jobs = [[1], [tmp_path / "once", 2], *([i] for i in range(3, 12))]
    with Crew(work, (0,), start=start, workers=2) as crew:
        results = list(crew.map(jobs, singly))
    assert sum(result for _, result in results) == sum(range(12))
    assert (tmp_path / "once").exists()


def test_only_a_few_jobs_are_handed_out_at_once():
    asked = 0

    def jobs():
        nonlocal asked
        for i in range(100):
            asked += 1
            yield [i]

    with Crew(work, (0,), start=start, workers=2) as crew:
        results = crew.map(jobs(), singly)
        next(results)
        assert asked <= 2 * AHEAD
        assert len(list(results)) == 99


def test_an_error_of_the_work_is_raised():
    with Crew(fail, (7,), start=start, workers=1) as crew, pytest.raises(ValueError, match="with 7"):
        list(crew.map([[1]], singly))


def test_there_is_a_core():
    assert cores() >= 1


ENDLESS = """
import itertools, sys
sys.path.insert(0, {folder!r})
from test_crew import Crew, singly, start, work
if __name__ == "__main__":
    with Crew(work, (0,), start=start, workers=2) as crew:
        for job, result in crew.map((["slow", i] for i in itertools.count()), singly):
            print(result, flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_when_the_caller_ends_so_do_the_others(tmp_path, number):
    script = tmp_path / "endless.py"
    script.write_text(ENDLESS.format(folder=str(Path(__file__).parent)))
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as caller:
        assert caller.stdout is not None
        caller.stdout.readline()
        children = _children(caller.pid)
        assert len(children) >= 2
        caller.send_signal(number)
        caller.wait(10)
        error = caller.communicate()[1].decode()
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{child}").exists() for child in children):
        assert time.monotonic() < deadline, f"processes are left over: {children}"
        time.sleep(0.05)
    assert error.count("Traceback") <= (number == signal.SIGINT)  # the caller's own


def _children(pid):
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(status.parent.name))
    return found
