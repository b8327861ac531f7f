import numpy as np
import pytest


@pytest.fixture(scope="session")
def history():
    """Of two epochs, the first of which is the best."""
    return {"loss": [0.3, 0.2], "accuracy": [0.9, 0.95], "val_loss": [0.2, 0.25], "val_accuracy": [0.93, 0.94]}


@pytest.fixture(scope="session")
def predictions():
    """Probabilities of 2,000 digits, right about nine times in ten, and the labels."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 2000).astype(np.uint8)
    probabilities = rng.random((2000, 10)) + 1.5 * np.eye(10)[np.where(rng.random(2000) < 0.9, labels, 3)]
    return probabilities / probabilities.sum(axis=1, keepdims=True), labels
