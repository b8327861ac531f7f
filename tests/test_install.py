"""The built wheel with each extra alone, in new environments; and the README's first command on a clean clone."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import numpy as np
import pytest

import installed

ROOT = Path(__file__).parent.parent
ENVIRONMENT = {key: value for key, value in os.environ.items() if not key.startswith(("KERAS", "TENDIGITS", "VIRTUAL"))}
NEWER = shutil.which("python3.13", path="/usr/bin:/usr/local/bin") or "python3.13"
PYTHONS = [NEWER] if sys.version_info[:2] == (3, 13) else [NEWER, sys.executable]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def clone(tmp_path_factory) -> Path:
    """All that git has, as somebody else gets it."""
    folder = tmp_path_factory.mktemp("clone") / "tendigits"
    subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
    return folder


@pytest.fixture(scope="session")
def wheel(clone, tmp_path_factory) -> Path:
    return installed.build_wheel(tmp_path_factory.mktemp("wheel"), clone)


@pytest.fixture
def install(request, wheel, tmp_path):
    """install(extra) -> the command of a new environment: it takes arguments, gives code, output and errors.

    Its Python is the newer one, if no other is given: the one of the tests runs all the others, with every extra.
    """

    def make(extra):
        # The base's size is that with byte code; for the others compiling all of JAX takes longer than their test.
        python = getattr(request, "param", NEWER)
        folder = installed.install(wheel, extra, python, tmp_path / "environment", with_byte_code=not extra)

        def run(*arguments):
            command = [folder / "tendigits", *map(str, arguments)]
            done = subprocess.run(command, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True)
            return done.returncode, done.stdout, done.stderr

        run.folder = folder
        return run

    return make


@pytest.fixture
def data(digits, tmp_path) -> Path:
    """2,000 and 200 real digits."""
    rows = {"x_train": 2000, "y_train": 2000, "x_test": 200, "y_test": 200}
    np.savez(tmp_path / "digits.npz", **{name: getattr(digits, name)[:n] for name, n in rows.items()})
    return tmp_path / "digits.npz"


def trains(run, data) -> None:
    code, out, err = run("train", "--data", data, "--epochs", 1, "--name", "one")
    assert (code, err) == (0, ""), err
    assert "669,706" in out


@pytest.mark.parametrize("install", PYTHONS, indirect=True, ids=lambda python: Path(python).name)
def test_base_reads_and_names_the_extra_of_everything_else(install, tmp_path):
    run = install("")
    assert installed.size(run.folder.parent)["mb"] <= 450
    code, out, err = run("read", ROOT / "docs" / "read.jpg")
    assert (code, err) == (0, "")
    assert out
    for command in ("train", "evaluate", "read", "serve", "teach", "export", "sweep", "data", "runs"):
        assert "Usage" in run(command, "--help")[1]
    for wanted, extra in {"train": "train", "serve": "serve", f"read {tmp_path} --parquet out": "scale"}.items():
        code, _, err = run(*wanted.split())
        assert code == 2, wanted
        assert f"pip install 'tendigits[{extra}]'" in err
        assert err.count("\n") == 1


def test_train_trains_and_evaluates(install, data, tmp_path):
    run = install("train")
    trains(run, data)
    code, _, err = run("train", "--data", data, "--epochs", 1, "--name", "two", "--debug")
    assert (code, err) == (0, "")  # it would say so if the kernel in the wheel did not train
    assert run("evaluate", "runs/one")[0] == 0
    assert "one" in run("runs")[1]
    assert "<h1>" in (tmp_path / "runs" / "one" / "report.html").read_text()  # its template is in the wheel


def test_serve_answers(install, tmp_path):
    run = install("serve")
    server = subprocess.Popen(
        [run.folder / "tendigits", "serve", "--port", "0"],
        cwd=tmp_path, env=ENVIRONMENT | {"HOME": str(tmp_path)}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        address = next(word for line in server.stdout for word in line.split() if word.startswith("http://"))
        for page in ("/", "/docs", "/ready"):
            assert httpx.get(address.rstrip("/") + page, follow_redirects=True).status_code == 200, page
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=60)


def test_export_exports(install, data, tmp_path):
    run = install("export")
    trains(run, data)
    for form in ("onnx", "litert"):
        code, _, err = run("export", "runs/one", "--to", form)
        assert (code, err) == (0, "")


def test_scale_sweeps(install, data, tmp_path):
    run = install("scale")
    (tmp_path / "small.toml").write_text("hidden = [16]\nepochs = 1\n")
    (tmp_path / "space.toml").write_text("batch_size = [32, 64]\n")
    code, _, err = run("sweep", "--data", data, "--recipe", "small.toml", "--space", "space.toml", "--trials", 2)
    assert (code, err) == (0, ""), err


@pytest.mark.parametrize(
    "tool",
    [["uvx", "--from"], ["uvx", "pipx", "run", "--spec"]],
    ids=["uvx", "pipx"],
)
def test_one_line_tries_it_with_an_empty_cache(tool, wheel, tmp_path):
    """As the README's first lines, with this wheel in place of PyPI's."""
    folders = {name: str(tmp_path / name) for name in ("UV_CACHE_DIR", "PIPX_HOME", "PIPX_BIN_DIR", "UV_TOOL_DIR")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = [*tool, wheel, "tendigits", "demo", "--no-open"]
    done = subprocess.run(
        command, cwd=tmp_path, env=ENVIRONMENT | folders | {"PATH": path, "UV_SYSTEM_CERTS": "1"},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "tendigits-demo/marks.xlsx" in done.stdout
    assert (tmp_path / "tendigits-demo" / "marks.xlsx").stat().st_size > 10_000


def test_uvx_trains_with_the_extra(wheel, data, tmp_path):
    command = ["uvx", "--from", f"tendigits[train] @ {wheel.as_uri()}", "tendigits", "train", "--epochs", "1"]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = ENVIRONMENT | {"PATH": path, "UV_SYSTEM_CERTS": "1"}
    subprocess.run([*command, "--data", data, "--name", "one"], cwd=tmp_path, env=environment, check=True)
    assert (tmp_path / "runs" / "one" / "model.keras").exists()


def test_make_train_on_a_clean_clone(clone):
    """It installs what training needs: nothing of Ray, the browser or the linters."""
    command = ["make", "train", "ARGS=--epochs 1 --name one", f"PYTHON={NEWER}"]
    subprocess.run(command, cwd=clone, env=ENVIRONMENT, check=True)
    assert (clone / "runs" / "one" / "report.html").exists()
    packages = {path.name.split("-")[0] for path in clone.glob(".venv/lib/python*/site-packages/*.dist-info")}
    assert {"keras", "jax"} <= packages
    assert not packages & {"ray", "playwright", "mypy", "fastapi", "tensorflow", "torch"}


def test_the_lock_files_agree():
    """What make train installs is a part of what make test installs."""
    both = [
        {line.split(" \\")[0] for line in (ROOT / name).read_text().splitlines() if line[:1].isalnum()}
        for name in ("requirements-train.lock", "requirements.lock")
    ]
    assert {line.split(" ;")[0] for line in both[0]} <= {line.split(" ;")[0] for line in both[1]}
    assert not {"tensorflow", "torch"} & {line.split("==")[0] for line in both[1]}
