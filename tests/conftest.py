"""What all tests share: a temporary home, small sets of real digits, and skips that fail in CI."""

import atexit
import gc
import os
import shutil
import signal
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# A shell's background job ignores Ctrl-C, and so would the commands that tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Before anything imports Keras: it reads its settings there, and no test may touch a person's own folder.
_home = tempfile.mkdtemp(prefix="tendigits-tests-")
atexit.register(shutil.rmtree, _home, ignore_errors=True)
os.environ["KERAS_HOME"] = f"{_home}/keras"
if "PYTEST_XDIST_WORKER" not in os.environ:
    # Compiled programs, for all processes of the tests; where the variable says so, for several runs of them.
    os.environ["XDG_CACHE_HOME"] = os.environ.get("TENDIGITS_TEST_CACHE", f"{_home}/cache")
os.environ["KERAS_BACKEND"] = "jax"

import numpy as np
import pytest
from filelock import FileLock
from hypothesis import settings

from tendigits.data.dataset import ARRAYS, Dataset, make_dataset
from tendigits.data.mnist import load_data

ROOT = Path(__file__).parent.parent

TOGETHER = ("teach", "export", "report", "runs", "train", "sweep")
"""Folders of tests that share finished runs: each stays with one process."""

LONGEST = (
    "documents", "browser", "test_install", "teach", "server", "test_ray", "test_full_mnist", "sweep", "test_cluster",
    "test_kill_saving", "test_resume", "test_fit", "test_kill_serving", "test_bombs",
)  # fmt: skip
"""Groups of slow tests that take longest: begun first, so that no process has one left when the other is done."""

settings.register_profile("default", max_examples=20, deadline=None)
settings.register_profile("ci", max_examples=100, deadline=None)  # .ci/run: --hypothesis-profile=ci
settings.register_profile("models", max_examples=8000, deadline=None)  # engine/test_drawn_models.py, once
settings.load_profile("default")


def pytest_configure(config):
    config.option.loadscopereorder = False  # xdist takes the groups in the order of their first tests


@pytest.hookimpl(wrapper=True, tryfirst=True)  # before xdist looks at the groups
def pytest_collection_modifyitems(items):
    """A file, or a folder of TOGETHER, stays with one process, so that what its tests share is made once.

    The longest groups come first, and then those with most tests.
    """
    for item in items:
        if not any(item.iter_markers("xdist_group")):
            folder = item.path.parent.name
            item.add_marker(pytest.mark.xdist_group(folder if folder in TOGETHER else str(item.path)))
    yield  # what is deselected goes here
    groups = {item: item.get_closest_marker("xdist_group").args[0] for item in items}
    counts = Counter(groups.values())
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: (places.get(Path(groups[item]).stem, len(places)), -counts[groups[item]]))


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """What is imported stays: looking through it for garbage again and again took over ten seconds of each process."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(10_000)  # the default is 700 objects
        gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """With TENDIGITS_NO_SKIP set, as in CI, a skipped test has failed: what it needs must be there."""
    report = yield
    if report.skipped and os.environ.get("TENDIGITS_NO_SKIP") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, but TENDIGITS_NO_SKIP is set: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def digits() -> Dataset:
    """4,000 and 1,000 digits of MNIST, the first 400 and 100 of each."""
    (x_train, y_train), (x_test, y_test) = load_data()
    train, test = first(y_train, 400), first(y_test, 100)
    return make_dataset(x_train[train], y_train[train], x_test[test], y_test[test], source="the tests")


def first(labels, n):
    """Rows of the first `n` of each digit, in their order."""
    return np.sort(np.concatenate([np.flatnonzero(labels == digit)[:n] for digit in range(10)]))


@pytest.fixture(scope="session")
def digits_npz(digits: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """4,000 and 1,000 digits in a file."""
    return save(digits, tmp_path_factory, 4000, 1000)


@pytest.fixture(scope="session")
def small_npz(digits: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """600 and 200 digits in a file: an epoch is a blink."""
    return save(digits, tmp_path_factory, 600, 200)


def save(digits: Dataset, tmp_path_factory: pytest.TempPathFactory, n_train: int, n_test: int) -> Path:
    path = tmp_path_factory.mktemp("digits") / "digits.npz"
    np.savez(path, **{key: getattr(digits, key)[: n_train if "train" in key else n_test] for key in ARRAYS})
    return path


def trained_once(tmp_path_factory: pytest.TempPathFactory, data: Path, **recipes: Any) -> Path:
    """A folder with a finished run of each recipe: one process of the tests trains them, the others copy them."""
    from tendigits.train.pipeline import run_recipe

    folder, base = tmp_path_factory.mktemp("runs"), tmp_path_factory.getbasetemp()
    finished = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "finished"
    for name, recipe in recipes.items():
        with FileLock(f"{finished}-{name}.lock"):
            if (finished / name).exists():
                shutil.copytree(finished / name, folder / name)
            else:
                run_recipe(recipe, data, runs=folder, name=name)
                shutil.copytree(folder / name, finished / name)
    return folder


@pytest.fixture(scope="session")
def runs(small_npz: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the finished runs "a" and "b", the second calibrated. Do not change it."""
    from tendigits.model.recipe import Recipe

    a, b = Recipe(hidden=(16,), epochs=2), Recipe(hidden=(16, 8), epochs=3, validation_split=0.5)
    return trained_once(tmp_path_factory, small_npz, a=a, b=b)


@pytest.fixture
def run(runs: Path, tmp_path: Path) -> Any:
    """A copy of run "a" that a test may change."""
    from tendigits.runs.run import open_run

    return open_run(shutil.copytree(runs / "a", tmp_path / "a"))


@pytest.fixture(scope="session")
def run_that_reads(digits_npz: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run that reads most digits. Do not change it."""
    from tendigits.model.recipe import Recipe

    recipe = Recipe(
        name="small", convolutions=("8x5/2",), hidden=(), learning_rate=0.003, epochs=3, validation_split=0.1
    )
    return trained_once(tmp_path_factory, digits_npz, one=recipe) / "one"


@pytest.fixture
def run_cli(monkeypatch, capsys) -> Any:
    """Call the command; gives exit code, standard output, standard error."""

    from tendigits import cli

    set_handler = signal.signal

    def run(*arguments: Any) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["tendigits", *map(str, arguments)])
        # The command's own end by a signal is not that of the tests.
        monkeypatch.setattr(
            signal, "signal", lambda n, do: None if n == signal.SIGTERM or do is signal.SIG_IGN else set_handler(n, do)
        )
        monkeypatch.setattr(os, "_exit", sys.exit)
        monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
        with pytest.raises(SystemExit) as end:
            cli.main()
        out, err = capsys.readouterr()
        return end.value.code, out, err

    return run


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """`tendigits serve` in a process, for tests that do not end it; its first line says where."""
    from processes import ServeProcess

    running = ServeProcess(tmp_path_factory.mktemp("server"), "--no-browser")
    yield running
    errors = running.stop()
    assert "Traceback" not in errors
    assert "Invalid HTTP request" not in errors, "a stranger could fill the disk"


@pytest.fixture
def clean_server(server: Any) -> Any:
    """The same, without corrections and with the package's own network."""
    import httpx

    with httpx.Client(base_url=f"{server.url}/v1/") as client:
        for path, kind in (("corrections", "corrections"), ("corrections/numbers", "numbers")):
            while items := client.get(path).json()[kind]:
                for item in items:
                    client.delete(f"{path}/{item['id']}")
        while client.post("networks/rollback").status_code == 200:
            pass
    return server


@pytest.fixture
def place(tmp_path) -> str:
    return str(tmp_path / "corrections.db")


@pytest.fixture
def store(place) -> Any:
    from tendigits.teach.store import Store

    return Store(place)


@pytest.fixture
def ray_ends() -> Iterator[None]:
    """Ray does not wait for the processes that it ends: what is left of them goes with the test, unheard."""
    yield
    with warnings.catch_warnings(action="ignore", category=ResourceWarning):
        gc.collect()
