import pytest

from tendigits.model.recipe import Recipe
from tendigits.report import messages

HISTORY = {"loss": [0.5, 0.3, 0.2, 0.1], "val_loss": [0.4, 0.2, 0.2, 0.3], "val_accuracy": [0.85, 0.9, 0.92, 0.91]}


@pytest.mark.parametrize(
    ("recipe", "line"),
    [
        (Recipe(), "val_loss has not improved for 2 epochs; the weights of epoch 2 are kept"),
        (Recipe(monitor="val_accuracy"), "val_accuracy has not improved for 1 epochs; the weights of epoch 3 are kept"),
        (Recipe(epochs=4, restore_best=False), "all epochs are done; the weights of epoch 4 are kept"),
    ],
)
def test_end_line(recipe, line):
    assert messages.end_line(HISTORY, recipe) == line
