import shutil

import pytest

from tendigits.report.run import Run, open_run


@pytest.fixture
def run(runs, tmp_path) -> Run:
    """A copy of run "a" that a test may change."""
    return open_run(shutil.copytree(runs / "a", tmp_path / "a"))
