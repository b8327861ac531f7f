"""What `pip install tendigits[EXTRA]` takes: megabytes and packages of a fresh environment, for each extra alone.

    python bench/installed.py              # results/installed.json, and the table in the README
    python bench/installed.py WHEEL_OR_FOLDER --extras "" train

The versions are the lock file's. tests/test_install.py runs the same environments.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

from environments import ROOT, replace_between

RESULTS = ROOT / "bench" / "results" / "installed.json"
EXTRAS = ("", "train", "serve", "export", "scale", "notebook", "all")
BEGIN, END = "<!-- installed: written by bench/installed.py -->", "<!-- /installed -->"
ROWS = {
    "": ("`tendigits`", "reading"),
    "train": ("`tendigits[train]`", "training, evaluating, fine-tuning: Keras on JAX"),
    "serve": ("`tendigits[serve]`", "the page and the REST API"),
    "all": (
        "`[export]`, `[scale]`, `[notebook]`, `[all]`",
        "LiteRT; Ray, Parquet, searches; Jupyter; everything",
    ),
}
"""The README's table: an extra, its name and what it is for."""

UV = [sys.executable, "-m", "uv"]


def main() -> None:
    """Install each extra, measure, print; keep it unless another package is named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("package", nargs="?", help="a wheel or a checkout; this one where it is left out")
    parser.add_argument("--extras", nargs="+", default=EXTRAS)
    parser.add_argument("--python", default=sys.executable)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        package = given.package or build_wheel(Path(folder))
        sizes = {}
        for extra in given.extras:
            environment = Path(folder, extra or "base")
            install(package, extra, given.python, environment)
            sizes[extra] = size(environment)
            print(
                f"{extra or '(base)':<10} {sizes[extra]['mb']:>6} MB {sizes[extra]['packages']:>4} packages", flush=True
            )
    if given.package is None:
        record = {"python": platform.python_version(), "system": platform.platform(), "sizes": sizes}
        RESULTS.write_text(json.dumps(record, indent=1) + "\n")
        if {*ROWS} <= {*sizes}:
            replace_between(ROOT / "README.md", BEGIN, END, table(sizes))


def table(sizes: dict[str, dict[str, int]]) -> str:
    """The sizes as Markdown."""
    lines = [f"| {name} | {purpose} | {sizes[extra]['mb']:,} |" for extra, (name, purpose) in ROWS.items()]
    return "\n".join(["| | for | MB |", "| --- | --- | ---: |", *lines])


def build_wheel(folder: Path, source: Path = ROOT) -> Path:
    """The wheel of a checkout."""
    subprocess.run([*UV, "build", "--quiet", "--wheel", "--out-dir", folder, source], check=True, env=variables())
    return next(folder.glob("*.whl"))


def install(package: str | Path, extra: str, python: str, environment: Path, with_byte_code: bool = True) -> Path:
    """A new environment with a package and one of its extras; the folder of its commands.

    Args:
        with_byte_code: compile every module now, as pip does; otherwise Python compiles what it imports.
    """
    subprocess.run([*UV, "venv", "--quiet", "--seed", "--python", python, environment], check=True, env=variables())
    wanted = f"{package}[{extra}]" if extra else str(package)
    command = [*UV, "pip", "install", "--quiet", "--python", str(environment / "bin" / "python")]
    command += ["--compile-bytecode"] * with_byte_code
    subprocess.run([*command, "--constraint", str(ROOT / "requirements.lock"), wanted], check=True, env=variables())
    return environment / "bin"


def size(environment: Path) -> dict[str, int]:
    """Megabytes of an environment with pip and byte code, as `du -sm` counts them, and its number of packages."""
    used = subprocess.run(["du", "-sm", environment], check=True, capture_output=True, text=True).stdout
    site = next(environment.glob("lib/python*/site-packages"))
    return {"mb": int(used.split()[0]), "packages": len([*site.glob("*.dist-info")])}


def variables() -> dict[str, str]:
    """The system's certificates, as the Makefile has it."""
    return os.environ | {"UV_SYSTEM_CERTS": "1"}


if __name__ == "__main__":
    main()
