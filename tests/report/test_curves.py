from xml.etree import ElementTree

import keras
import matplotlib.pyplot as plt
import pytest

from tendigits.report.curves import draw_comparison, draw_curves, plot_history, save_figure


@pytest.mark.parametrize("draw", [draw_curves, plot_history])
def test_two_panels_with_the_titles_and_the_numbers(draw, history):
    fitted = keras.callbacks.History()  # what `fit` returns
    fitted.history = history
    figure = draw(history if draw is draw_curves else fitted)
    accuracy, loss = figure.axes
    assert (accuracy.get_title(), loss.get_title()) == ("Model Accuracy", "Cross Entropy Loss")
    assert [text.get_text() for text in accuracy.get_legend().get_texts()] == ["Train", "Test"]
    for axes, key in ((accuracy, "accuracy"), (loss, "loss")):
        train, test = axes.lines
        assert list(train.get_xdata()) == [1, 2]
        assert list(train.get_ydata()) == history[key]
        assert list(test.get_ydata()) == history[f"val_{key}"]
        assert all(float(tick).is_integer() for tick in axes.get_xticks())
    plt.close("all")
    assert [len(axes.lines) for axes in draw_curves({"loss": [1.0]}).axes] == [0, 1]


def test_a_comparison_has_one_colour_per_run(history):
    axes = draw_comparison({"first": history, "second": history}).axes[1]
    colours = [line.get_color() for line in axes.lines]
    assert colours[0] == colours[1] != colours[2] == colours[3]


def test_saved_as_svg_and_png_the_same_each_time(history, tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        save_figure(draw_curves(history), tmp_path / folder / "curves")
    assert (tmp_path / "a" / "curves.svg").read_bytes() == (tmp_path / "b" / "curves.svg").read_bytes()
    ElementTree.parse(tmp_path / "a" / "curves.svg")
    assert (tmp_path / "a" / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert not list(tmp_path.glob("*/.writing*"))
