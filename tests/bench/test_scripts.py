import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = [
    path for folder in ("bench", "reader") for path in (ROOT / folder).glob("*.py") if "argparse" in path.read_text()
]


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_finds_all_that_it_imports(script):
    subprocess.run([sys.executable, script, "--help"], check=True, stdout=subprocess.DEVNULL)
