import dataclasses

import numpy as np
import pytest

from tendigits.errors import ModelFileError
from tendigits.export import stablehlo
from tendigits.export.stablehlo import PLATFORMS, lower


def test_any_batch_size_on_every_platform(source):
    exported = lower(source, batch=None)
    assert exported.platforms == PLATFORMS
    for n in (1, 6):
        np.testing.assert_allclose(exported.call(source.x_test[:n]), source.expected[:n], atol=1e-6)


def test_metadata_with_unusual_characters(source, tmp_path):
    odd = dataclasses.replace(source, name='a "b" \\ c\u00e9')
    stablehlo.write(odd, tmp_path / "a.stablehlo")
    assert stablehlo.read_metadata(tmp_path / "a.stablehlo") == odd.metadata


def test_an_artifact_without_metadata(source, tmp_path):
    (tmp_path / "a.stablehlo").write_bytes(lower(source, batch=1, platforms=("cpu",)).serialize())
    with pytest.raises(ModelFileError, match=r"expected a file that tendigits exported, .* has no metadata"):
        stablehlo.read_metadata(tmp_path / "a.stablehlo")
