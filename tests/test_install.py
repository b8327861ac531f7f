"""In an empty environment: `pip install .`, and the README's first command on a clean clone."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HOME = {key: value for key, value in os.environ.items() if not key.startswith(("KERAS", "TENDIGITS", "VIRTUAL"))}

pytestmark = pytest.mark.slow


def run(*command: object, folder: Path) -> str:
    environment = HOME | {"KERAS_HOME": str(folder / "keras")}
    done = subprocess.run([*map(str, command)], cwd=folder, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def newer_python() -> str:
    found = shutil.which("python3.13")
    return found or pytest.skip("needs python3.13")


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Path:
    """All that git has, as somebody else gets it, with nothing of this environment."""
    folder = tmp_path_factory.mktemp("clone") / "tendigits"
    subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
    return folder


def test_pip_install(clone, tmp_path):
    run(sys.executable, "-m", "venv", tmp_path / "venv", folder=tmp_path)
    run(tmp_path / "venv/bin/pip", "install", "--quiet", clone, folder=tmp_path)
    command = tmp_path / "venv/bin/tendigits"
    assert "Usage" in run(command, "--help", folder=tmp_path)
    for name in ("train", "evaluate", "data", "runs"):
        assert "Usage" in run(command, name, "--help", folder=tmp_path)
    said = run(command, "train", "--epochs", "1", "--name", "one", folder=tmp_path)
    assert "669,706" in said
    assert "one" in run(command, "runs", folder=tmp_path)
    for wish, extra in {
        "sweep --space space.toml": "scale",
        "read scans --parquet out": "scale",
        "read s3://bucket/scans": "scale",
        "export runs/one --to litert": "export",
    }.items():
        refused = subprocess.run([command, *wish.split()], cwd=tmp_path, capture_output=True, text=True)
        assert refused.returncode == 2
        assert f"pip install 'tendigits[{extra}]'" in refused.stderr
    picture = tmp_path / "runs" / "one" / "mistakes.png"
    assert run(command, "read", picture, folder=tmp_path)
    assert "<h1>" in (tmp_path / "runs" / "one" / "report.html").read_text()  # its template is in the wheel


def test_make_train_on_a_clean_clone_with_a_newer_python(clone):
    run("make", "train", "ARGS=--epochs 1 --name one", f"PYTHON={newer_python()}", folder=clone)
    version = run(".venv/bin/python", "--version", folder=clone)
    assert version.startswith("Python 3.13")
    assert (clone / "runs" / "one" / "report.md").exists()


def test_nothing_in_the_product_needs_tensorflow_or_torch(clone):
    locked = (clone / "requirements.lock").read_text()
    assert not {"tensorflow", "torch"} & {line.split("==")[0] for line in locked.splitlines()}
