import keras
import numpy as np
import pytest
import scipy.linalg
from PIL import Image

from tendigits.data.load import load
from tendigits.errors import RunError
from tendigits.model.network import build_network
from tendigits.model.recipe import Recipe
from tendigits.report.run import list_runs
from tendigits.train.gan import build_gan
from tendigits.train.pipeline import run_recipe
from tendigits.train.samples import draw_samples, features_of, find_judge, frechet_distance, judge_samples, write

GAN = Recipe(name="gan", latent=5, hidden=(8,), restore_best=False)


class Copier(keras.Model):
    """Writes each label as one certain digit: a generator whose quality is known."""

    def __init__(self, digits):
        super().__init__()
        self.digits = digits

    def call(self, x, training=False):
        return keras.ops.matmul(x[:, 5:], self.digits)


@pytest.fixture(scope="module")
def runs(small_npz, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    recipe = Recipe(name="cnn", convolutions=("8x5/2", "8/2"), hidden=(), epochs=6, batch_size=16, patience=9)
    run_recipe(recipe, small_npz, runs=folder, name="judge")
    run_recipe(Recipe(hidden=(4,), epochs=1), small_npz, runs=folder, name="later-but-dense")
    return folder


def test_ten_of_each_digit_are_drawn_the_same_every_time(tmp_path):
    generator = build_gan(GAN).generator
    for name in ("one.png", "two.png"):
        draw_samples(generator, GAN, tmp_path / "samples" / name)
    one, two = ((tmp_path / "samples" / name).read_bytes() for name in ("one.png", "two.png"))
    assert one == two
    with Image.open(tmp_path / "samples" / "one.png") as picture:
        assert (picture.size, picture.mode) == ((560, 560), "L")


def test_a_column_is_a_digit(tmp_path, digits):
    of_each = np.array([digits.x_train[digits.y_train == digit][0] for digit in range(10)])
    draw_samples(Copier((of_each / 255).reshape(10, 784).astype("float32")), GAN, tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as picture:
        sheet = 255 - np.asarray(picture)[::2, ::2]
    for digit in range(10):
        column = sheet[:, 28 * digit : 28 * (digit + 1)].reshape(10, 28, 28)
        np.testing.assert_array_equal(column, np.broadcast_to(of_each[digit], column.shape))


def test_what_is_written_is_bytes_of_ink():
    written = write(build_gan(GAN).generator, GAN, np.array([1, 2, 3]), np.random.default_rng(0))
    assert (written.shape, written.dtype) == ((3, 28, 28), np.uint8)


def test_the_judge_is_the_newest_convolutional_run(runs, tmp_path):
    judge = find_judge(runs)
    assert judge is not None
    assert judge.path.name == "judge"
    assert find_judge(tmp_path) is None


def test_perfect_digits_are_read_but_always_the_same_one_is_far_from_real(runs, small_npz):
    dataset = load(small_npz)
    judge = find_judge(runs)
    plain = [np.flatnonzero(dataset.y_train == digit)[0] for digit in range(10)]
    one_of_each = Copier((dataset.x_train[plain] / 255).reshape(10, 784).astype("float32"))
    samples = judge_samples(one_of_each, GAN, dataset, judge)
    assert samples.images.shape == (200, 28, 28)
    assert samples.report.accuracy > 0.75
    assert samples.judge == "judge"
    assert 0.6 < samples.judge_accuracy < 1
    assert samples.distance > 3 * samples.floor  # the accuracy alone would flatter
    noise = judge_samples(build_gan(GAN).generator, GAN, dataset, judge)
    assert noise.report.accuracy < 0.4
    assert noise.distance > samples.distance
    assert set(samples.as_record()) >= {"sample_accuracy", "frechet_distance", "judge"}


def test_a_judge_without_a_model_is_refused(runs, small_npz):
    judge = next(run for run in list_runs(runs) if run.path.name == "judge")
    record = judge.record()
    models = record.pop("models")
    judge.write_record(record)
    try:
        with pytest.raises(RunError, match="no model to judge with"):
            judge_samples(build_gan(GAN).generator, GAN, load(small_npz), judge)
    finally:
        judge.write_record({**record, "models": models})


def test_features_are_the_last_maps_averaged():
    network = build_network(Recipe(convolutions=("4/2", "6/2"), hidden=()))
    x = np.random.default_rng(0).random((3, 784), np.float32)
    maps = keras.Model(network.inputs[0], network.layers[-3].input)(x)
    assert maps.shape == (3, 7, 7, 6)
    np.testing.assert_allclose(features_of(network)(x), np.mean(maps, axis=(1, 2)), rtol=1e-5, atol=1e-6)


def test_the_distance_is_the_formula_of_the_papers():
    rng = np.random.default_rng(0)
    one, two = rng.normal(size=(500, 6)) @ rng.normal(size=(6, 6)), rng.normal(1, 2, size=(400, 6))
    s1, s2 = np.cov(one, rowvar=False), np.cov(two, rowvar=False)
    root = scipy.linalg.sqrtm(s1 @ s2).real
    expected = np.sum((one.mean(0) - two.mean(0)) ** 2) + np.trace(s1 + s2 - 2 * root)
    assert frechet_distance(one, two) == pytest.approx(expected, rel=1e-6)
    assert frechet_distance(one, one) == pytest.approx(0, abs=1e-9)
