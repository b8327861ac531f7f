"""A pytest plugin: dense.c compiled with the address and undefined behaviour sanitizers; SANITIZED names the folder."""

import os
from pathlib import Path

from tendigits.engine import kernel

kernel.load_library.__defaults__ = (Path(os.environ["SANITIZED"]),)
