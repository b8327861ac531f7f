// A network's settings to take away: Keras code, and a recipe file for `tendigits train`.

import { percent } from "../shared/text.js";
import { defaults } from "./link.js";

const OPTIMIZERS = { adam: "Adam", rmsprop: "RMSprop", sgd: "SGD" }; // Keras' names
const ALL = 60000;
const OWN_DIGITS = "# On the page it also learned from its author's own digits: tendigits train --also my_digits.npz.";

// The random changes of the digits that are made at all: ["shift=2.0", ...].
const changesOf = ({ shift, rotate }, equals) =>
  Object.entries({ shift, rotate })
    .filter(([, most]) => most)
    .map(([name, most]) => `${name}${equals}${float(most)}`);

export function asKeras(settings) {
  const { hidden, activation, dropout, digits, mine, label_noise } = settings;
  const { optimizer, learning_rate, batch_size, seed } = settings;
  const changes = changesOf(settings, "=").join(", ");
  const layers = hidden
    .map(
      (units) =>
        `    keras.layers.Dense(${units}, activation="${activation}"),\n    keras.layers.Dropout(${dropout}),\n`,
    )
    .join("");
  const training = `model, x_train, y_train, batch_size=${batch_size}, epochs=5, validation_data=(x_test, y_test)`;
  return `import tendigits  # before keras: it makes JAX Keras' backend
import keras
${label_noise ? "import numpy as np\n" : ""}from tendigits.data import mnist
${changes ? "from tendigits.model.recipe import Augmentation\nfrom tendigits.train.augment import augmenter\n" : ""}
keras.utils.set_random_seed(${seed})
(x_train, y_train), (x_test, y_test) = mnist.load_data()
${digits < ALL ? `x_train, y_train = x_train[:${digits}], y_train[:${digits}]\n` : ""}${mine ? `${OWN_DIGITS}\n` : ""}${
  label_noise
    ? `random = np.random.default_rng(0)  # some labels become wrong
is_wrong = random.random(len(y_train)) < ${label_noise}
y_train = np.where(is_wrong, (y_train + random.integers(1, 10, len(y_train))) % 10, y_train)
`
    : ""
}x_train, x_test = (x.reshape(-1, 784).astype("float32") / 255 for x in (x_train, x_test))
y_train, y_test = (keras.utils.to_categorical(y, 10) for y in (y_train, y_test))

model = keras.Sequential([
    keras.Input((784,)),
${layers}    keras.layers.Dense(10, activation="softmax"),
])
model.compile(keras.optimizers.${OPTIMIZERS[optimizer]}(${float(learning_rate)}), "categorical_crossentropy", metrics=["accuracy"])
${changes ? `augment = augmenter(Augmentation(${changes}))\ntendigits.fit(${training}, augment=augment)` : `model.fit(${training.replace("model, ", "")})`}
`;
}

// The settings that differ from the classic network's, with a comment on what a recipe cannot hold.
export function asRecipe(settings) {
  const { digits, mine, label_noise, shift, rotate, ...recipe } = settings;
  const classic = defaults();
  const lines = Object.entries(recipe)
    .filter(([name, value]) => name === "seed" || String(value) !== String(classic[name])) // Python has another seed
    .map(
      ([name, value]) =>
        `${name} = ${name === "dropout" || name === "learning_rate" ? float(value) : JSON.stringify(value)}`,
    );
  const changes = changesOf(settings, " = ");
  return [
    "# From the playground; train it with: tendigits train --recipe FILE.toml",
    ...(digits < ALL
      ? [`# There it learned from the first ${digits.toLocaleString("en")} training digits; a recipe takes all.`]
      : []),
    ...(label_noise ? [`# There ${percent(label_noise)} of the digits had a wrong label; here all are right.`] : []),
    ...(mine ? [OWN_DIGITS] : []),
    'name = "play"',
    ...lines,
    ...(changes.length ? ["", "[augmentation]", ...changes] : []),
    "",
  ].join("\n");
}

// A number as Python and TOML write one that need not be whole.
const float = (value) => (Number.isInteger(value) ? `${value}.0` : String(value));
