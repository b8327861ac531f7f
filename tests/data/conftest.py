import numpy as np
import pytest


@pytest.fixture
def small():
    """Four arrays of 40 and 20 random images, each digit equally often."""
    rng = np.random.default_rng(1)
    return {
        "x_train": rng.integers(0, 256, (40, 28, 28), dtype=np.uint8),
        "y_train": np.arange(40, dtype=np.uint8) % 10,
        "x_test": rng.integers(0, 256, (20, 28, 28), dtype=np.uint8),
        "y_test": np.arange(20, dtype=np.uint8) % 10,
    }
