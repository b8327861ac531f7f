import pytest

from tendigits.model.calibration import Calibration
from tendigits.model.recipe import Recipe
from tendigits.report import messages

HISTORY = {
    "loss": [0.5, 0.3, 0.2, 0.1],
    "accuracy": [0.8, 0.9, 0.95, 0.97],
    "val_loss": [0.4, 0.2, 0.2, 0.3],
    "val_accuracy": [0.85, 0.9, 0.92, 0.91],
}


def test_best_epoch_is_the_first_of_equals():
    assert messages.best_epoch(HISTORY, Recipe()) == 2
    assert messages.best_epoch(HISTORY, Recipe(monitor="val_accuracy")) == 3


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        (Recipe(), "val_loss has not improved for 2 epochs; the weights of epoch 2 are kept"),
        (Recipe(epochs=4), "all epochs are done; the weights of epoch 2 are kept"),
        (Recipe(epochs=4, restore_best=False), "all epochs are done; the weights of epoch 4 are kept"),
    ],
)
def test_end_line(recipe, said):
    assert messages.end_line(HISTORY, recipe) == said


def test_compile_lines_tell_every_number():
    text = "\n".join(messages.compile_lines(Recipe()))
    for shown in ("adam, learning rate 0.001", "categorical_crossentropy", "accuracy", "val_loss, patience 2"):
        assert shown in text
    assert "at most 15 epochs, batch 32" in text


def test_compile_lines_tell_what_classic_has_not():
    assert len(messages.compile_lines(Recipe())) == 3
    recipe = Recipe(schedule="one-cycle", ema_momentum=0.99, augmentation={"shift": 2.0, "noise": 0.1})
    assert messages.compile_lines(recipe)[3] == (
        "one-cycle schedule; weights averaged with momentum 0.99; digits changed in each step: shift 2, noise 0.1"
    )


def test_remedies_are_what_the_recipe_has_not_yet():
    one_cycle = 'schedule = "one-cycle", which begins low'
    assert messages.remedies(Recipe()) == f"learning_rate = 0.0001 or {one_cycle} or batch_norm = true"
    assert messages.remedies(Recipe(hidden=())) == f"learning_rate = 0.0001 or {one_cycle}"
    assert messages.remedies(Recipe(batch_norm=True, schedule="one-cycle", learning_rate=2.0)) == "learning_rate = 0.2"


def test_the_second_curve_is_named_for_what_it_is():
    assert messages.validation_name(Recipe()) == "Test"
    assert messages.validation_name(Recipe(validation_split=0.1)) == "Held out"


def test_calibration_lines():
    calibration = Calibration(1.25, 6000, "held-out training digits", 0.04, 0.01, 0.7)
    assert messages.calibration_lines(calibration) == [
        "temperature 1.250 from 6,000 held-out training digits: calibration error 4.00% -> 1.00%",
        "of what is accepted from confidence 0.700 on, at most 1% is wrong",
    ]
    assert messages.calibration_lines(None) == []


def test_class_counts_are_shown_for_all_but_mnist(digits):
    assert messages.count_lines(digits)[0] == "train " + "  ".join(f"{digit}: 400" for digit in range(10))
    record = messages.data_record(digits, None)
    assert record["counts"]["test"] == [100] * 10
    assert record["path"] is None


def test_a_path_is_kept_so_that_it_is_found_from_elsewhere(digits, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert messages.data_record(digits, "mine.npz")["path"] == str(tmp_path / "mine.npz")
