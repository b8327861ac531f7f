"""The peak memory of a process, with the standard library alone."""

import resource
import sys
from pathlib import Path


def peak_mb() -> float:
    """The peak memory of this process in megabytes; on Linux without what it inherits from its parent."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1024 * 1024 if sys.platform == "darwin" else 1024)
