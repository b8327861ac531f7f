import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HELP = """
import runpy, sys
for script in sys.argv[1:]:
    sys.argv = [script, "--help"]
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        assert end.code == 0, script
"""


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["bench", "reader"])
def test_the_scripts_find_all_that_they_import(folder):
    """In one process, which imports Keras once."""
    scripts = [path for path in sorted((ROOT / folder).glob("*.py")) if "parse_args" in path.read_text()]
    environment = os.environ | {"PYTHONPATH": str(ROOT / folder)}
    command = [sys.executable, "-c", HELP, *map(str, scripts)]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    assert done.stdout.count("usage: ") == len(scripts) > 1
