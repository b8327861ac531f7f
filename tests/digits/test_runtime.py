"""What onnxruntime does beside running networks."""

import os
import subprocess
import sys

READ = "import numpy, tendigits; tendigits.Reader().digit(numpy.full((28, 28), 255, numpy.uint8))"
QUIET = ("CI", "GITHUB_ACTIONS", "TF_BUILD", "ORT_DISABLE_TELEMETRY")
"""Variables with which onnxruntime sends no reports anyway."""


def test_reading_leaves_no_id_of_the_machine_and_no_reports_to_send(tmp_path):
    environment = {name: value for name, value in os.environ.items() if name not in QUIET}
    environment |= dict.fromkeys(("HOME", "TMPDIR", "XDG_CACHE_HOME"), str(tmp_path))
    subprocess.run([sys.executable, "-c", READ], env=environment, check=True)
    assert [*tmp_path.rglob("*")] == []
