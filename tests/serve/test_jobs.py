"""Background jobs in processes of their own: their output, one at a time, and how they end."""

import asyncio
import errno
import os
import sys

import pytest

from tendigits.serve import jobs as module
from tendigits.serve.jobs import JobNotStarted, JobRunning, Jobs

SCRIPTS = {
    "prints": "import json\nfor i in range(3): print(json.dumps({'i': i}), flush=True)\nprint('no JSON')\nprint('[1]')",
    "waits": (
        "import json, os, signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(143))\n"
        "print(json.dumps({'pid': os.getpid()}), flush=True)\ntime.sleep(60)"
    ),
    "fails": (
        "import sys\nprint('{\"i\": 1}')\n"
        "print('tendigits: expected more, received less', file=sys.stderr)\nsys.exit(2)"
    ),
}
SCRIPTS["prints a line without an end"] = "import sys\nwhile True: sys.stdout.write('x' * 2**20)"
SCRIPTS["complains much"] = "import sys\nsys.stderr.write('x\\n' * 2**20 + 'tendigits: the last line')\nsys.exit(1)"
SCRIPTS["ignores SIGTERM"] = SCRIPTS["waits"].replace("lambda *_: sys.exit(143)", "signal.SIG_IGN")


@pytest.fixture
def scripts(monkeypatch):
    """Runs a script instead of `python -m tendigits NAME`."""
    spawn = asyncio.create_subprocess_exec

    async def start(*command, **options):
        assert command[:3] == (sys.executable, "-m", "tendigits")
        return await spawn(sys.executable, "-c", SCRIPTS[command[3]], **options)

    monkeypatch.setattr(module.asyncio, "create_subprocess_exec", start)


def run(work):
    return asyncio.run(asyncio.wait_for(work, 60))


async def lines(job):
    return [line async for line in job.follow()]


def test_followers_get_all_output_whenever_they_come(scripts):
    async def go():
        jobs = Jobs()
        job = await jobs.start("train", ["prints"], {"recipe": "fast"})
        assert job.status == "running"
        live, other = await asyncio.gather(lines(job), lines(job))
        return live, other, await lines(job), job

    live, other, later, job = run(go())
    assert live == other == later == [{"i": 0}, {"i": 1}, {"i": 2}]
    assert (job.id, job.kind, job.parameters) == (1, "train", {"recipe": "fast"})
    assert (job.status, job.error) == ("finished", None)


def test_one_job_at_a_time_and_then_the_next(scripts):
    async def go():
        jobs = Jobs()
        await jobs.stop()  # nothing runs
        assert jobs.last is None
        first = await jobs.start("train", ["waits"], {})
        with pytest.raises(JobRunning):
            await jobs.start("teach", ["prints"], {})
        await anext(first.follow())
        await jobs.stop()
        second = await jobs.start("teach", ["prints"], {})
        await lines(second)
        await jobs.stop()  # it has ended already
        assert (jobs.last, jobs.get(1), jobs.get(2), jobs.get(3)) == (second, first, second, None)
        return first, second

    first, second = run(go())
    assert (first.status, first.error) == ("stopped", None)
    assert second.status == "finished"


def test_a_job_that_ignores_sigterm_is_killed(scripts):
    async def go():
        jobs = Jobs()
        job = await jobs.start("train", ["ignores SIGTERM"], {})
        first = await anext(job.follow())
        await jobs.stop(timeout=0.2)
        return job, first["pid"]

    job, pid = run(go())
    assert job.status == "stopped"
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_failed_job_has_the_last_line_of_its_errors(scripts):
    async def go():
        job = await Jobs().start("train", ["fails"], {})
        await lines(job)
        return job

    job = run(go())
    assert (job.status, job.error) == ("failed", "expected more, received less")


@pytest.mark.parametrize(
    ("raised", "caught"),
    [
        (OSError(errno.EMFILE, "Too many open files"), JobNotStarted), (MemoryError(), MemoryError),
        (asyncio.CancelledError(), asyncio.CancelledError),
    ],
    ids=["EMFILE", "memory", "hung up"],
)  # fmt: skip
def test_a_job_that_does_not_start_says_why_and_leaves_its_place_free(scripts, monkeypatch, raised, caught):
    async def fail(*_, **__):
        raise raised

    async def go():
        jobs = Jobs()
        with monkeypatch.context() as patched:
            patched.setattr(module.asyncio, "create_subprocess_exec", fail)
            with pytest.raises(caught):
                await jobs.start("train", ["prints"], {})
        failed = jobs.last
        assert await lines(failed) == []  # its followers are not kept waiting
        await jobs.stop()
        job = await jobs.start("train", ["prints"], {})
        await lines(job)
        return failed, job

    failed, job = run(go())
    assert failed.status == "failed"
    assert failed.error.startswith("the process did not start: ")
    assert (job.id, job.status) == (2, "finished")


@pytest.mark.parametrize(
    ("script", "error"),
    [("prints a line without an end", "exit code -9"), ("complains much", "the last line")],
)
def test_a_job_may_print_anything_and_ends(scripts, script, error):
    async def go():
        job = await Jobs().start("train", [script], {})
        await lines(job)
        return job

    job = run(go())
    assert (job.status, job.error) == ("failed", error)
