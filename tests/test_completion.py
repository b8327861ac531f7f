"""What a shell proposes after the tabulator key: commands, options, recipes and runs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tendigits.model.recipe_files import RECIPES

TENDIGITS = Path(sys.executable).with_name("tendigits")


@pytest.fixture
def folder(tmp_path):
    for run in ("first", "wide"):
        (tmp_path / "runs" / run).mkdir(parents=True)
        (tmp_path / "runs" / run / "run.json").write_text("{}")
    (tmp_path / "mine.toml").write_text("epochs = 1\n")
    return tmp_path


def proposed(line: str, shell: str, folder: Path) -> list[str]:
    """What the command answers to the script that it installs for a shell."""
    words = line.split(" ")
    ask = {
        "bash": {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)},
        "zsh": {"_TYPER_COMPLETE_ARGS": line},
        "fish": {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
        "pwsh": {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_WORD_TO_COMPLETE": words[-1]},
    }[shell]
    environment = os.environ | ask | {"_TENDIGITS_COMPLETE": f"complete_{shell}"}
    return subprocess.run([TENDIGITS], cwd=folder, env=environment, capture_output=True, text=True).stdout.split()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("tendigits ev", {"evaluate"}),
        ("tendigits train --val", {"--validation-split"}),
        ("tendigits train --recipe ", {*RECIPES, "mine.toml"}),
        ("tendigits train --resume runs/f", {"runs/first"}),
        ("tendigits evaluate ", {"first", "wide"}),
        ("tendigits runs first w", {"wide"}),
        ("tendigits export re", {"reader"}),
    ],
)
def test_commands_options_recipes_and_runs(line, expected, folder):
    assert set(proposed(line, "bash", folder)) == expected


@pytest.mark.parametrize("shell", ["zsh", "fish", "pwsh"])
def test_the_other_shells_ask_in_their_own_way(shell, folder):
    assert "first" in " ".join(proposed("tendigits evaluate f", shell, folder))


def test_what_is_installed_works_in_bash(folder):
    """In a home of its own: bash completes a recipe's name as if Tab were pressed."""
    environment = {"HOME": str(folder), "PATH": f"{TENDIGITS.parent}:{os.environ['PATH']}", "TERM": "dumb"}
    subprocess.run(["bash", "-c", "tendigits --install-completion; true"], cwd=folder, env=environment, check=True)
    script = f"""
        source {folder}/.bashrc
        COMP_WORDS=(tendigits train --recipe cl) COMP_CWORD=3
        $(complete -p tendigits | sed 's/.*-F \\([^ ]*\\).*/\\1/') tendigits && echo "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "-c", script], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.stdout.split() == ["classic"], done.stderr
