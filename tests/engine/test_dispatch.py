import numpy as np
import pytest

from tendigits.engine.dispatch import DISPATCH_SECONDS, Arrays, DispatchSize

X, Y = np.random.default_rng(0).random((100, 20), np.float32), np.eye(10, dtype=np.float32)[np.arange(100) % 10]


def test_rows_become_whole_batches_and_a_smaller_last_one():
    arrays = Arrays.of((X, Y, None), 32)
    whole, rest = arrays.batches(np.arange(100)[::-1])
    assert (arrays.n, arrays.steps) == (100, 4)
    assert (whole.shape, rest.shape) == ((3, 32), (1, 4))
    np.testing.assert_array_equal(np.concatenate([whole.ravel(), rest.ravel()]), np.arange(100)[::-1])
    assert [(part.shape, part.dtype) for part in arrays.first_batch()[:2]] == [((32, 20), X.dtype), ((32, 10), Y.dtype)]
    assert [part.shape for part in Arrays.of((X, Y), 25).batches(np.arange(100))] == [(4, 25)]


def test_the_number_of_steps_adapts_to_the_target_duration():
    size = DispatchSize(DISPATCH_SECONDS)
    size.learn((4, 32), 1, 5.0)  # this one compiled
    assert size.steps == 1
    size.learn((4, 32), 1, 0.001)
    assert size.steps == 16  # grows gradually: the first step may have been an outlier
    size.learn((4, 32), 16, 0.016)
    assert size.steps == round(DISPATCH_SECONDS / 0.001)
    size.learn((1, 7), 1, 5.0)  # the smaller last batch compiles, too
    assert size.steps == round(DISPATCH_SECONDS / 0.001)


@pytest.mark.parametrize(("seconds", "steps"), [(0.01, 10), (DISPATCH_SECONDS, 4), (0.24, 2), (9.0, 1)])
def test_large_steps_are_dispatched_a_few_at_a_time_if_that_takes_at_most_half_a_second(seconds, steps):
    size = DispatchSize(DISPATCH_SECONDS)
    size.learn((4, 32), 1, 5.0)
    size.learn((4, 32), 1, seconds)
    assert size.steps == steps
