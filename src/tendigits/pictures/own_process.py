"""Decode in a process with limits of memory and time what may need any amount of both: a PDF, an AVIF.

about, pixels = decode_apart("pdf", data, "scan.pdf", 1, 2048)
"""

import json
import subprocess
import sys
from typing import Any

from tendigits.errors import DataError
from tendigits.pictures import apart

CALLED = {"pdf": "a PDF whose page", "avif": "an AVIF that"}

WAIT = 3
"""Times its seconds of a processor that a process may take by the clock, where other programs use the processor too."""


def decode_apart(kind: str, data: bytes, name: str, *arguments: int) -> tuple[dict[str, Any], bytes]:
    """What `apart` says of a file.

    Args:
        kind: pdf or avif.
        name: of the file, for messages.
        arguments: of the process, behind the kind.

    Raises:
        DataError: the file is damaged, or needs too much time or memory.
    """
    max_bytes, max_seconds = apart.LIMITS[kind]
    command = [sys.executable, "-P", apart.__file__, kind, *map(str, arguments)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=WAIT * max_seconds, check=True, input=data)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise DataError(
            f"expected {CALLED[kind]} can be decoded in {max_seconds} seconds with {max_bytes >> 20:,} MB of memory, "
            f"{name} can't; save it as a PNG or JPEG"
        ) from error
    about, _, pixels = done.stdout.partition(b"\n")
    said: dict[str, Any] = json.loads(about)
    if "error" in said:
        raise DataError(f"expected a whole {kind.upper()} at {name}, received {said['error']}")
    return said, pixels
