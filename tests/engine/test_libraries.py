"""The wheels' libraries, as their files say: the same functions on every platform, and no needs but the system's."""

import lief
import pytest

from dense_net import BUILD

pytestmark = pytest.mark.slow

lief.disable_leak_warning()

FUNCTIONS = {
    f"dense_{name}"
    for name in (
        "bytes", "copy", "glorot", "gradient", "init", "interface", "level", "optimizer", "outputs", "train"
    )
}  # fmt: skip
SYSTEMS = {  # the beginnings of the names of what comes with a system
    "linux": ("libc.so.6", "libm.so.6", "libpthread.so.0"),
    "darwin": ("/usr/lib/libSystem.B.dylib",),
    "windows": ("KERNEL32.dll",),
}
OLDEST = {"linux": (2, 17), "darwin": (11, 0)}
"""Version of glibc and of macOS for which a wheel's tag says that it runs."""


@pytest.fixture(scope="module", params=BUILD["PLATFORMS"])
def libraries(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    paths = BUILD["compile_libraries"](request.param, folder)
    return request.param, [(path, lief.parse(str(path))) for path in paths]


def test_each_exports_the_kernel_and_needs_only_the_system(libraries):
    platform, parsed = libraries
    system = platform.partition("-")[0]
    assert len(parsed) == (3 if "86" in platform or "amd64" in platform else 1)
    for path, library in parsed:
        exported = {function.name.removeprefix("_" * (system == "darwin")) for function in library.exported_functions}
        assert {name for name in exported if name.startswith("dense")} == FUNCTIONS
        needs = [getattr(each, "name", each) for each in library.libraries]
        own = f"@rpath/{path.name}"
        assert [name for name in needs if name != own and not name.startswith(SYSTEMS[system])] == []
        assert str(path.parent).encode() not in path.read_bytes()


def test_each_runs_on_the_oldest_system_of_its_wheel(libraries):
    platform, parsed = libraries
    system = platform.partition("-")[0]
    for _, library in parsed:
        if system == "linux":
            versions = [
                each.name for need in library.symbols_version_requirement for each in need.get_auxiliary_symbols()
            ]
            found = [tuple(map(int, name.removeprefix("GLIBC_").split("."))) for name in versions]
            assert max(found) <= OLDEST[system], versions
        elif system == "darwin":
            assert tuple(library.build_version.minos[:2]) <= OLDEST[system]
            assert "arm64" not in platform or library.has_code_signature  # without one macOS ends the process
        else:
            assert library.optional_header.major_subsystem_version <= 6  # Windows 7 to 8.1
