"""What the benchmarks share: options, an environment for each peer, measured processes, records, tables in documents.

prepare({"torch": ("torch==2.13.0",)})       # .bench/torch, unless it has these requirements already
turn = parsed(observed([python_of("torch"), script("pytorch"), ...], variables("jax", BENCH / "cache", ours=False)))
"""

import argparse
import compileall
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.append(str(ROOT / "reader"))  # the pictures that are measured on are drawn there, in `measuring`
MNIST = ROOT / "src" / "tendigits" / "data" / "assets" / "mnist.npz"
BENCH = ROOT / ".bench"
TIMEOUT = 1800
"""Seconds after which a turn is ended as failed."""


def options(description: str | None) -> argparse.ArgumentParser:
    """A parser with the options that most benchmarks have."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=MNIST, help="MNIST as an .npz file.")
    parser.add_argument("--report-only", action="store_true", help="Write the tables from the JSON.")
    return parser


def observed(command: list[str], environment: dict[str, str]) -> dict[str, Any]:
    """Run a command: its output or error, and what `watched` says."""
    with watched() as result:
        try:
            done = subprocess.run(
                command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT, check=True
            )
            result["out"] = done.stdout
        except subprocess.CalledProcessError as error:
            result["error"] = reason(error.stderr)
        except subprocess.TimeoutExpired:
            result["error"] = f"not finished in {TIMEOUT} seconds"
    return result


@contextmanager
def watched() -> Iterator[dict[str, Any]]:
    """At the end of the block: its seconds, the load before it, and the cores that other programs used meanwhile."""
    load, busy, own, started = os.getloadavg(), busy_seconds(), own_seconds(), time.perf_counter()
    result: dict[str, Any] = {}
    yield result
    result |= {"elapsed": time.perf_counter() - started, "load": load, "others": None}
    if busy is not None:
        others = max(0.0, (busy_seconds() or 0.0) - busy - (own_seconds() - own))
        result["others"] = round(others / result["elapsed"], 3)


def parsed(turn: dict[str, Any]) -> dict[str, Any]:
    """Replace a turn's output with the JSON in its last line."""
    if "error" in turn:
        return turn
    lines = turn.pop("out").splitlines()
    return {**turn, **json.loads(lines[-1])} if lines else {**turn, "error": "it printed nothing"}


def reason(stderr: str) -> str:
    """The last line that names an error, or the last line."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()] or ["it printed nothing"]
    return next((line for line in reversed(lines) if "Error" in line), lines[-1])[:200]


def busy_seconds() -> float | None:
    """CPU seconds of all cores since the start, including time stolen by other guests; None if not on Linux."""
    try:
        user, nice, system, _, _, irq, softirq, steal = map(int, Path("/proc/stat").read_text().split()[1:9])
    except OSError:
        return None
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def own_seconds() -> float:
    """CPU seconds of this process and its ended children."""
    return sum(
        used.ru_utime + used.ru_stime
        for used in (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    )


def variables(backend: str, cache: Path, ours: bool) -> dict[str, str]:
    """Environment variables of a turn: CPU only, its own caches, no forced BLAS kernel, byte code written."""
    unwanted = ("PYTHONDONTWRITEBYTECODE", "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "PYTHONPATH", "VIRTUAL_ENV")
    kept = {name: value for name, value in os.environ.items() if name not in unwanted}
    kept |= {
        "KERAS_BACKEND": backend,
        "KERAS_HOME": str(BENCH / "keras"),
        "XDG_CACHE_HOME": str(cache),
        "TORCHINDUCTOR_CACHE_DIR": str(cache / "inductor"),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "JAX_PLATFORMS": "cpu",
        "CUDA_VISIBLE_DEVICES": "",
    }
    return kept | ({"PYTHONPATH": str(ROOT / "src")} if ours else {})


def script(name: str) -> str:
    """The path of a peer's script."""
    return str(ROOT / "bench" / "peers" / f"{name}.py")


def python_of(environment: str | None) -> str:
    """The interpreter of an environment."""
    if environment is None:
        return sys.executable
    return str(BENCH / environment / ("Scripts" if os.name == "nt" else "bin") / "python")


def prepare(environments: Mapping[str, tuple[str, ...]]) -> None:
    """Make the environments that are missing or have other requirements; pip compiles the byte code."""
    for name, requirements in environments.items():
        wanted, mark = "\n".join(requirements) + "\n", BENCH / name / ".requirements"
        if mark.exists() and mark.read_text() == wanted:
            continue
        print(f"installing {' '.join(requirements)} in {mark.parent.relative_to(ROOT)}", file=sys.stderr, flush=True)
        shutil.rmtree(mark.parent, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(mark.parent)], check=True)
        pip = [python_of(name), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--compile"]
        subprocess.run([*pip, *requirements], check=True)
        mark.write_text(wanted)
    compileall.compile_dir(ROOT / "src", quiet=1)


def machine() -> dict[str, Any]:
    """The machine as a run records it; measured in another process, so that this one stays small."""
    code = "import json, tendigits.machine as e; print(json.dumps(e.describe_environment()))"
    turn = observed([sys.executable, "-c", code], variables("jax", BENCH / "cache", ours=True))
    if "error" in turn:
        raise SystemExit(turn["error"])
    described: dict[str, Any] = json.loads(turn["out"])
    return described


def date_and_commit() -> dict[str, Any]:
    """When and what is measured."""
    from tendigits.machine import describe_commit

    return {"date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()), "commit": describe_commit(ROOT)}


def recorded(path: Path, report_only: bool, measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Measure, and save the results with the machine, the date and the commit; `report_only` reads them again."""
    if not report_only:
        save({"machine": machine(), **date_and_commit(), **measure()}, path)
    record: dict[str, Any] = json.loads(path.read_text())
    return record


def save(record: Any, path: Path) -> None:
    """Write a record as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=1) + "\n")


def replace_between(path: Path, begin: str, end: str, text: str) -> None:
    """Put `text` between two marks in a Markdown file."""
    before, rest = path.read_text().split(begin)
    _, after = rest.split(end)
    path.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}")
