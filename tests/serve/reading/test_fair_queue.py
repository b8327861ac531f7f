"""Whose turn it is: decided by what each sender has had, on a clock of the test's own."""

import pytest

from tendigits.serve.reading.fair_queue import HALF_LIFE, FairQueue, QueueFull

A, B, OTHER_A = ("10.0.0.1", 1), ("10.0.0.2", 1), ("10.0.0.1", 2)


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def queue(clock):
    return FairQueue(capacity=8, per_address=6, now=clock)


def turns(queue, n, seconds=1.0):
    """Who is served, one after another."""
    served = []
    for _ in range(n):
        sender, _ = queue.take()
        queue.done(sender, seconds)
        served.append(sender)
    return served


def test_one_sender_is_served_in_order_and_nobody_waits_for_ever(queue):
    for item in range(3):
        queue.put(A, item)
    assert [queue.take()[1] for _ in range(3)] == [0, 1, 2]
    with pytest.raises(LookupError):
        queue.take()
    assert len(queue) == 0


def test_addresses_take_turns_and_the_connections_of_one_among_themselves(queue):
    for sender in (A, A, A, OTHER_A, B, B):
        queue.put(sender, None)
    assert turns(queue, 6) == [A, B, OTHER_A, B, A, A]


def test_a_new_connection_for_each_picture_is_no_quicker_than_one_that_stays(queue):
    queue.put(A, None)
    turns(queue, 1)
    for port in range(2, 5):
        queue.put((A[0], port), None)
        if port == 3:
            queue.put(A, None)
    assert [port for _, port in turns(queue, 4)] == [2, 3, 1, 4]


def test_who_has_work_running_waits_for_others(queue):
    for sender in (A, A, A, OTHER_A, B):
        queue.put(sender, None)
    assert [queue.take()[0] for _ in range(3)] == [A, B, OTHER_A]


def test_who_has_had_little_is_next_and_what_was_had_is_forgotten(queue, clock):
    for sender, seconds in ((A, 5.0), (B, 1.0)):
        queue.put(sender, None)
        queue.done(queue.take()[0], seconds)
    for sender in (A, B):
        queue.put(sender, None)
    assert turns(queue, 2, 0.0) == [B, A]
    clock.now += 20 * HALF_LIFE
    for sender in (A, B):
        queue.put(sender, None)
    assert turns(queue, 2) == [A, B], "equal again, so the first to come"
    clock.now += 20 * HALF_LIFE
    queue.put(B, None)
    turns(queue, 1)
    assert {*queue._accounts} == {B[0]}, "whoever came once takes no memory for ever"


def test_an_address_and_all_together_may_wait_up_to_a_number(queue):
    for port in range(6):
        queue.put(("10.0.0.1", port), None)
    with pytest.raises(QueueFull):
        queue.put(("10.0.0.1", 9), None)
    queue.put(B, None)
    queue.put(B, None)
    with pytest.raises(QueueFull):
        queue.put(("10.0.0.3", 1), None)


def test_what_is_no_longer_wanted_is_taken_out(queue):
    items = [object(), object()]
    for item in items:
        queue.put(A, item)
    assert queue.remove(A, items[0])
    assert not queue.remove(A, items[0])
    assert not queue.remove(B, items[1])
    assert queue.take() == (A, items[1])
