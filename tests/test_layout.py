"""The shape of the package: imports go one way, the product stands alone, the tests mirror the packages."""

import ast
from pathlib import Path

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "tendigits"
MODULES = sorted(SOURCE.rglob("*.py"))

ORDER = (
    "errors", "geometry", "machine", "untrusted", "files", "outputs", "extras", "options", "cluster",
    "engine", "pictures", "data", "pool", "model", "runs", "report", "train",
    "digits", "numbers", "tables", "read", "batch", "teach", "web", "export", "sweep", "serve",
    "notebook", "cli",
)  # fmt: skip
"""A part imports only what stands before it."""


def imports(module: Path) -> set[str]:
    """Every module and name that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: imports are absolute"
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
    return found


def part_of(module: Path) -> str:
    return module.relative_to(SOURCE).parts[0].removesuffix(".py")


def test_imports_go_one_way():
    wrong = []
    for module in MODULES:
        part = part_of(module)
        if part.startswith("__"):
            continue
        others = {name.split(".")[1] for name in imports(module) if name.startswith("tendigits.")} - {part}
        wrong += [f"{module.relative_to(SOURCE)} imports {o}" for o in others if ORDER.index(o) > ORDER.index(part)]
    assert not wrong


def test_the_product_needs_no_tensorflow_no_torch_and_nothing_beside_the_checkout():
    for module in MODULES:
        optional = {"pandas"} if module == SOURCE / "tables" / "table.py" else set()  # to_dataframe
        found = {name.split(".")[0] for name in imports(module)} - optional
        assert not found & {"tensorflow", "torch", "sklearn", "pandas"}
        assert "shared/" not in module.read_text(), module


def test_every_package_says_what_it_is_for_and_has_tests():
    for package in {module.parent for module in MODULES}:
        name = package.relative_to(SOURCE)
        assert ast.get_docstring(ast.parse((package / "__init__.py").read_text())), f"{name} has no docstring"
        assert any((ROOT / "tests" / name).glob("test_*.py")), f"{name} has no tests"


def test_the_readme_names_every_package():
    readme = (ROOT / "README.md").read_text()
    for package in SOURCE.glob("*/"):
        if package.name == "__pycache__":
            continue
        assert f"{package.name}/" in readme, f"the README's tree lacks {package.name}/"
