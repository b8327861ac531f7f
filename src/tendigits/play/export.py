"""An experiment to take away: as a recipe file for `tendigits train`, and as Keras code.

as_recipe(experiment), as_keras(experiment)
"""

from tendigits.model.recipe import Augmentation
from tendigits.model.recipe_files import to_toml
from tendigits.play.digits import NOISE_SEED
from tendigits.play.experiment import ALL_DIGITS, Experiment

OPTIMIZERS = {"adam": "Adam", "adamw": "AdamW", "nadam": "Nadam", "rmsprop": "RMSprop", "sgd": "SGD"}
"""Keras' classes."""

EPOCHS = 5
"""Of the Keras code."""


def as_recipe(experiment: Experiment) -> str:
    """The text of a recipe file; what a recipe does not have stands in a comment."""
    lines = ["# From the playground; train it with: tendigits train --recipe FILE.toml"]
    if experiment.digits < ALL_DIGITS:
        lines.append(f"# There it learned from the first {experiment.digits:,} training digits; a recipe takes all.")
    if experiment.label_noise:
        lines.append(f"# There {experiment.label_noise:.0%} of the digits had a wrong label; here all are right.")
    return "\n".join(lines) + "\n" + to_toml(experiment.recipe())


def as_keras(experiment: Experiment) -> str:
    """A Python program that builds and trains the same network on the same digits."""
    is_augmented = experiment.augmentation != Augmentation()
    lines = [
        "import tendigits  # before keras: it makes JAX Keras' backend",
        "import keras",
        "import numpy as np",
        "from tendigits.data import mnist",
    ]
    if is_augmented:
        lines += ["from tendigits.model.recipe import Augmentation", "from tendigits.train.augment import augmenter"]
    lines += [
        "",
        f"keras.utils.set_random_seed({experiment.seed})",
        "(x_train, y_train), (x_test, y_test) = mnist.load_data()",
    ]
    if experiment.digits < ALL_DIGITS:
        lines.append(f"x_train, y_train = x_train[:{experiment.digits}], y_train[:{experiment.digits}]")
    if experiment.label_noise:
        lines += [
            f"random = np.random.default_rng({NOISE_SEED})  # some labels become wrong",
            f"is_wrong = random.random(len(y_train)) < {experiment.label_noise}",
            "y_train = np.where(is_wrong, (y_train + random.integers(1, 10, len(y_train))) % 10, y_train)",
        ]
    lines += [
        'x_train, x_test = (x.reshape(-1, 784).astype("float32") / 255 for x in (x_train, x_test))',
        "y_train, y_test = (keras.utils.to_categorical(y, 10) for y in (y_train, y_test))",
        "",
        "model = keras.Sequential([",
        "    keras.Input((784,)),",
    ]
    for units in experiment.hidden:
        lines += [
            f'    keras.layers.Dense({units}, activation="{experiment.activation}"),',
            f"    keras.layers.Dropout({experiment.dropout}),",
        ]
    optimizer = f"keras.optimizers.{OPTIMIZERS[experiment.optimizer]}({experiment.learning_rate})"
    settings = f"x_train, y_train, batch_size={experiment.batch_size}, epochs={EPOCHS}"
    lines += [
        '    keras.layers.Dense(10, activation="softmax"),',
        "])",
        f'model.compile({optimizer}, "categorical_crossentropy", metrics=["accuracy"])',
    ]
    if is_augmented:
        given = ", ".join(f"{name}={value}" for name, value in experiment.augmentation if value)
        lines += [
            f"augment = augmenter(Augmentation({given}))",
            f"tendigits.fit(model, {settings}, validation_data=(x_test, y_test), augment=augment)",
        ]
    else:
        lines.append(f"model.fit({settings}, validation_data=(x_test, y_test))")
    return "\n".join([*lines, ""])
