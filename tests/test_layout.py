"""The shape of the package: data flows one way, the product stands alone, the README's tree is the tree."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "tendigits"
MODULES = sorted(SOURCE.rglob("*.py"))

# What each part may import of the others; everything may import the errors and the files.
ALLOWED = {
    "errors": set(),
    "files": {"errors"},
    "cluster": {"errors", "files"},
    "data": {"errors", "files"},
    "train": {"errors", "files", "data"},
    "read": {"errors", "files", "cluster", "data", "train"},
    "serve": {"errors", "files", "data", "train", "read"},
    "export": {"errors", "files", "data", "train", "read"},
    "scale": {"errors", "files", "cluster", "data", "train"},
    "cli": {"errors", "files", "cluster", "data", "train", "read", "serve", "export", "scale"},
    "__main__": {"cli"},
    "__init__": {"errors", "train", "read"},  # its names, found when they are first used
}


def imports(module: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: imports are written out"
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
    return found


def part_of(module: Path) -> str:
    return module.relative_to(SOURCE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("module", MODULES, ids=lambda m: str(m.relative_to(SOURCE)))
def test_imports_follow_the_road(module):
    own = part_of(module)
    others = {name.split(".")[1] for name in imports(module) if name.startswith("tendigits.")}
    assert others - {own} <= ALLOWED[own], f"{own} may not import {others - ALLOWED[own] - {own}}"


def test_the_road_has_no_turning_back():
    for part, reached in ALLOWED.items():
        for other in reached:
            assert part not in ALLOWED[other]


@pytest.mark.parametrize("module", MODULES, ids=lambda m: str(m.relative_to(SOURCE)))
def test_product_needs_no_tensorflow_and_no_torch(module):
    assert not {name.split(".")[0] for name in imports(module)} & {"tensorflow", "torch"}


@pytest.mark.parametrize("module", MODULES, ids=lambda m: str(m.relative_to(SOURCE)))
def test_product_needs_nothing_beside_the_checkout(module):
    assert "shared/" not in module.read_text()


@pytest.mark.parametrize("module", MODULES, ids=lambda m: str(m.relative_to(SOURCE)))
def test_a_module_is_one_stage(module):
    assert len(module.read_text().splitlines()) <= 320


def test_tests_mirror_the_modules():
    for module in MODULES:
        relative = module.relative_to(SOURCE)
        if relative.name in ("__init__.py", "__main__.py"):
            continue
        test = ROOT / "tests" / relative.parent / f"test_{relative.name}"
        assert test.exists(), f"{relative} has no {test.relative_to(ROOT)}"


def test_readme_tree_names_every_module():
    readme = (ROOT / "README.md").read_text()
    for module in MODULES:
        if not module.name.startswith("__"):
            assert module.name in readme, f"the README's tree lacks {module.relative_to(SOURCE)}"
