"""The owner's address is not known yet: one placeholder, which make address replaces in every file."""

import shutil
import subprocess
import sys

import pytest

import address

ADA = "ada-l"


def test_every_address_is_that_of_pyproject():
    wrong = {str(path): owners for path, owners in address.addresses().items() if owners != {address.owner()}}
    assert wrong == {}, "make address ADDRESS=https://github.com/NAME/tendigits"


@pytest.fixture
def clone(tmp_path):
    """The files that name the address, in a repository of their own."""
    for path in [*address.addresses(), address.ROOT / "tools" / "address.py"]:
        (to := tmp_path / path.relative_to(address.ROOT)).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, to)
    for command in (["init", "--quiet"], ["add", "."]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    return tmp_path


def test_make_address_leaves_no_placeholder(clone):
    def run(*arguments):
        return subprocess.run(
            [sys.executable, "tools/address.py", *arguments], cwd=clone, capture_output=True, text=True
        )

    before = run()
    assert (before.returncode, "make address" in before.stderr) == (1, True)
    assert run("https://example.org/x").returncode == 1
    assert run(f"https://github.com/{ADA}/tendigits").returncode == 0
    assert run().returncode == 0
    named = [
        path
        for path in clone.rglob("*")
        if path.is_file() and f"{address.PLACEHOLDER}/tendigits".encode() in path.read_bytes()
    ]
    assert named == []
    assert f"https://{ADA}.github.io/tendigits/" in (clone / "pyproject.toml").read_text()
