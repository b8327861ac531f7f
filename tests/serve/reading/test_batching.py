"""Threads with a bounded queue, and batches that gather by themselves. Events decide the order, not a clock."""

import asyncio
import threading

import pytest

from tendigits.serve.reading.batching import Batcher, BoundedThreads, QueueFull


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


def test_what_arrives_together_is_shared_among_the_batches_that_may_run():
    batches, gates = [], [asyncio.Event() for _ in range(4)]

    async def wait(items):
        batches.append(len(items))
        await gates[len(batches) - 1].wait()
        return items

    async def go():
        batcher = Batcher(wait, concurrency=2)
        jobs = [asyncio.ensure_future(batcher(i)) for i in range(7)]
        await settle()
        assert (batches, batcher.running) == ([4, 3], 2)
        jobs += [asyncio.ensure_future(batcher(i)) for i in range(7, 10)]
        gates[1].set()
        await settle()
        assert batches == [4, 3, 3]  # in the place of the one that has ended
        for gate in gates:
            gate.set()
        assert await asyncio.gather(*jobs) == [*range(10)]
        assert batcher.running == 0

    run(go())


def test_an_error_of_one_item_is_its_own_and_that_of_a_batch_is_reported_to_all():
    async def check(items):
        if "bad batch" in items:
            raise RuntimeError("broken")
        return [ValueError(item) if item == "bad" else item for item in items]

    async def go(*items):
        return await asyncio.gather(*map(batcher, items), return_exceptions=True)

    batcher = Batcher(check)
    assert [str(error) for error in run(go("a", "bad batch"))] == ["broken", "broken"]
    one, bad, other = run(go("a", "bad", "b"))
    assert (one, str(bad), other) == ("a", "bad", "b")


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
