"""The benchmarks' scripts import each other by name."""

import sys
from pathlib import Path

BENCH = Path(__file__).parents[2] / "bench"
sys.path[:0] = [str(BENCH), str(BENCH / "peers"), str(BENCH.parent / "reader")]
