from functools import partial

import pytest


@pytest.fixture
def run(run_cli):
    """Call `tendigits read`."""
    return partial(run_cli, "read")
