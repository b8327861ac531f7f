"""Threads with a bounded queue, and batches that gather by themselves. Events decide the order, not a clock."""

import asyncio
import threading

import pytest

from tendigits.serve.batching import Batcher, BoundedThreads, QueueFull


def run(work):
    return asyncio.run(asyncio.wait_for(work, 60))


async def settle() -> None:
    """Let every task go on until it waits."""
    for _ in range(20):
        await asyncio.sleep(0)


async def until(condition) -> None:
    while not condition():
        await asyncio.sleep(0.001)


def test_a_full_queue_is_reported_at_once_and_empties_again():
    async def go():
        threads, gate = BoundedThreads(2, 3), threading.Event()
        jobs = [asyncio.ensure_future(threads.run(gate.wait)) for _ in range(5)]
        await settle()
        assert threads.load == 5
        with pytest.raises(QueueFull):
            await threads.run(gate.wait)
        gate.set()
        await asyncio.gather(*jobs)
        await until(lambda: threads.load == 0)
        assert await threads.run(threading.get_ident) != threading.get_ident()
        threads.close()

    run(go())


def test_the_job_of_a_cancelled_caller_counts_until_it_is_finished():
    async def go():
        threads, started, gate = BoundedThreads(1, 0), threading.Event(), threading.Event()

        def work():
            started.set()
            gate.wait()

        job = asyncio.ensure_future(threads.run(work))
        await until(started.is_set)
        job.cancel()
        await settle()
        with pytest.raises(QueueFull):
            await threads.run(work)
        gate.set()
        await until(lambda: threads.load == 0)
        threads.close()

    run(go())


def test_items_that_arrive_meanwhile_form_one_batch():
    batches = []

    async def double(items):
        batches.append(items)
        await settle()
        return [2 * item for item in items]

    async def go():
        batcher = Batcher(double, max_size=8)
        return await asyncio.gather(*(batcher(i) for i in range(30)))

    assert run(go()) == [2 * i for i in range(30)]
    assert [len(batch) for batch in batches] == [8, 8, 8, 6]


def test_several_batches_run_at_the_same_time():
    running, most = 0, 0

    async def count(items):
        nonlocal running, most
        running += 1
        most = max(most, running)
        await settle()
        running -= 1
        return items

    async def go():
        batcher = Batcher(count, max_size=2, concurrency=3)
        return await asyncio.gather(*(batcher(i) for i in range(12)))

    assert run(go()) == list(range(12))
    assert most == 3


def test_an_error_of_one_item_is_its_own():
    async def check(items):
        return [ValueError(item) if item == 3 else item for item in items]

    async def go():
        batcher = Batcher(check)
        return await asyncio.gather(*(batcher(i) for i in range(6)), return_exceptions=True)

    results = run(go())
    assert isinstance(results.pop(3), ValueError)
    assert results == [0, 1, 2, 4, 5]


def test_a_batch_that_fails_is_reported_to_all_and_the_next_one_runs():
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


def test_the_queue_of_a_batcher_is_limited():
    async def go():
        gate = asyncio.Event()

        async def wait(items):
            return [await gate.wait()] * len(items)

        batcher = Batcher(wait, max_size=2)
        jobs = [asyncio.ensure_future(batcher(i)) for i in range(2)]
        await settle()  # these are being processed
        jobs += [asyncio.ensure_future(batcher(i)) for i in range(16)]
        await settle()
        with pytest.raises(QueueFull):
            await batcher(99)
        gate.set()
        assert all(await asyncio.gather(*jobs))

    run(go())
