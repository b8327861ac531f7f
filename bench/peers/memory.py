"""The memory of a process; it needs the standard library alone."""

import resource
import sys
from pathlib import Path


def peak_mb() -> float:
    """The most memory that this process has held; on Linux without what it inherits from the one that started it."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1024 * 1024 if sys.platform == "darwin" else 1024)
