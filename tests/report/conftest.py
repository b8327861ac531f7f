"""Finished runs that all tests of reports share."""

import shutil
from pathlib import Path

import pytest

from tendigits.model.recipe import Recipe
from tendigits.report.run import Run, open_run
from tendigits.train.pipeline import run_recipe


@pytest.fixture(scope="session")
def runs(small_npz, tmp_path_factory) -> Path:
    """A folder with the runs "a" and "b", the second calibrated; tests only read them."""
    folder = tmp_path_factory.mktemp("runs")
    run_recipe(Recipe(hidden=(16,), epochs=2), small_npz, runs=folder, name="a")
    run_recipe(Recipe(hidden=(16, 8), epochs=3, validation_split=0.25), small_npz, runs=folder, name="b")
    return folder


@pytest.fixture
def run(runs, tmp_path) -> Run:
    """A copy of run "a" that a test may change."""
    return open_run(shutil.copytree(runs / "a", tmp_path / "a"))
