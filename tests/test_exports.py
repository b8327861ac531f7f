import subprocess
import sys

import pytest

import tendigits


def test_all_is_sorted_and_every_name_is_there():
    assert tendigits.__all__ == sorted(tendigits.__all__)
    for name in tendigits.__all__:
        assert getattr(tendigits, name).__doc__
    with pytest.raises(AttributeError, match="nothing"):
        getattr(tendigits, "nothing")  # noqa: B009  (the linter would have it be a useless expression)


def loaded_by(code: str) -> set[str]:
    program = f"{code}\nimport sys; print(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_importing_tendigits_loads_nothing_heavy():
    assert not loaded_by("import tendigits") & {"keras", "jax", "numpy", "pydantic", "matplotlib", "sklearn", "rich"}


MAIN = """
import sys
sys.argv = ["tendigits", {arguments}]
from tendigits.cli import main
try:
    main()
except SystemExit as end:
    assert end.code == {code}
"""


def test_neither_help_nor_a_check_of_a_recipe_waits_for_keras():
    helped = loaded_by(MAIN.format(arguments="'--help'", code=0))
    assert not helped & {"keras", "jax", "numpy", "pydantic", "matplotlib", "sklearn"}
    assert not loaded_by(MAIN.format(arguments="'train', '--epochs', '0'", code=2)) & {"keras", "jax"}


def test_importing_tendigits_chooses_jax_unless_told_otherwise():
    chosen = "import tendigits; assert os.environ['KERAS_BACKEND'] == "
    loaded_by(f"import os; os.environ.pop('KERAS_BACKEND', None); {chosen}'jax'")
    loaded_by(f"import os; os.environ['KERAS_BACKEND'] = 'torch'; {chosen}'torch'")


def test_without_jax_importing_tendigits_leaves_keras_as_it_is():
    loaded_by(
        "import os, sys; os.environ.pop('KERAS_BACKEND', None); sys.modules['jax'] = None\n"
        "import importlib.util; found = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name: None if name == 'jax' else found(name)\n"
        "import tendigits; assert 'KERAS_BACKEND' not in os.environ"
    )
