"""Threads with a bounded queue, and batches that gather by themselves."""

import asyncio
import threading
import time

import pytest

from tendigits.serve.batching import Batcher, Busy, Crew

pytestmark = pytest.mark.alone


def run(work):
    return asyncio.run(asyncio.wait_for(work, 20))


def test_work_is_done_in_a_thread():
    async def go():
        crew = Crew(1, 1)
        try:
            return await crew.run(threading.get_ident)
        finally:
            crew.close()

    assert run(go()) != threading.get_ident()


def test_a_full_queue_says_so_at_once_and_empties_again():
    async def go():
        crew, gate = Crew(2, 3), threading.Event()
        jobs = [asyncio.ensure_future(crew.run(gate.wait, 20)) for _ in range(5)]
        await asyncio.sleep(0.05)
        assert crew.load == 5
        started = time.perf_counter()
        with pytest.raises(Busy):
            await crew.run(gate.wait, 20)
        assert time.perf_counter() - started < 1
        gate.set()
        await asyncio.gather(*jobs)
        await asyncio.sleep(0.05)
        assert crew.load == 0
        assert await crew.run(lambda: 7) == 7
        crew.close()

    run(go())


def test_a_caller_that_goes_away_keeps_its_place_until_its_work_is_done():
    async def go():
        crew, gate = Crew(1, 0), threading.Event()
        job = asyncio.ensure_future(crew.run(gate.wait, 20))
        await asyncio.sleep(0.05)
        job.cancel()
        await asyncio.sleep(0.05)
        with pytest.raises(Busy):
            await crew.run(lambda: None)
        gate.set()
        for _ in range(100):
            await asyncio.sleep(0.02)
            if crew.load == 0:
                break
        assert crew.load == 0
        crew.close()

    run(go())


def test_what_is_asked_at_the_same_time_is_asked_together_in_order():
    sizes = []

    async def double(items):
        sizes.append(len(items))
        await asyncio.sleep(0.02)
        return [2 * item for item in items]

    async def go():
        batcher = Batcher(double, most=8)
        return await asyncio.gather(*(batcher(i) for i in range(30)))

    assert run(go()) == [2 * i for i in range(30)]
    assert sizes[0] == 8
    assert max(sizes) == 8
    assert len(sizes) == 4


def test_one_error_is_only_one_answer():
    async def check(items):
        return [ValueError(item) if item == 3 else item for item in items]

    async def go():
        batcher = Batcher(check)
        return await asyncio.gather(*(batcher(i) for i in range(6)), return_exceptions=True)

    results = run(go())
    assert isinstance(results.pop(3), ValueError)
    assert results == [0, 1, 2, 4, 5]


def test_work_that_fails_as_a_whole_is_told_to_all_and_the_next_is_done():
    calls = []

    async def fail_once(items):
        calls.append(items)
        if len(calls) == 1:
            raise RuntimeError("broken")
        return items

    async def go():
        batcher = Batcher(fail_once)
        first = await asyncio.gather(batcher(1), batcher(2), return_exceptions=True)
        return first, await batcher(3)

    first, second = run(go())
    assert [str(error) for error in first] == ["broken", "broken"]
    assert second == 3


def test_a_batch_queue_has_an_end():
    async def go():
        gate = asyncio.Event()

        async def wait(items):
            return [await gate.wait()] * len(items)

        batcher = Batcher(wait, most=2)
        jobs = [asyncio.ensure_future(batcher(i)) for i in range(2)]
        await asyncio.sleep(0.05)  # these are being worked at
        jobs += [asyncio.ensure_future(batcher(i)) for i in range(16)]
        await asyncio.sleep(0.05)
        with pytest.raises(Busy):
            await batcher(99)
        gate.set()
        assert all(await asyncio.gather(*jobs))

    run(go())


def test_several_batches_are_worked_at_at_a_time():
    now, most = 0, 0

    async def count(items):
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.02)
        now -= 1
        return items

    async def go():
        batcher = Batcher(count, most=2, at_a_time=3)
        return await asyncio.gather(*(batcher(i) for i in range(12)))

    assert run(go()) == list(range(12))
    assert most == 3
