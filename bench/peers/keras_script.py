"""The tutorial as people write it, with Keras alone: train with validation, draw curves, save, load back.

    python bench/peers/keras_script.py --data mnist.npz --epochs 8 --out FOLDER

`tendigits train` does this and more (checkpoints, confusion matrix, worst mistakes, report).
"""

import argparse
from pathlib import Path

import keras
import matplotlib
import numpy as np

matplotlib.use("Agg")
import matplotlib.pyplot as plt

parser = argparse.ArgumentParser()
parser.add_argument("--data", required=True)
parser.add_argument("--epochs", type=int, default=8)
parser.add_argument("--out", type=Path, required=True)
given = parser.parse_args()

with np.load(given.data) as file:
    (x_train, y_train), (x_test, y_test) = ((file[f"x_{part}"], file[f"y_{part}"]) for part in ("train", "test"))
x_train, x_test = (x.reshape(-1, 784).astype("float32") / 255 for x in (x_train, x_test))
y_train, y_test = (keras.utils.to_categorical(y, 10) for y in (y_train, y_test))

model = keras.Sequential(
    [
        keras.Input((784,)),
        keras.layers.Dense(512, activation="relu"),
        keras.layers.Dropout(0.2),
        keras.layers.Dense(512, activation="relu"),
        keras.layers.Dropout(0.2),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
stopping = keras.callbacks.EarlyStopping(patience=given.epochs, restore_best_weights=True)
history = model.fit(
    x_train,
    y_train,
    batch_size=32,
    epochs=given.epochs,
    validation_data=(x_test, y_test),
    callbacks=[stopping],
    verbose=0,
)
for name in ("accuracy", "loss"):
    plt.figure()
    plt.plot(history.history[name], label="training")
    plt.plot(history.history[f"val_{name}"], label="validation")
    plt.xlabel("epoch")
    plt.ylabel(name)
    plt.legend()
    plt.savefig(given.out / f"{name}.png")
model.save(given.out / "model.keras")
model.save(given.out / "model.h5")
loaded = keras.models.load_model(given.out / "model.keras")
loss, accuracy = loaded.evaluate(x_test, y_test, verbose=0)
print(f"accuracy {accuracy:.2%}")
