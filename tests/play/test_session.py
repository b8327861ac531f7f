"""The playground as the server sees it: its process is started, asked, followed and ended."""

import asyncio
import os

import pytest

from stand_in import STAND_IN
from tendigits.errors import Failure
from tendigits.play import session as module
from tendigits.play.experiment import Experiment
from tendigits.play.session import Playground


@pytest.fixture
def pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


@pytest.fixture
def playground(pipe):
    return Playground(["-c", STAND_IN, str(pipe)])


def build(playground, network):
    return playground.ask("build", network=network, experiment=Experiment())


def run(work):
    return asyncio.run(asyncio.wait_for(work, 60))


def test_a_slow_follower_gets_the_latest_events(playground):
    async def go():
        await build(playground, "a")
        followed = playground.follow()
        kind, data = await anext(followed)
        assert (kind, data["network"], data["status"]) == ("tick", "a", "paused")
        await playground.ask("many")
        assert (await anext(followed))[1]["steps"] == 499
        late = playground.follow()
        assert (await anext(late))[1]["steps"] == 499
        await late.aclose()
        waiting = asyncio.create_task(anext(followed, None))
        await asyncio.sleep(0.05)
        await playground.close()
        assert await waiting is None  # the server can end

    run(go())


def test_a_request_whose_caller_has_gone_is_not_begun_and_those_that_wait_are_bounded(playground, pipe):
    async def go():
        await build(playground, "a")
        busy = asyncio.create_task(playground.ask("reset"))
        for _ in range(10):
            calls = [build(playground, "b"), *(playground.ask("echo") for _ in range(module.MAX_WAITING))]
            waiting = [asyncio.create_task(call) for call in calls]
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            assert [str(each.exception()) for each in done] == [
                "too many requests are waiting for the playground; try again in a few seconds"
            ]
            for each in (busy, *waiting):  # the process is busy even if nobody waits for its answer
                each.cancel()
            await asyncio.wait(waiting)
        assert playground.experiments == {"a": Experiment()}
        last = asyncio.create_task(playground.ask("list"))
        await asyncio.to_thread(pipe.write_bytes, b"")
        assert await last == ["build", "reset", "list"]
        await playground.close()

    run(go())


def test_a_process_that_does_not_answer_is_ended(playground, monkeypatch):
    async def go():
        await build(playground, "a")
        monkeypatch.setattr(module, "ANSWER_SECONDS", 0.1)
        monkeypatch.setattr(module, "STOP_SECONDS", 0.1)
        with pytest.raises(Failure, match=r"did not answer within 0\.1 seconds and was ended; make the networks again"):
            await playground.ask("reset")
        monkeypatch.undo()
        assert playground.experiments == {}
        assert await build(playground, "a") == {"layers": [8, 10]}
        await playground.close()

    run(go())


def test_an_idle_process_ends_but_not_while_somebody_watches_it_learn():
    now = 0.0
    playground = Playground(["-c", STAND_IN], clock=lambda: now)

    async def go():
        nonlocal now
        await build(playground, "a")
        await playground.ask("many")  # it learns
        followed = playground.follow()
        await anext(followed)
        for _ in range(5):
            now += module.IDLE_SECONDS - 1
            await playground.end_if_idle()
            assert playground.experiments
        await followed.aclose()
        now += module.IDLE_SECONDS
        await playground.end_if_idle()
        assert not playground.experiments
        followed = playground.follow()
        assert (await anext(followed))[1]["error"] == "nobody used it for 5 minutes"
        await followed.aclose()

    run(go())
