"""Jobs in processes of their own: what they say, that there is one at a time, and how they end."""

import asyncio
import json
import os
import sys

import pytest

from tendigits.serve import jobs as module
from tendigits.serve.jobs import Jobs, Occupied

SAYS = (
    "import json, sys, time\nfor i in range(3): print(json.dumps({'i': i}), flush=True)\nprint('no JSON')\nprint('[1]')"
)
WAITS = (
    "import json, os, signal, sys, time\n"
    "signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))\n"
    "print(json.dumps({'pid': os.getpid()}), flush=True)\ntime.sleep(60)"
)
DEAF = WAITS.replace("lambda *_: sys.exit(143)", "signal.SIG_IGN")
FAILS = (
    "import sys\nprint('{\"i\": 1}')\nprint('tendigits: expected more, received less', file=sys.stderr)\nsys.exit(2)"
)


@pytest.fixture
def commands(monkeypatch):
    """In place of `python -m tendigits NAME` a script is run."""
    scripts = {"says": SAYS, "waits": WAITS, "deaf": DEAF, "fails": FAILS}
    spawn = asyncio.create_subprocess_exec

    async def start(*command, **options):
        assert command[:3] == (sys.executable, "-m", "tendigits")
        return await spawn(sys.executable, "-c", scripts[command[3]], **options)

    monkeypatch.setattr(module.asyncio, "create_subprocess_exec", start)


def run(work):
    return asyncio.run(asyncio.wait_for(work, 60))


async def lines(job):
    return [line async for line in job.follow()]


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_what_it_says_can_be_followed_from_the_beginning_by_anybody(commands):
    async def go():
        jobs = Jobs()
        job = await jobs.start("train", ["says"], {"recipe": "fast"})
        assert job.status == "running"
        live, also = await asyncio.gather(lines(job), lines(job))
        assert job.status == "finished"
        return live, also, await lines(job), job.as_dict()

    live, also, later, facts = run(go())
    assert live == also == later == [{"i": 0}, {"i": 1}, {"i": 2}]
    assert facts == {"id": 1, "kind": "train", "about": {"recipe": "fast"}, "status": "finished", "error": None}


def test_one_at_a_time_and_then_the_next(commands):
    async def go():
        jobs = Jobs()
        assert jobs.last is None
        first = await jobs.start("train", ["waits"], {})
        with pytest.raises(Occupied):
            await jobs.start("teach", ["says"], {})
        await jobs.stop()
        second = await jobs.start("teach", ["says"], {})
        await lines(second)
        assert (jobs.last, jobs.get(1), jobs.get(2), jobs.get(3)) == (second, first, second, None)
        return first, second

    first, second = run(go())
    assert (first.status, first.error) == ("stopped", None)
    assert second.status == "finished"


def test_a_failure_says_why(commands):
    async def go():
        jobs = Jobs()
        job = await jobs.start("train", ["fails"], {})
        await lines(job)
        return job

    job = run(go())
    assert (job.status, job.error) == ("failed", "expected more, received less")


def test_what_does_not_hear_is_killed(commands, monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 0.5)

    async def go():
        jobs = Jobs()
        job = await jobs.start("train", ["deaf"], {})
        first = await anext(job.follow())
        await jobs.stop()
        return job, first["pid"]

    job, pid = run(go())
    assert job.status == "stopped"
    assert not is_alive(pid)


def test_stopping_nothing_is_nothing(commands):
    async def go():
        jobs = Jobs()
        await jobs.stop()
        job = await jobs.start("train", ["says"], {})
        await lines(job)
        await jobs.stop()
        return job

    assert run(go()).status == "finished"


def test_a_real_command():
    """`tendigits --version` says no JSON and ends well; a wrong one is told as a person would be."""

    async def go():
        jobs = Jobs()
        good = await jobs.start("train", ["--version"], {})
        await lines(good)
        bad = await jobs.start("train", ["train", "--recipe", "nothing"], {})
        await lines(bad)
        return good, bad

    good, bad = run(go())
    assert good.status == "finished"
    assert bad.status == "failed"
    assert bad.error.startswith("expected a known recipe")
    assert json.dumps(bad.as_dict())
