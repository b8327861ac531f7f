"""Background jobs: their output, one at a time, and how they end."""

import asyncio

import pytest
from starlette.exceptions import HTTPException

from tendigits.pool.child import Child
from tendigits.serve.jobs import Jobs

SCRIPTS = {
    "prints": "import json\nfor i in range(3): print(json.dumps({'i': i}), flush=True)",
    "waits": "import sys\nprint('{}', flush=True)\nsys.stdin.read()\nsys.exit(143)",
    "fails": "import sys\nprint('{}')\nsys.exit('tendigits: expected more, received less')",
}


@pytest.fixture
def jobs(monkeypatch):
    """Jobs that run a script in place of a `tendigits` command."""
    start = Child.start

    async def start_script(*arguments, environment=None):
        assert arguments[:2] == ("-m", "tendigits.pool.child")
        return await start("-c", SCRIPTS[arguments[2]], environment=environment)

    monkeypatch.setattr(Child, "start", start_script)
    return Jobs()


def run(work):
    return asyncio.run(asyncio.wait_for(work, 60))


async def lines(job):
    return [line async for line in job.follow()]


def test_followers_get_all_output_whenever_they_come(jobs):
    async def go():
        job = await jobs.start("train", ["prints"], {"recipe": "fast"})
        assert job.status == "running"
        live, other = await asyncio.gather(lines(job), lines(job))
        return live, other, await lines(job), job

    live, other, later, job = run(go())
    assert live == other == later == [{"i": 0}, {"i": 1}, {"i": 2}]
    assert (job.id, job.kind, job.parameters) == (1, "train", {"recipe": "fast"})
    assert (job.status, job.error) == ("finished", None)


def test_one_job_at_a_time_and_then_the_next(jobs):
    async def go():
        first = await jobs.start("train", ["waits"], {})
        with pytest.raises(HTTPException, match="409: training or teaching is running already"):
            await jobs.start("teach", ["prints"], {})
        await anext(first.follow())
        await jobs.stop()
        second = await jobs.start("teach", ["prints"], {})
        await lines(second)
        await jobs.stop()  # it has ended already
        assert (jobs.last, jobs.get(1), jobs.get(2), jobs.get(3)) == (second, first, second, None)
        return first.status, second.status

    assert run(go()) == ("stopped", "finished")


def test_a_job_that_fails_says_why(jobs):
    async def go():
        job = await jobs.start("train", ["fails"], {})
        await lines(job)
        return job.status, job.error

    assert run(go()) == ("failed", "expected more, received less")
