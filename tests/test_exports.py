import subprocess
import sys

import pytest

import tendigits


def test_all_is_sorted_and_every_name_is_there():
    assert tendigits.__all__ == sorted(tendigits.__all__)
    for name in tendigits.__all__:
        assert getattr(tendigits, name).__doc__
    assert set(tendigits.__all__) <= set(dir(tendigits))


def test_unknown_name():
    with pytest.raises(AttributeError, match="nothing"):
        getattr(tendigits, "nothing")  # noqa: B009  (the linter would have it be a useless expression)


def loaded_by(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*{{name.split('.')[0] for name in sys.modules}})"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.splitlines()[-1].split())


def test_importing_tendigits_loads_nothing_heavy():
    assert not loaded_by("import tendigits") & {"keras", "jax", "numpy", "pydantic", "matplotlib", "sklearn", "rich"}


def test_help_loads_neither_keras_nor_jax():
    code = """
import sys
sys.argv = ["tendigits", "--help"]
from tendigits.cli import main
try:
    main()
except SystemExit as end:
    assert end.code == 0
"""
    assert not loaded_by(code) & {"keras", "jax", "numpy", "pydantic", "matplotlib", "sklearn"}


def test_a_recipe_is_checked_before_keras_is_loaded():
    code = """
import sys
sys.argv = ["tendigits", "train", "--epochs", "0"]
from tendigits.cli import main
try:
    main()
except SystemExit as end:
    assert end.code == 2
"""
    assert not loaded_by(code) & {"keras", "jax"}


def test_importing_tendigits_chooses_jax_unless_told_otherwise():
    chosen = "import tendigits; assert os.environ['KERAS_BACKEND'] == "
    loaded_by(f"import os; os.environ.pop('KERAS_BACKEND', None); {chosen}'jax'")
    loaded_by(f"import os; os.environ['KERAS_BACKEND'] = 'torch'; {chosen}'torch'")
