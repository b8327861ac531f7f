"""The options of `tendigits train`; what it does is in tests/test_cli.py."""

import typer
from typer.main import get_command

from tendigits import cli
from tendigits.model.recipe import Recipe


def test_every_setting_has_an_option_with_help():
    train = get_command(cli.app).commands["train"]
    options = {flag: option for option in train.get_params(typer.Context(train)) for flag in option.opts}
    for field in set(Recipe().flat()) - {"name"}:
        assert options[f"--{field.replace('_', '-')}"].help
