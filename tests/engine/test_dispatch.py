import keras
import numpy as np
import pytest

from tendigits.engine.devices import Placement
from tendigits.engine.dispatch import DISPATCH_SECONDS, DISPATCHES_PER_EPOCH, Arrays, Dispatcher, DispatchSize

X, Y = np.random.default_rng(0).random((100, 20), np.float32), np.eye(10, dtype=np.float32)[np.arange(100) % 10]
ALONE = Placement()


def test_with_other_processes_the_dispatches_do_not_go_by_the_clock():
    class SeveralProcesses(Placement):
        is_multi_process = True

    model = keras.Sequential([keras.Input((20,)), keras.layers.Dense(10, "softmax")])
    model.compile("sgd", "categorical_crossentropy", metrics=["accuracy"])
    ends = []
    spy = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: ends.append(batch))
    callbacks = keras.callbacks.CallbackList([spy], model=model, epochs=1, steps=100)
    arrays = Arrays.of((X, Y, None), 1, ALONE)
    model._symbolic_build(data_batch=arrays.first_batch())
    Dispatcher(model, callbacks, None, 0, SeveralProcesses()).train(arrays, np.arange(100), 0)
    assert ends == list(range(100 // DISPATCHES_PER_EPOCH - 1, 100, 100 // DISPATCHES_PER_EPOCH))


def test_rows_become_whole_batches_and_a_rest():
    arrays = Arrays.of((X, Y, None), 32, ALONE)
    whole, rest = arrays.batches(np.arange(100)[::-1])
    assert (arrays.n, arrays.steps) == (100, 4)
    assert (whole.shape, rest.shape) == ((3, 32), (1, 4))
    np.testing.assert_array_equal(np.concatenate([whole.ravel(), rest.ravel()]), np.arange(100)[::-1])
    assert [(part.shape, part.dtype) for part in arrays.first_batch()[:2]] == [((32, 20), X.dtype), ((32, 10), Y.dtype)]
    assert [part.shape for part in Arrays.of((X, Y, None), 25, ALONE).batches(np.arange(100))] == [(4, 25)]


def test_the_pace_comes_to_a_dispatch_of_one_tick():
    pace = DispatchSize(DISPATCH_SECONDS)
    pace.learn((4, 32), 1, 5.0)  # this one compiled
    assert pace.steps == 1
    pace.learn((4, 32), 1, 0.001)
    assert pace.steps == 16  # not all at once: the first step may have been a lucky one
    pace.learn((4, 32), 16, 0.016)
    assert pace.steps == round(DISPATCH_SECONDS / 0.001)
    pace.learn((1, 7), 1, 5.0)  # the last, smaller batch compiles too
    assert pace.steps == round(DISPATCH_SECONDS / 0.001)


@pytest.mark.parametrize(("seconds", "steps"), [(0.01, 10), (DISPATCH_SECONDS, 4), (0.24, 2), (9.0, 1)])
def test_large_steps_go_a_few_together_while_that_takes_half_a_second(seconds, steps):
    pace = DispatchSize(DISPATCH_SECONDS)
    pace.learn((4, 32), 1, 5.0)
    pace.learn((4, 32), 1, seconds)
    assert pace.steps == steps
