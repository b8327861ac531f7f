"""The options of `tendigits train`; what it does is in tests/test_cli.py."""

import pytest
import typer
from typer.main import get_command

from tendigits import cli
from tendigits.errors import UserError
from tendigits.model.recipe import Recipe
from tendigits.train import command


def test_every_setting_has_an_option_with_help():
    train = get_command(cli.app).commands["train"]
    options = {flag: option for option in train.get_params(typer.Context(train)) for flag in option.opts}
    for field in set(Recipe().flat()) - {"name"}:
        assert options[f"--{field.replace('_', '-')}"].help


def test_settings_change_the_recipe():
    given = {"hidden": (64,), "restore_best": False, "augmentation.rotate": 10.0}
    recipe = command._with_settings("mlp", given)
    assert (recipe.hidden, recipe.restore_best, recipe.name) == ((64,), False, "mlp")
    assert recipe.augmentation.rotate == 10.0
    assert recipe.augmentation.shift == command._with_settings("mlp", {}).augmentation.shift > 0


def test_lists_are_separated_by_commas():
    assert command._integers("512, 64,") == (512, 64)
    assert command._integers("") == ()
    assert command._texts("32x5/2,64") == ("32x5/2", "64")
    with pytest.raises(typer.BadParameter, match="5x"):
        command._integers("5x")


def test_quiet_and_json_exclude_each_other():
    with pytest.raises(UserError, match="expected --quiet or --json, received both"):
        command._console(quiet=True, json=True)
