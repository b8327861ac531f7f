"""The StableHLO that two formats begin with."""

import numpy as np
import pytest

from tendigits.export.lowered import PLATFORMS, lowered


def test_it_answers_for_any_number(source):
    exported = lowered(source, batch=None)
    assert exported.platforms == PLATFORMS
    for n in (1, 6):
        np.testing.assert_allclose(exported.call(source.x_test[:n]), source.expected[:n], atol=1e-6)


def test_for_one_at_a_time(source):
    exported = lowered(source, batch=1, platforms=("cpu",))
    assert exported.in_avals[0].shape == (1, 784)
    assert "stablehlo.convolution" in exported.mlir_module()
    with pytest.raises(ValueError, match="Shape mismatch"):
        exported.call(source.x_test[:2])
