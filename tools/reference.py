"""Write docs/reference.md: every command with its options, and every setting of a recipe.

python tools/reference.py
"""

import json
from enum import EnumType
from pathlib import Path
from typing import Any

import typer
from typer.main import get_command

from tendigits import cli
from tendigits.model.recipe import Recipe
from tendigits.train.command import setting_options

PATH = Path(__file__).parents[1] / "docs" / "reference.md"

HEAD = """# Reference

`python tools/reference.py` writes this page from the commands themselves. The [guide](guide.md) explains them.

`tendigits --help` lists the commands, `tendigits --version` shows the version. `--debug`, anywhere on the line, shows
tracebacks, and why a network is trained by the compiled loop and not by the kernel.
"""

SETTINGS_HEAD = """## Settings of a recipe

Options of `train`; in a recipe's TOML file they are fields, with `_` in place of `-`. The defaults are those of
`classic`. Lists have commas between their values: `--hidden 512,512`, or `--hidden ""` for none.

| setting | default | meaning |
| --- | --- | --- |"""


def reference() -> str:
    """The whole page, in Markdown."""
    commands = get_command(cli.app).commands  # type: ignore[attr-defined]
    settings = {option.opts[0] for option in setting_options()}
    parts = [HEAD, *(_section(name, command, settings) for name, command in sorted(commands.items()))]
    return "\n".join([*parts, _settings()])


def _section(name: str, command: Any, settings: set[str]) -> str:
    """A command: its help, and a table of its arguments and options."""
    parameters = [each for each in command.get_params(typer.Context(command)) if each.name != "help"]
    has_settings = settings <= {each.opts[0] for each in parameters}
    rows = [_row(each) for each in parameters if not has_settings or each.opts[0] not in settings]
    usage = " ".join(each.metavar or each.name.upper() for each in parameters if not each.opts[0].startswith("-"))
    text = [f"## tendigits {name} {usage}".rstrip(), "", *_plain(command.help).split("\n"), ""]
    if has_settings:
        text += ["Every [setting](#settings-of-a-recipe) is an option, too.", ""]
    return "\n".join([*text, "| option | default | meaning |", "| --- | --- | --- |", *rows, ""])


def _row(parameter: Any) -> str:
    names = ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))
    if not parameter.opts[0].startswith("-"):
        names = f"`{parameter.metavar or parameter.name.upper()}`"
    elif isinstance(kind := parameter.type_descriptor.annotation, EnumType):
        names += f" `{'|'.join(map(str, kind))}`"
    elif not parameter.is_flag and parameter.metavar:
        names += f" `{parameter.metavar}`"
    default = getattr(parameter, "show_default", None)
    if not isinstance(default, str):
        default = parameter.default if default and parameter.default not in (None, False) else ""
    return _cells(names, str(default), _plain(parameter.help or ""))


def _settings() -> str:
    defaults = {f"--{field.replace('_', '-')}": value for field, value in Recipe().flat().items()}
    rows = []
    for option in setting_options():
        default = defaults[option.opts[0]]
        if isinstance(default, tuple):
            default = ",".join(map(str, default)) or "none"
        elif not isinstance(default, str):
            default = json.dumps(default)
        rows.append(
            _cells(", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts)), default, option.help)
        )
    return "\n".join([SETTINGS_HEAD, *rows, ""])


def _cells(*texts: str | None) -> str:
    return f"| {' | '.join((text or '').replace('|', chr(92) + '|') for text in texts)} |".replace("|  |", "| |")


def _plain(text: str) -> str:
    """Help text without the line breaks inside its paragraphs."""
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


if __name__ == "__main__":
    PATH.write_text(reference(), encoding="utf-8", newline="\n")
