import cv2
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tendigits.model.recipe import Augmentation
from tendigits.train.augment import augmenter, interpolate, source_coordinates

ALL = Augmentation(shift=2.0, rotate=10.0, scale=0.1, shear=0.2, elastic=1.0, thickness=0.5, contrast=0.3, noise=0.1)


@pytest.fixture(scope="module")
def x(digits):
    return (digits.x_train[:200].reshape(-1, 784) / 255).astype(np.float32)


def augmented(x, **settings):
    return np.asarray(jax.jit(augmenter(Augmentation(**settings)))(x, jax.random.key(0)))


def centres_of_mass(x):
    """Row and column of the centre of mass of each image."""
    images, indices = x.reshape(-1, 28, 28), np.arange(28)
    total = images.sum(axis=(1, 2))
    return np.stack([images.sum(axis=2) @ indices / total, images.sum(axis=1) @ indices / total])


@pytest.mark.parametrize("shape", [(-1, 784), (-1, 28, 28, 1)])
def test_images_keep_their_shape_and_range_and_depend_on_the_key(x, shape):
    assert augmenter(Augmentation()) is None
    augment, given = jax.jit(augmenter(ALL)), x.reshape(shape)
    first, again, other = (np.asarray(augment(given, jax.random.key(key))) for key in (0, 0, 1))
    assert first.shape == given.shape
    assert first.dtype == np.float32
    assert first.min() >= 0
    assert first.max() <= 1
    np.testing.assert_array_equal(first, again)
    assert (np.abs(first - other).reshape(len(x), -1).max(axis=1) > 0.1).all()


def test_interpolation_equals_opencvs(x):
    """Oracle: cv2.remap, bilinear, black outside; its weights have five bits."""
    rng = np.random.default_rng(0)
    images = x.reshape(-1, 28, 28)[:20]
    row, column = rng.uniform(-4, 32, (2, 20, 28, 28)).astype(np.float32)
    expected = [cv2.remap(*each, cv2.INTER_LINEAR) for each in zip(images, column, row, strict=True)]
    np.testing.assert_allclose(interpolate(jnp.asarray(images), row, column), expected, atol=0.04)
    row, column = np.broadcast_to(np.mgrid[:28, :28].astype(np.float32)[:, None], (2, 20, 28, 28))
    np.testing.assert_allclose(interpolate(jnp.asarray(images), row, column), images, atol=1e-6)


def test_a_shift_is_at_most_the_setting(x):
    moved = centres_of_mass(augmented(x, shift=3.0)) - centres_of_mass(x)
    assert 2.5 < np.abs(moved).max() < 3.1  # strokes that leave the image do not count
    assert np.abs(moved.mean(axis=1)).max() < 0.5


def test_a_rotation_equals_opencvs(x):
    """Oracle: OpenCV's rotation by the angle that was drawn; a mirrored digit would differ."""
    row, column = source_coordinates(Augmentation(rotate=30.0), len(x), jax.random.key(3))
    angle = np.rad2deg(
        np.arctan2(np.asarray(column[:, 27, 0] - column[:, 0, 0]), np.asarray(row[:, 27, 0] - row[:, 0, 0]))
    )
    assert 25 < np.abs(angle).max() < 30.01
    rotated = np.asarray(interpolate(jnp.asarray(x.reshape(-1, 28, 28)), row, column))
    for image, result, degrees in zip(x.reshape(-1, 28, 28)[:20], rotated, angle, strict=False):
        matrix = cv2.getRotationMatrix2D((13.5, 13.5), -float(degrees), 1)
        np.testing.assert_allclose(result, cv2.warpAffine(image, matrix, (28, 28)), atol=0.12)


def test_scale_and_shear_keep_the_centre(x):
    for settings in ({"scale": 0.3}, {"shear": 0.4}):
        row, column = source_coordinates(Augmentation(**settings), 500, jax.random.key(0))
        np.testing.assert_allclose((row[:, 13] + row[:, 14]).mean(axis=1) / 2, 13.5, atol=0.01)
        np.testing.assert_allclose((column[:, 13] + column[:, 14]).mean(axis=1) / 2, 13.5, atol=0.01)
    height = np.asarray(source_coordinates(Augmentation(scale=0.3), 500, jax.random.key(0))[0][:, 27, 0]) - 13.5
    assert height.min() == pytest.approx(13.5 / 1.3, rel=0.02)
    assert height.max() == pytest.approx(13.5 / 0.7, rel=0.02)


def test_elastic_displacements_are_smooth_and_have_the_standard_deviation():
    row, _ = source_coordinates(Augmentation(elastic=1.5), 2000, jax.random.key(0))
    displacement = np.asarray(row) - np.arange(28)[:, None]
    assert displacement.std() == pytest.approx(1.5, rel=0.05)
    assert displacement.std(axis=0).min() == pytest.approx(1.5, rel=0.1)  # at the edge as in the centre
    assert np.abs(np.diff(displacement, axis=2)).mean() < 0.35


def test_strokes_become_thicker_or_thinner_in_place(x):
    total = augmented(x, thickness=1.0).sum(axis=1) / x.sum(axis=1)
    assert total.min() < 0.6
    assert total.max() > 1.4
    assert np.abs(centres_of_mass(augmented(x, thickness=0.5)) - centres_of_mass(x)).max() < 0.6
    np.testing.assert_array_equal(augmented(np.zeros((3, 784), np.float32), thickness=1.0), 0)


def test_contrast_and_noise_are_at_most_the_setting(x):
    kept = augmented(x, contrast=0.4).max(axis=1) / x.max(axis=1)
    assert 0.6 <= kept.min() < 0.65
    assert 0.95 < kept.max() <= 1
    noise = augmented(np.full((50, 784), 0.5, np.float32), noise=0.2) - 0.5
    assert np.abs(noise).max() <= 0.2 + 1e-6
    assert noise.std() == pytest.approx(0.2 / np.sqrt(3), rel=0.02)  # uniform
    assert abs(noise.mean()) < 0.002
