"""The artifact by JAX alone, without Keras."""

import subprocess
import sys

import numpy as np
import pytest

from tendigits.errors import ModelFileError
from tendigits.export import stablehlo
from tendigits.export.lowered import lowered

ALONE = """
import sys
from pathlib import Path
import numpy as np
from jax import export

x = np.load(sys.argv[2])
answers = export.deserialize(bytearray(Path(sys.argv[1]).read_bytes())).call(x)
np.save(sys.argv[3], answers)
assert "keras" not in sys.modules and "tendigits" not in sys.modules
"""


def test_jax_alone_runs_it(source, tmp_path):
    stablehlo.write(source, tmp_path / "a.stablehlo")
    np.save(tmp_path / "x.npy", source.x_test[:30])
    files = [str(tmp_path / name) for name in ("a.stablehlo", "x.npy", "y.npy")]
    subprocess.run([sys.executable, "-c", ALONE, *files], check=True)
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), source.expected[:30], atol=1e-6)


def test_it_says_what_it_is(source, tmp_path):
    import dataclasses

    odd = dataclasses.replace(source, name='a "b" \\ c\u00e9')
    stablehlo.write(odd, tmp_path / "a.stablehlo")
    assert stablehlo.about(tmp_path / "a.stablehlo") == odd.about


def test_another_artifact_says_nothing_of_itself(source, tmp_path):
    (tmp_path / "a.stablehlo").write_bytes(lowered(source, batch=1).serialize())
    with pytest.raises(ModelFileError, match="expected a file that tendigits exported"):
        stablehlo.about(tmp_path / "a.stablehlo")
