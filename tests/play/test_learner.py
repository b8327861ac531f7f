"""A network that learns in steps: the same as Keras' own training, and as `tendigits.fit`, bit for bit."""

import numpy as np
import pytest

from tendigits.data.preprocess import one_hot, to_input
from tendigits.engine.fit import fit
from tendigits.errors import DivergedError
from tendigits.model.network import build_network, compile_network
from tendigits.model.recipe import Augmentation
from tendigits.play.experiment import Experiment
from tendigits.play.learner import MAX_POINTS, Curve, Learner, with_wrong_labels
from tendigits.train.augment import augmenter


def network_of(experiment):
    return compile_network(build_network(experiment.recipe()), experiment.recipe())


def test_the_curve_has_the_loss_of_each_step_as_keras_train_on_batch_gives_it(digits):
    experiment = Experiment(hidden=(16, 8), dropout=0.0, batch_size=40, digits=100, seed=5)
    learner, model = Learner(experiment, digits), network_of(experiment)
    x, y = to_input(learner.images), one_hot(learner.labels)
    for step in range(5):  # 40, 40, 20 digits, and two of the next epoch
        rows = np.random.default_rng((5, step // 3)).permutation(100)[40 * (step % 3) :][:40]
        loss, _ = model.train_on_batch(x[rows], y[rows])
        model.reset_metrics()
        learner.advance(1)
        assert learner.training_curve.points[-1][1] == pytest.approx(float(loss), rel=1e-4)
    assert (learner.steps, learner.epoch, learner.progress) == (5, 1, pytest.approx(1 + 2 / 3))


def test_epochs_in_pieces_are_those_of_fit_bit_for_bit_and_reset_starts_again(digits):
    experiment = Experiment(hidden=(16,), digits=330, augmentation=Augmentation(shift=1.0), label_noise=0.2, seed=1)
    learner, model = Learner(experiment, digits), network_of(experiment)
    fit(
        model, to_input(learner.images), one_hot(learner.labels), batch_size=32, epochs=2, verbose=0,
        order=lambda epoch, n: np.random.default_rng((1, epoch)).permutation(n),
        augment=augmenter(experiment.augmentation), seed=1,
    )  # fmt: skip
    for _ in range(2):
        pieces = iter((1, 3, 100, 1, 1))
        while learner.epoch < 2:
            learner.advance(next(pieces, 4))
        assert learner.steps == 22
        for ours, theirs in zip(learner.weights, model.get_weights(), strict=True):
            np.testing.assert_array_equal(np.asarray(ours), theirs)
        learner.reset()
        assert (learner.steps, learner.training_curve.points) == (0, [])


def test_a_loss_that_is_not_finite_is_an_error_that_says_what_to_do(digits, spoil):
    learner = Learner(Experiment(hidden=(8,), digits=200), digits)
    spoil(learner, np.nan)
    with pytest.raises(DivergedError, match=r"the loss became nan after 1 steps; try a smaller learning rate"):
        learner.advance(1)


def test_label_noise_is_the_fraction_that_was_asked_for_always_wrong_and_the_same_digits(digits):
    labels = digits.y_train
    changed, less, all_ = (with_wrong_labels(labels, noise) != labels for noise in (0.3, 0.1, 1.0))
    assert changed.mean() == pytest.approx(0.3, abs=0.03)
    assert less.mean() == pytest.approx(0.1, abs=0.02)
    assert not less[~changed].any()  # more noise keeps what was wrong
    assert all_.all()


@pytest.mark.parametrize("n", [0, 1, MAX_POINTS - 1, MAX_POINTS, 10_007])
def test_a_curve_of_any_length_has_few_points_which_are_means(n):
    curve = Curve()
    for i in range(n):
        curve.add(i / 10, loss=float(i), accuracy=0.5)
    points = curve.points
    assert min(n, MAX_POINTS // 2) <= len(points) <= min(n, MAX_POINTS)
    assert points == sorted(points)
    if n:
        assert points[-1][0] == pytest.approx((n - 1) / 10)  # the newest is there
        assert points[0][1] == pytest.approx(points[0][0] * 10 / 2)
        assert {accuracy for _, _, accuracy in points} == {0.5}
