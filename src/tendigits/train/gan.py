"""A conditional GAN: a generator that writes the digit it is told to, and a critic that tells them from real ones.

model = compile_gan(build_gan(recipe), recipe, steps)
tendigits.fit(model, digits, one_hot_labels)            # as any Keras model
images = model.generator.predict(draw(rng, labels, recipe.latent))

(Goodfellow et al., "Generative adversarial nets", 2014; Mirza, Osindero, "Conditional generative adversarial nets",
2014.) It is a plain `keras.Model`: one loss is the sum of both players' losses, each of which moves its own weights
only, so one optimizer takes both steps at once.
"""

from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np
from keras import ops

from tendigits.model.network import CLASSES, PIXELS, optimizer_of
from tendigits.model.recipe import Recipe

Array = np.ndarray[Any, Any]

PENALTY = 0.1
"""Of the critic's slope at real digits: without it the critic wins, and the generator has nothing to learn from
(Mescheder, Geiger, Nowozin, "Which training methods for GANs do actually converge?", 2018)."""


class ConditionalGan(keras.Model):  # type: ignore[misc]
    """Generator and critic; trained on digits x, float32 (n, 784) in [0, 1], and labels y, one-hot (n, 10)."""

    def __init__(self, generator: keras.Model, critic: keras.Model, latent: int, seed: int) -> None:
        """Take both players.

        Args:
            generator: (n, latent + 10), random numbers and the label, one-hot -> (n, 784).
            critic: (n, 784 + 10) -> (n, 1), above 0 where it believes that the digit is real.
        """
        super().__init__(name="gan")
        self.generator, self.critic, self.latent = generator, critic, latent
        self.draws = keras.random.SeedGenerator(seed)
        self.critic_loss, self.generator_loss = keras.metrics.Mean(name="critic"), keras.metrics.Mean(name="generator")
        self.built = True

    def call(self, x: Any, training: bool = False) -> Any:
        """The digits themselves: what there is to learn is in the loss."""
        return x

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """Both players' losses, added; the same for training and validation, but for the penalty."""
        numbers = keras.random.normal((ops.shape(y)[0], self.latent), seed=self.draws)
        written = self.generator(ops.concatenate([numbers, y], axis=1), training=training)
        real, false = ops.concatenate([x, y], axis=1), ops.concatenate([written, y], axis=1)
        critic = ops.mean(ops.softplus(-self.critic(real)) + ops.softplus(self.critic(jax.lax.stop_gradient(false))))
        weights = [variable.value for variable in self.critic.trainable_variables]
        if training:
            slope = jax.grad(lambda seen: jnp.sum(self.critic.stateless_call(weights, [], seen)[0]))(real)[:, :PIXELS]
            critic += PENALTY / 2 * ops.mean(ops.sum(ops.square(slope), axis=1))
        said, _ = self.critic.stateless_call([jax.lax.stop_gradient(weight) for weight in weights], [], false)
        generator = ops.mean(ops.softplus(-said))
        self.critic_loss.update_state(critic)
        self.generator_loss.update_state(generator)
        return critic + generator


def build_gan(recipe: Recipe) -> ConditionalGan:
    """Two Dense networks with the recipe's hidden layers: the critic in their order, the generator in the other.

    Every layer has a seed of its own, as in `build_network`.
    """
    seeds = map(int, np.random.SeedSequence(recipe.seed).generate_state(2 * len(recipe.hidden) + 3))

    def dense(units: int, **options: Any) -> keras.layers.Dense:
        return keras.layers.Dense(units, kernel_initializer=keras.initializers.HeNormal(seed=next(seeds)), **options)

    generator, critic = [keras.Input((recipe.latent + CLASSES,))], [keras.Input((PIXELS + CLASSES,))]
    for units in reversed(recipe.hidden):
        generator += [dense(units, use_bias=False), keras.layers.BatchNormalization(momentum=0.97)]
        generator.append(keras.layers.LeakyReLU(0.2))
    for units in recipe.hidden:
        critic += [dense(units), keras.layers.LeakyReLU(0.2)]
    generator.append(dense(PIXELS, activation="sigmoid"))
    critic.append(dense(1))
    return ConditionalGan(
        keras.Sequential(generator, name="generator"), keras.Sequential(critic, name="critic"), recipe.latent,
        next(seeds),
    )  # fmt: skip


def compile_gan(model: ConditionalGan, recipe: Recipe, steps: int = 1) -> ConditionalGan:
    """Compile `model` in place with the recipe's optimizer, and return it; the losses are its own."""
    model.compile(optimizer=optimizer_of(recipe, steps))
    return model


def draw(rng: np.random.Generator, labels: Array, latent: int) -> Array:
    """What a generator starts from: float32 (n, latent + 10), random numbers and the labels, one-hot."""
    numbers = rng.standard_normal((len(labels), latent), np.float32)
    return np.concatenate([numbers, np.eye(CLASSES, dtype=np.float32)[labels]], axis=1)
