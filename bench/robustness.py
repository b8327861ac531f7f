"""What a picture of at most 1 MB can cost: processor seconds and memory over thousands of hostile ones.

    python bench/robustness.py                    # 4,000 pictures, about an hour; bench/results/robustness.json
    python bench/robustness.py -n 200 --seed 9
    python bench/robustness.py --report-only      # bench/README.md again, from the JSON

Each is read by `Reader.read`, with its tables, and by `Reader.digit`, in another process. Its seconds of a processor
are measured, those of a process that draws a PDF included, and its most memory.
"""

import argparse
import json
import select
import struct
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from documents import replace_between
from environments import README, ROOT, commit, machine
from hostile_pictures import FAMILIES, LARGEST

RESULTS = ROOT / "bench" / "results" / "robustness.json"
BEGIN, END = "<!-- robustness: written by bench/robustness.py -->", "<!-- /robustness -->"

MAX_SECONDS, MAX_MB = 2.0, 600
"""What a picture may cost: seconds of a processor, and memory of the whole process."""

PATIENCE = 120.0
"""Seconds until a picture that is not read ends its process."""

DEAREST = 10
"""How many of the dearest pictures are listed."""


@dataclass(frozen=True)
class Cost:
    """What reading one picture cost."""

    name: str
    size: int
    """Bytes."""
    outcome: str
    """"read", "refused" for a DataError, else what went wrong."""
    read: float
    """Seconds of a processor in `Reader.read`."""
    digit: float
    """Seconds of a processor in `Reader.digit`."""
    peak: int
    """Most memory of the process, in MB."""

    @property
    def seconds(self) -> float:
        """The larger of both."""
        return max(self.read, self.digit)

    @property
    def wrong(self) -> str | None:
        """What is wrong with it, if something is."""
        return self.wrong_beyond(1.0)

    def wrong_beyond(self, room: float, room_mb: float = 1.0) -> str | None:
        """Likewise, where it may take `room` times the seconds, and `room_mb` times the memory."""
        if self.outcome not in ("read", "refused"):
            return self.outcome
        if self.seconds > room * MAX_SECONDS:
            return f"{self.seconds:.2f} s of a processor"
        return f"{self.peak} MB" if self.peak > room_mb * MAX_MB else None


class Measured(AbstractContextManager["Measured"]):
    """A process that reads pictures, and is replaced when it dies or takes too long."""

    def __enter__(self) -> "Measured":
        """Start the process."""
        command = [sys.executable, str(ROOT / "bench" / "peers" / "reading_process.py")]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()

    def cost(self, name: str, data: bytes) -> Cost:
        """Read a picture; one that seems too dear is read again, and the lesser cost counts: others use the machine.

        The second time in a new process: in the first one, memory that pictures before have left counts, too.
        """
        first = self._once(name, data)
        if first.wrong is None or first.outcome not in ("read", "refused"):
            return first
        self.__exit__()
        self.__enter__()
        second = self._once(name, data)
        return min(first, second, key=lambda cost: cost.seconds) if second.wrong != second.outcome else second

    def _once(self, name: str, data: bytes) -> Cost:
        given, answers = self._process.stdin, self._process.stdout
        assert given is not None  # noqa: S101  # for mypy
        assert answers is not None  # noqa: S101  # for mypy
        try:
            given.write(struct.pack("<Q", len(data)) + data)
            given.flush()
            line = answers.readline() if select.select([answers], [], [], PATIENCE)[0] else None
        except BrokenPipeError:
            line = b""
        if line:
            return Cost(name, len(data), **json.loads(line))
        self.__exit__()
        code = self._process.returncode
        self.__enter__()
        outcome = f"not read in {PATIENCE:.0f} s" if line is None else f"killed its process ({code})"
        return Cost(name, len(data), outcome, 0.0, 0.0, 0)


def pictures(n: int, seed: int, families: Iterable[str] = FAMILIES) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of n pictures, each family in turn; the name says how to draw it again."""
    names = list(families)
    for i in range(n):
        family = names[i % len(names)]
        data = FAMILIES[family](np.random.default_rng((seed, i)))
        yield f"{family} ({seed}, {i})", data


def main() -> None:
    """Measure, save and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=4000, help="Number of pictures.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--report-only", action="store_true", help="Write the table from the JSON.")
    given = parser.parse_args()
    if given.report_only:
        record = json.loads(RESULTS.read_text())
    else:
        costs = []
        with Measured() as measured:
            for name, data in pictures(given.n, given.seed):
                costs.append(measured.cost(name, data))
                if costs[-1].wrong:
                    print(f"{name}: {costs[-1].wrong}", flush=True)
        record = {
            "machine": machine(), "commit": commit(), "date": time.strftime("%Y-%m-%d", time.gmtime()),
            "seed": given.seed, **summary(costs),
        }  # fmt: skip
        RESULTS.write_text(json.dumps(record, indent=1) + "\n")
    replace_between(README, BEGIN, END, report(record))


def summary(costs: list[Cost]) -> dict[str, Any]:
    """Counts, percentiles of each family, the dearest, and all that went wrong."""
    families = {}
    for family in dict.fromkeys(family_of(cost) for cost in costs):
        of_family = [cost for cost in costs if family_of(cost) == family]
        families[family] = {
            "n": len(of_family),
            "outcomes": dict(Counter(cost.outcome for cost in of_family)),
            "seconds": percentiles([cost.seconds for cost in of_family]),
            "mb": percentiles([float(cost.peak) for cost in of_family]),
        }
    dearest = sorted(costs, key=lambda cost: -cost.seconds)[:DEAREST]
    return {
        "n": len(costs),
        "largest_bytes": max(cost.size for cost in costs),
        "seconds": percentiles([cost.seconds for cost in costs]),
        "mb": percentiles([float(cost.peak) for cost in costs]),
        "families": families,
        "dearest": [described(cost) for cost in dearest],
        "most_memory": [described(cost) for cost in sorted(costs, key=lambda cost: -cost.peak)[:DEAREST]],
        "wrong": [described(cost) | {"wrong": cost.wrong} for cost in costs if cost.wrong],
    }


def family_of(cost: Cost) -> str:
    """The family of a picture, from its name."""
    return cost.name.rpartition(" (")[0]


def described(cost: Cost) -> dict[str, Any]:
    """A picture's cost, rounded."""
    rounded = replace(cost, read=round(cost.read, 3), digit=round(cost.digit, 3))
    return {"seconds": round(cost.seconds, 3)} | asdict(rounded)


def percentiles(values: list[float]) -> dict[str, float]:
    """Median, the 90th and 99th percentile, and the most."""
    return {f"p{p}": round(float(np.percentile(values, p)), 3) for p in (50, 90, 99)} | {"most": round(max(values), 3)}


def report(record: dict[str, Any]) -> str:
    """The results as Markdown."""
    rows = [
        "| family | pictures | read | refused | otherwise | median s | p99 s | most s | most MB |",
        "| :--- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    counts: Counter[str] = Counter()
    for family, each in record["families"].items():
        counts.update(each["outcomes"])
        rows.append(_row(family, each["n"], each["outcomes"], each["seconds"], each["mb"]))
    rows.append(_row("**all**", record["n"], counts, record["seconds"], record["mb"]))
    about = record["machine"]
    rows.append(
        f"\nOver {MAX_SECONDS:g} s or {MAX_MB} MB, or neither read nor refused: {len(record['wrong'])}. The dearest:\n"
    )
    rows += [f"- {each['name']}, {each['size']:,} bytes: {each['seconds']:.2f} s" for each in record["dearest"]]
    rows.append(
        f"\nMachine: {about['processor']}, {about['cores']} cores; Python {about['python']}; {record['date']}. "
        f"Files up to {LARGEST / 1e6:g} MB; seed {record['seed']}."
    )
    return "\n".join(rows)


def _row(name: str, n: int, outcomes: dict[str, int], seconds: dict[str, float], mb: dict[str, float]) -> str:
    read, refused = outcomes.get("read", 0), outcomes.get("refused", 0)
    times = f"{seconds['p50']:.2f} | {seconds['p99']:.2f} | {seconds['most']:.2f}"
    return f"| {name} | {n:,} | {read:,} | {refused:,} | {n - read - refused:,} | {times} | {mb['most']:.0f} |"


if __name__ == "__main__":
    main()
