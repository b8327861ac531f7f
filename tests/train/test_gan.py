import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest
from keras import ops

from tendigits.engine.fit import fit, why_not
from tendigits.model.network import count_parameters
from tendigits.model.recipe import Recipe
from tendigits.train.gan import PENALTY, build_gan, compile_gan, draw

RECIPE = Recipe(
    name="gan", latent=5, hidden=(12, 8), dropout=0.0, optimizer="sgd", learning_rate=0.5, restore_best=False
)


@pytest.fixture
def batch():
    rng = np.random.default_rng(0)
    return rng.random((6, 784), np.float32), np.eye(10, dtype=np.float32)[rng.integers(0, 10, 6)]


def losses_by_hand(model, numbers, x, y):
    """(generator's weights, critic's weights) -> each player's loss, as the papers write them."""

    def written(weights):
        states = [v.value for v in model.generator.non_trainable_variables]
        return model.generator.stateless_call(weights, states, jnp.concatenate([numbers, y], 1), training=True)[0]

    def said(weights, digits):
        return model.critic.stateless_call(weights, [], jnp.concatenate([digits, y], 1))[0][:, 0]

    def critic_loss(generator, critic):
        real, false = jax.nn.sigmoid(said(critic, x)), jax.nn.sigmoid(said(critic, written(generator)))
        slopes = jax.vmap(
            jax.grad(
                lambda one, label: model.critic.stateless_call(critic, [], jnp.concatenate([one, label])[None])[0][0, 0]
            )
        )(x, y)
        penalty = jnp.mean(jnp.sum(slopes**2, axis=1))
        return -jnp.mean(jnp.log(real)) - jnp.mean(jnp.log(1 - false)) + PENALTY / 2 * penalty

    def generator_loss(generator, critic):
        return -jnp.mean(jnp.log(jax.nn.sigmoid(said(critic, written(generator)))))

    return critic_loss, generator_loss


def test_each_player_moves_by_its_own_loss_alone(batch):
    x, y = batch
    model = compile_gan(build_gan(RECIPE), RECIPE)
    seed = keras.random.SeedGenerator(0)
    seed.state.assign(model.draws.state)
    numbers = keras.random.normal((6, 5), seed=seed)
    critic_loss, generator_loss = losses_by_hand(model, numbers, x, y)
    generator, critic = ([v.value for v in part.trainable_variables] for part in (model.generator, model.critic))
    down_critic = jax.grad(critic_loss, argnums=1)(generator, critic)
    down_generator = jax.grad(generator_loss, argnums=0)(generator, critic)
    expected = float(critic_loss(generator, critic)), float(generator_loss(generator, critic))
    fit(model, x, y, batch_size=6, epochs=1, verbose=0, shuffle=False)
    for before, down, after in zip(generator, down_generator, model.generator.trainable_variables, strict=True):
        np.testing.assert_allclose(after, before - 0.5 * down, atol=2e-6)
    for before, down, after in zip(critic, down_critic, model.critic.trainable_variables, strict=True):
        np.testing.assert_allclose(after, before - 0.5 * down, atol=2e-6)
    history = model.history.history
    assert history["critic"][0] == pytest.approx(expected[0], rel=1e-5)
    assert history["generator"][0] == pytest.approx(expected[1], rel=1e-5)
    assert history["loss"][0] == pytest.approx(sum(expected), rel=1e-5)


def test_it_is_a_model_for_compiled_loops(batch):
    x, y = batch
    model = compile_gan(build_gan(RECIPE), RECIPE)
    given = ("steps_per_epoch", "validation_steps", "sample_weight", "validation_data", "distribution")
    arguments = dict.fromkeys(given)
    assert why_not(model, x, y, arguments | {"shuffle": True}) == ""


def test_every_step_draws_other_numbers(batch):
    x, y = batch
    model = compile_gan(build_gan(RECIPE), RECIPE.with_changes(learning_rate=1e-9))
    history = fit(model, x, y, batch_size=6, epochs=2, verbose=0).history
    assert history["generator"][0] != history["generator"][1]


def test_the_same_seed_gives_the_same_networks():
    first, same, other = (build_gan(RECIPE.with_changes(seed=seed)).get_weights() for seed in (0, 0, 1))
    assert all(np.array_equal(a, b) for a, b in zip(first, same, strict=True))
    assert not np.array_equal(first[0], other[0])


def test_parameters_are_counted_without_building():
    model = build_gan(RECIPE)
    assert count_parameters(RECIPE) == model.generator.count_params() + model.critic.count_params()


def test_what_a_generator_starts_from():
    start = draw(np.random.default_rng(0), np.array([3, 9]), latent=5)
    assert (start.shape, start.dtype) == ((2, 15), np.float32)
    np.testing.assert_array_equal(start[:, 5:].argmax(axis=1), [3, 9])
    pixels = build_gan(RECIPE).generator(start)
    assert pixels.shape == (2, 784)
    assert 0 <= float(ops.min(pixels)) <= float(ops.max(pixels)) <= 1
