import cv2
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tendigits.model.recipe import Augmentation
from tendigits.train.augment import SHOWN, _fetch, _places, augmenter, draw_augmented

ALL = Augmentation(shift=2.0, rotate=10.0, scale=0.1, shear=0.2, elastic=1.0, thickness=0.5, contrast=0.3, noise=0.1)


@pytest.fixture(scope="module")
def x(digits):
    return (digits.x_train[:200].reshape(-1, 784) / 255).astype(np.float32)


def changed(x, key=0, **knobs):
    return np.asarray(augmenter(Augmentation(**knobs))(jnp.asarray(x), jax.random.key(key)))


def middles(x):
    """Row and column of the centre of mass of each image."""
    images, places = x.reshape(-1, 28, 28), np.arange(28)
    total = images.sum(axis=(1, 2))
    return np.stack([images.sum(axis=2) @ places / total, images.sum(axis=1) @ places / total])


def test_nothing_to_change():
    assert augmenter(Augmentation()) is None


@pytest.mark.parametrize("shape", [(-1, 784), (-1, 28, 28, 1)])
def test_shape_range_and_key(x, shape):
    change, given = augmenter(ALL), jnp.asarray(x.reshape(shape))
    first, again, other = (np.asarray(change(given, jax.random.key(key))) for key in (0, 0, 1))
    assert first.shape == given.shape
    assert first.dtype == np.float32
    assert first.min() >= 0
    assert first.max() <= 1
    np.testing.assert_array_equal(first, again)
    assert (np.abs(first - other).reshape(len(x), -1).max(axis=1) > 0.1).all()


def test_a_fetch_is_opencvs(x):
    """Oracle: cv2.remap, bilinear, black outside; its weights have five bits."""
    rng = np.random.default_rng(0)
    images = x.reshape(-1, 28, 28)[:20]
    row, column = rng.uniform(-4, 32, (2, 20, 28, 28)).astype(np.float32)
    expected = [cv2.remap(*each, cv2.INTER_LINEAR) for each in zip(images, column, row, strict=True)]
    np.testing.assert_allclose(_fetch(jnp.asarray(images), (row, column)), expected, atol=0.04)


def test_a_fetch_from_where_it_is_changes_nothing(x):
    images = x.reshape(-1, 28, 28)
    row, column = np.broadcast_to(np.mgrid[:28, :28].astype(np.float32)[:, None], (2, len(x), 28, 28))
    np.testing.assert_allclose(_fetch(jnp.asarray(images), (row, column)), images, atol=1e-6)


def test_a_shift_moves_at_most_so_far(x):
    moved = middles(changed(x, shift=3.0)) - middles(x)
    assert np.abs(moved).max() < 3.1  # what leaves the image has no weight
    assert np.abs(moved).max() > 2.5
    assert np.abs(moved.mean(axis=1)).max() < 0.5


def test_a_turn_is_a_turn_and_no_mirror(x):
    """Oracle: OpenCV's rotation by the angle that was drawn."""
    key = jax.random.key(3)
    row, column = _places(Augmentation(rotate=30.0), len(x), key)
    angle = np.rad2deg(
        np.arctan2(np.asarray(column[:, 27, 0] - column[:, 0, 0]), np.asarray(row[:, 27, 0] - row[:, 0, 0]))
    )
    assert 25 < np.abs(angle).max() < 30.01
    turned = np.asarray(_fetch(jnp.asarray(x.reshape(-1, 28, 28)), (row, column)))
    for image, result, degrees in zip(x.reshape(-1, 28, 28)[:20], turned, angle, strict=False):
        matrix = cv2.getRotationMatrix2D((13.5, 13.5), -float(degrees), 1)
        np.testing.assert_allclose(result, cv2.warpAffine(image, matrix, (28, 28)), atol=0.12)


def test_scale_and_shear_keep_the_middle_and_change_the_size(x):
    for knobs in ({"scale": 0.3}, {"shear": 0.4}):
        row, column = _places(Augmentation(**knobs), 500, jax.random.key(0))
        np.testing.assert_allclose((row[:, 13] + row[:, 14]).mean(axis=1) / 2, 13.5, atol=0.01)
        np.testing.assert_allclose((column[:, 13] + column[:, 14]).mean(axis=1) / 2, 13.5, atol=0.01)
    height = np.asarray(_places(Augmentation(scale=0.3), 500, jax.random.key(0))[0][:, 27, 0]) - 13.5
    assert height.min() == pytest.approx(13.5 / 1.3, rel=0.02)
    assert height.max() == pytest.approx(13.5 / 0.7, rel=0.02)


def test_the_elastic_shifts_are_smooth_and_have_their_deviation():
    row, _ = _places(Augmentation(elastic=1.5), 2000, jax.random.key(0))
    shifts = np.asarray(row) - np.arange(28)[:, None]
    assert shifts.std() == pytest.approx(1.5, rel=0.05)
    assert shifts.std(axis=0).min() == pytest.approx(1.5, rel=0.1)  # at the edge as in the middle
    assert np.abs(np.diff(shifts, axis=2)).mean() < 0.35


def test_strokes_become_thicker_or_thinner_and_stay_where_they_are(x):
    ink = changed(x, thickness=1.0).sum(axis=1) / x.sum(axis=1)
    assert ink.min() < 0.6
    assert ink.max() > 1.4
    assert np.abs(middles(changed(x, thickness=0.5)) - middles(x)).max() < 0.6
    np.testing.assert_array_equal(changed(np.zeros((3, 784), np.float32), thickness=1.0), 0)


def test_ink_becomes_paler_by_at_most_its_share(x):
    share = changed(x, contrast=0.4).max(axis=1) / x.max(axis=1)
    assert 0.6 <= share.min() < 0.65
    assert 0.95 < share.max() <= 1


def test_noise_is_bounded_and_even(x):
    grey = np.full((50, 784), 0.5, np.float32)
    noise = changed(grey, noise=0.2) - 0.5
    assert np.abs(noise).max() <= 0.2 + 1e-6
    assert noise.std() == pytest.approx(0.2 / np.sqrt(3), rel=0.02)
    assert abs(noise.mean()) < 0.002


def test_a_picture_of_64(x):
    figure = draw_augmented(x, augmenter(ALL), seed=0)
    (axes,) = figure.axes
    assert axes.images[0].get_array().shape == (224, 224)
    assert SHOWN == 64
    assert draw_augmented(x[:1], augmenter(ALL), seed=0).axes
