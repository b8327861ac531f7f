"""Versions, build, machine and git commit: for run.json, the benchmarks and `tendigits --version --json`."""

import _thread
import hashlib
import os
import platform
import re
import signal
import subprocess
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path
from typing import Any

_PACKAGES = ("tendigits", "keras", "jax", "jaxlib", "numpy", "h5py", "pillow")


def describe_environment() -> dict[str, Any]:
    """Versions of Python and the libraries, platform, processor and number of usable cores."""
    import jax
    import keras

    return {
        "python": platform.python_version(),
        "versions": {name: version(name) for name in _PACKAGES},
        "backend": keras.backend.backend(),
        "device": jax.devices()[0].device_kind,
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": cores(),
    }


def describe_installation() -> dict[str, Any]:
    """What is installed, and how it was built, without importing any of it."""
    ours, package = distribution("tendigits"), Path(__file__).parent
    names = {match[0] for line in ours.requires or () if (match := re.match(r"[\w.-]+", line))} - {"tendigits"}
    versions = {}
    for name in sorted(names):
        with suppress(PackageNotFoundError):  # an extra's
            versions[name] = version(name)
    return {
        "tendigits": ours.version,
        "build": {
            "wheel": re.findall(r"^Tag: (.*)$", ours.read_text("WHEEL") or "", re.MULTILINE),
            "installer": (ours.read_text("INSTALLER") or "").strip(),
            "kernel": sorted(path.name for path in package.glob("engine/dense*.*[!c]")),
            "networks": {
                path.name: hashlib.sha256(path.read_bytes()).hexdigest()[:12]
                for path in sorted(package.glob("*/assets/*.onnx"))
            },
        }
        | (describe_commit(package) or {}),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": cores(),
        "versions": versions,
    }


def describe_commit(folder: Path) -> dict[str, Any] | None:
    """The git commit of `folder` and whether files differ from it; None outside a git checkout."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        found = subprocess.check_output(
            command, cwd=folder, stderr=subprocess.DEVNULL, encoding="utf-8", timeout=10
        ).strip()
    except (OSError, subprocess.SubprocessError):
        return None
    return {"commit": found.removesuffix("-dirty"), "changed": found.endswith("-dirty")}


def cores() -> int:
    """The number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # Linux; elsewhere a process may use all cores
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def interrupt(number: signal.Signals) -> None:
    """Send this process a signal, for which it has a handler. On Windows `os.kill` would end it at once."""
    _thread.interrupt_main(number) if os.name == "nt" else os.kill(os.getpid(), number)


def _processor() -> str:
    """The processor's name, in Linux from /proc/cpuinfo."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
