"""The documents say what is so: commands and flags are all there, blocks run, links lead somewhere."""

import re
import shlex
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import openpyxl
import pillow_heif
import pytest
import typer
from PIL import Image
from typer.main import get_command

from drawing import page_of_text
from lesson import PATH as LESSON
from lesson import lesson
from reference import reference
from tendigits import cli
from tendigits.model.network import build_network
from tendigits.model.recipe import Recipe
from tendigits.model.recipe_files import RECIPES, load_recipe
from tendigits.sweep.space import read_space

pytestmark = pytest.mark.xdist_group("documents")

ROOT = Path(__file__).parent.parent
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("[!i]*.md")]  # index.md is the site's: make docs checks it


def blocks(document: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", (ROOT / document).read_text(), re.DOTALL | re.MULTILINE)


def commands(document: str) -> list[str]:
    lines = [line for block in blocks(document, "sh") for line in block.splitlines()]
    return [line.split("#")[0].strip() for line in lines if line.strip()]


def test_the_reference_is_written_from_the_commands():
    assert reference() == (ROOT / "docs" / "reference.md").read_text(), "run python tools/reference.py"


def test_the_page_of_the_lesson_is_written_from_its_document():
    assert lesson() == LESSON.read_text(), "run python tools/lesson.py"


def test_the_documents_name_no_flag_that_does_not_exist():
    commands = get_command(cli.app).commands.values()
    real = {flag for c in commands for p in c.get_params(typer.Context(c)) for flag in (*p.opts, *p.secondary_opts)}
    for document in ("README.md", "docs/guide.md", "docs/paper.md", "docs/scale.md"):
        text = re.sub(r"`curl[^`]*`|ray start.*", "", (ROOT / document).read_text())
        named = set(re.findall(r"(?<![\w-])--[a-z][a-z0-9.-]*[a-z0-9]", text))
        assert named <= real | {"--help", "--version", "--debug", "--install-completion", "--from"}, document


def test_the_guide_names_every_recipe():
    guide = (ROOT / "docs" / "guide.md").read_text()
    for name in RECIPES:
        assert f"\n| `{name}` | " in guide


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document):
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", document.read_text()):
        if not target.startswith("http"):
            assert (document.parent / target).exists(), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_a_table_ends_before_the_text(document):
    for line, after in pairwise(document.read_text().splitlines()):
        assert not line.startswith("|") or after.startswith("|") or not after, f"would be a row: {after}"


def test_make_targets_in_the_documents_exist():
    for document in ("README.md", "CONTRIBUTING.md"):
        for command in commands(document):
            if command.startswith("make"):
                subprocess.run([*shlex.split(command), "-n"], cwd=ROOT, check=True, capture_output=True)


def run(arguments: list[str], folder: Path) -> str:
    done = subprocess.run(arguments, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_readmes_commands_run_in_order(run_cli, small_npz, tmp_path, monkeypatch):
    import pandas as pd

    monkeypatch.chdir(tmp_path)
    typed = [command for command in commands("README.md") if command.startswith("tendigits")]
    assert typed.count("tendigits serve") == typed.count("tendigits teach") == 1  # see test_api.py
    typed = [command for command in typed if command not in ("tendigits serve", "tendigits teach")]
    assert len(typed) == 18
    fewer = {"train": "--epochs 2", "sweep": "--trials 2", "export": ""}
    (tmp_path / "space.toml").write_text("epochs = [1, 2]\n" + blocks("README.md", "toml")[0])
    with np.load(small_npz) as digits:
        np.savez("my_digits.npz", x_train=digits["x_test"], y_train=digits["y_test"])
    photo = page_of_text("30427", "319")
    pictures = {"photo.jpg": photo, "meter.png": page_of_text("3"), "scans/a.png": photo}
    (tmp_path / "scans").mkdir()
    for name, picture in pictures.items():
        Image.fromarray(picture).save(tmp_path / name)
    pillow_heif.from_pillow(Image.fromarray(photo).convert("RGB")).save(tmp_path / "marks.heic")
    words = {}
    for command in typed:
        _, name, *arguments = shlex.split(command)
        few = [*shlex.split(fewer[name]), "--data", small_npz] if name in fewer else []
        code, words[command], errors = run_cli(name, *arguments, *few)
        assert code == 0, errors
    assert "30427\n319" in words["tendigits read photo.jpg"]
    assert words["tendigits read meter.png --one"].startswith("3  ")
    assert "30427" in (tmp_path / "out.csv").read_text()
    assert all((tmp_path / name).exists() for name in ("read.png", "a.pdf"))
    assert openpyxl.load_workbook(tmp_path / "marks.xlsx")["marks.heic"]["A1"].value == 30427
    names = {path.name for path in (tmp_path / "runs").iterdir()}
    assert names > {"first", "small", "wide", "mine", "sweep", "compared.png"}
    assert "own digits: " in words["tendigits train --also my_digits.npz --name mine"]
    assert load_recipe(str(tmp_path / "runs" / "sweep" / "best.toml")).epochs in (1, 2)
    assert (tmp_path / "runs" / "first" / "exports" / "first.onnx").exists()
    assert (tmp_path / "exports" / "reader-web" / "index.html").exists()
    assert pd.read_parquet(tmp_path / "out")["value"].tolist() == ["30427", "319"]
    (code,) = blocks("docs/exports.md", "python")  # reads an exported network in the folder that it runs in
    assert run([sys.executable, "-c", code], tmp_path / "runs" / "first" / "exports").strip() in list("0123456789")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("document", "made"),
    [("README.md", ["curves.png", "model.keras"]), ("docs/guide.md", ["runs/in-python/report.html"])],
)
def test_python_blocks_run(document, made, tmp_path):
    from execute import FEWER_DIGITS

    code = "\n".join([FEWER_DIGITS.format(n=1000), *blocks(document, "python")])
    printed = run([sys.executable, "-c", code], tmp_path)
    assert "12.50 12.50" in printed, "the Reader's example reads a number"
    for name in made:
        assert (tmp_path / name).exists()


def test_the_guides_recipe_and_space_are_valid(tmp_path):
    for name, block in zip(("mine.toml", "space.toml"), blocks("docs/guide.md", "toml"), strict=False):
        (tmp_path / name).write_text(block)
    build_network(load_recipe(str(tmp_path / "mine.toml")))
    assert set(read_space(tmp_path / "space.toml", Recipe())) == {
        "learning_rate", "batch_size", "hidden", "augmentation.shift",
    }  # fmt: skip
