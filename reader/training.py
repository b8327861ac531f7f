"""Train a network on samples that processes write while it learns, in chunks; it goes on from its last checkpoint.

with workers(1) as pool:
    train(Task("numbers", write_lines, build, loss), pool, minutes=100, chunks=130)
"""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tendigits.files import replacing

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / ".reader"

Array = NDArray[Any]
Samples = tuple[Array, Array]


@dataclass(frozen=True)
class Task:
    """What to train, and how."""

    name: str
    write: Callable[[int, int, bool], Samples]
    """(part, n, good) -> inputs and targets of n samples, only good ones or all; it runs in separate processes."""
    build: Callable[[], Any]
    loss: Callable[[Any, Any], Any]
    chunk: int = 4096
    """Samples that are learned at once, each a single time: to write one takes less time than to learn from it."""
    part: int = 256
    """Samples that a process writes at once."""
    batch: int = 32
    rate: float = 1.5e-3
    """Peak of the learning rate."""
    good_from: float = 0.7
    """Share of the schedule from which on only good samples are learned, at a falling rate."""


def workers(n: int) -> ProcessPoolExecutor:
    """Processes that write samples; they are started anew, since JAX's threads do not survive a fork."""
    return ProcessPoolExecutor(n, get_context("spawn"))


def train(task: Task, pool: Executor, minutes: float, chunks: int, start: Path | None = None) -> Any:
    """Train for some minutes, or until all chunks of the schedule are learned; returns the model.

    The learning rate rises for a twentieth of the schedule and then falls along a cosine. After each chunk the model
    and its optimizer's state are saved.

    Args:
        start: weights to begin with, as `save_weights` writes them; None draws them at random.
    """
    import keras

    folder = FOLDER / task.name
    folder.mkdir(parents=True, exist_ok=True)
    file, log = folder / "model.keras", folder / "log.json"
    keras.utils.set_random_seed(0)
    if file.exists():
        model = keras.models.load_model(file, custom_objects={"loss": task.loss})
        done = json.loads(log.read_text())
    else:
        model, done = task.build(), {"chunks": 0, "minutes": 0.0, "losses": []}
        if start is not None:
            load_weights(model, start)
        steps = chunks * task.chunk // task.batch
        schedule = keras.optimizers.schedules.CosineDecay(
            task.rate / 20, steps, alpha=0.005, warmup_target=task.rate, warmup_steps=steps // 20
        )
        model.compile(keras.optimizers.AdamW(schedule, weight_decay=0.01, clipnorm=5.0), task.loss)
    print(f"{task.name}: {model.count_params():,} parameters, {done['chunks']} of {chunks} chunks learned", flush=True)
    started = last = time.monotonic()
    for x, y in _chunks(pool, task, done["chunks"], chunks):
        history = model.fit(x, y, batch_size=task.batch, verbose=0)
        now = time.monotonic()
        done["chunks"] += 1
        done["minutes"] += (now - last) / 60
        done["losses"].append(round(float(history.history["loss"][0]), 4))
        with replacing(file) as path:
            model.save(path)
        with replacing(log) as path:
            path.write_text(json.dumps(done))
        print(f"chunk {done['chunks']}  loss {done['losses'][-1]:.4f}  {now - last:.1f} s", flush=True)
        last = now
        if now - started > 60 * minutes:
            break
    pool.shutdown(cancel_futures=True)
    return model


def save_weights(model: Any, path: Path) -> None:
    """Write a model's weights as float16, for a later training to begin with."""
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, *[np.asarray(weight, np.float16) for weight in model.get_weights()])


def load_weights(model: Any, path: Path) -> None:
    """Set a model's weights to those that `save_weights` wrote."""
    with np.load(path) as weights:
        model.set_weights([weights[name].astype(np.float32) for name in weights.files])


def _chunks(pool: Executor, task: Task, first: int, end: int) -> Iterator[Samples]:
    """Chunk after chunk, each written while the one before it is learned."""
    parts = task.chunk // task.part

    def ask(chunk: int) -> list[Future[Samples]]:
        good = chunk >= task.good_from * end
        return [pool.submit(task.write, chunk * parts + part, task.part, good) for part in range(parts)]

    asked = ask(first)
    for chunk in range(first, end):
        done = [each.result() for each in asked]
        asked = ask(chunk + 1) if chunk + 1 < end else []
        yield np.concatenate([x for x, _ in done]), np.concatenate([y for _, y in done])
