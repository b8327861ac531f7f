"""Compile src/tendigits/engine/dense.c with the C compiler of the package `ziglang`, for browsers and processors.

python hatch_build.py           # the libraries for this machine, beside dense.c; an editable install has them, too
python hatch_build.py wasm      # play.wasm, which is committed: ziglang, as pinned in pyproject.toml, fixes its bytes
python hatch_build.py wheels    # a wheel for each platform, in dist/
"""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parent
SOURCE = ROOT / "src" / "tendigits" / "engine" / "dense.c"
WASM = ROOT / "src" / "tendigits" / "web" / "page" / "play" / "play.wasm"

COMMON = ("-O3", "-std=gnu11", "-ffp-contract=fast", "-fno-strict-aliasing", "-Wall", "-Wextra", "-Werror")
FOR_WASM = (
    "-target", "wasm32-freestanding", "-mcpu=generic+simd128+bulk_memory",
    "-nostdlib", "-Wl,--no-entry", "-Wl,--export=__heap_base", "-Wl,--strip-all",
)  # fmt: skip
PLATFORMS = {
    "linux-x86_64": ("x86_64-linux-gnu.2.17", "manylinux_2_17_x86_64", "so"),
    "linux-aarch64": ("aarch64-linux-gnu.2.17", "manylinux_2_17_aarch64", "so"),
    "darwin-x86_64": ("x86_64-macos.11.0", "macosx_11_0_x86_64", "dylib"),
    "darwin-arm64": ("aarch64-macos.11.0", "macosx_11_0_arm64", "dylib"),
    "windows-amd64": ("x86_64-windows-gnu", "win_amd64", "dll"),
}
"""Zig's target, the wheel's tag and the ending of a library."""
MACHINE = f"{platform.system()}-{platform.machine()}".lower()
PLATFORM = "TENDIGITS_PLATFORM"
"""Environment variable: the platform of a wheel, where it is not for this machine."""


class DenseHook(BuildHookInterface):  # type: ignore[type-arg]
    """Puts the libraries into a wheel. Without them tendigits is complete, but trains slower."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile; where that is not possible the wheel stays one of Python alone."""
        name = os.environ.get(PLATFORM, MACHINE)
        is_editable = version == "editable"
        self.folder = SOURCE.parent if is_editable else Path(tempfile.mkdtemp())
        try:
            outputs = compile_libraries(name, self.folder)
        except (KeyError, OSError, subprocess.CalledProcessError) as error:
            self.app.display_warning(f"tendigits will train without its kernel, for it was not compiled: {error!r}")
            return
        if not is_editable:
            build_data["force_include"] = {str(path): f"tendigits/engine/{path.name}" for path in outputs}
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{PLATFORMS[name][1]}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Delete what is in the wheel by now."""
        if version != "editable":
            shutil.rmtree(self.folder)


def compile_libraries(name: str, folder: Path) -> list[Path]:
    """Write the libraries of a platform, one for each level of x86-64. Raises CalledProcessError or OSError."""
    target, _, suffix = PLATFORMS[name]
    levels = {"": (), "_v3": ("-mcpu=x86_64_v3",), "_v4": ("-mcpu=x86_64_v4",)} if "x86" in target else {"": ()}
    outputs = {folder / f"dense{level}.{suffix}": processor for level, processor in levels.items()}
    for output, processor in outputs.items():
        compile_library(output, name, "-Wl,-s", *processor)
    return list(outputs)


def compile_library(output: Path, name: str, *options: str, source: str = SOURCE.name) -> None:
    """Write a library for a platform."""
    # The linker for macOS would write this machine's path of the output into it.
    linked = (f"-Wl,-install_name,@rpath/{output.name}",) if "darwin" in name else ()
    # Zig would build all of Windows' C library, three minutes, for what is not used.
    linked += ("-nostdlib", "-rtlib=compiler-rt", "-lkernel32") if "windows" in name else ()
    _compile(output, "-shared", "-fPIC", "-target", PLATFORMS[name][0], *linked, *options, source=source)


def compile_wasm(output: Path) -> None:
    """Write the module for browsers."""
    _compile(output, *FOR_WASM)
    output.chmod(0o644)


def _compile(output: Path, *arguments: str, source: str = SOURCE.name) -> None:
    command = [sys.executable, "-m", "ziglang", "cc", *COMMON, *arguments, "-o", str(output), source]
    subprocess.run(command, cwd=SOURCE.parent, check=True)


def _build_wheels() -> None:
    for name in PLATFORMS:
        command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
        subprocess.run(command, cwd=ROOT, check=True, env=os.environ | {PLATFORM: name})


if __name__ == "__main__":
    if sys.argv[1:] == ["wasm"]:
        compile_wasm(WASM)
    elif sys.argv[1:] == ["wheels"]:
        _build_wheels()
    else:
        compile_libraries(MACHINE, SOURCE.parent)
