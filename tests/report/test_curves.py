from xml.etree import ElementTree

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest

from tendigits.report.curves import draw_comparison, draw_curves, plot_history, save_figure

HISTORY = {
    "loss": [0.5, 0.3, 0.2],
    "accuracy": [0.8, 0.9, 0.95],
    "val_loss": [0.4, 0.35, 0.3],
    "val_accuracy": [0.85, 0.9, 0.91],
}


@pytest.mark.parametrize("draw", [draw_curves, plot_history])
def test_two_panels_with_the_titles_and_the_numbers(draw):
    figure = draw(HISTORY)
    accuracy, loss = figure.axes
    assert (accuracy.get_title(), loss.get_title()) == ("Model Accuracy", "Cross Entropy Loss")
    assert [text.get_text() for text in accuracy.get_legend().get_texts()] == ["Train", "Test"]
    for axes, key in ((accuracy, "accuracy"), (loss, "loss")):
        train, test = axes.lines
        assert list(train.get_xdata()) == [1, 2, 3]
        assert list(train.get_ydata()) == HISTORY[key]
        assert list(test.get_ydata()) == HISTORY[f"val_{key}"]
        assert axes.get_xlabel() == "Epoch"
        assert all(float(tick).is_integer() for tick in axes.get_xticks())
    plt.close("all")


def test_plot_history_takes_what_fit_returns():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, activation="softmax")])
    model.compile(loss="categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(np.ones((4, 2)), np.eye(2)[[0, 1, 0, 1]], epochs=2, verbose=0)
    figure = plot_history(history)
    assert [len(axes.lines) for axes in figure.axes] == [1, 1]
    assert figure.number in plt.get_fignums()
    plt.close(figure)


def test_one_epoch_and_no_epoch():
    assert len(draw_curves({k: v[:1] for k, v in HISTORY.items()}).axes[0].lines) == 2
    assert len(draw_curves({}).axes[0].lines) == 0


def test_a_comparison_has_one_colour_per_run():
    axes = draw_comparison({"first": HISTORY, "second": HISTORY}).axes[1]
    colours = [line.get_color() for line in axes.lines]
    assert colours[0] == colours[1] != colours[2] == colours[3]


def test_saved_as_svg_and_png_the_same_each_time(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        paths = save_figure(draw_curves(HISTORY), tmp_path / folder / "curves")
        assert [path.name for path in paths] == ["curves.svg", "curves.png"]
    assert (tmp_path / "a" / "curves.svg").read_bytes() == (tmp_path / "b" / "curves.svg").read_bytes()
    ElementTree.parse(tmp_path / "a" / "curves.svg")
    assert (tmp_path / "a" / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert not list(tmp_path.glob("*/.writing*"))
