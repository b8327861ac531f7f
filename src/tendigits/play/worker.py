"""The process in which the playground's networks learn: one JSON request a line in, responses and events out.

python -m tendigits.play.worker
{"id": 1, "do": "build", "network": "a", "experiment": {}}   ->   {"id": 1, "result": {...}}
{"id": 2, "do": "train"}                                     ->   {"id": 2, "result": null}, {"event": "tick", ...}

One thread trains, and between two dispatches it does what was asked. Drawings are answered by the other thread, from
the weights of the last dispatch, so that the pen does not wait for training. The process ends when its input does.
"""

import base64
import json
import math
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

import numpy as np

import tendigits  # noqa: F401  # it makes JAX Keras' backend
from tendigits.data.preprocess import to_input
from tendigits.errors import DivergedError, TendigitsError, reason_of
from tendigits.play.check import check, describe_unit, encode
from tendigits.play.compare import compare
from tendigits.play.digits import Digits
from tendigits.play.experiment import Experiment
from tendigits.play.learner import Learner

NETWORKS = ("a", "b")

TICK_SECONDS = 0.1
"""Between two events of a network that learns."""

CHECK_SECONDS = 1.0
"""A check takes 0.2 s: epochs of a few digits, of which there are thirty a second, are not all followed by one."""

Send = Callable[[dict[str, Any]], None]


class Trainer:
    """The networks and what they are doing. Its methods run in one thread, but for `draw`."""

    def __init__(self, digits: Digits, send: Send) -> None:
        self.digits, self.send = digits, send
        self.learners: dict[str, Learner] = {}
        self.until: dict[str, float] = {}
        """Network -> the epoch at which it pauses; only those that learn."""
        self.failed: dict[str, str] = {}
        self._ticked: dict[str, float] = {}
        self._checked: dict[str, tuple[float, int]] = {}
        """Network -> when it was last checked, and after how many steps."""

    def build(self, network: str, experiment: dict[str, Any]) -> dict[str, Any]:
        """Make a network anew."""
        self.remove(network)
        learner = Learner(Experiment(**experiment), self.digits)
        self.learners[network] = learner
        self._show(network)
        return {"layers": [layer.units for layer in learner.dense]}

    def remove(self, network: str) -> None:
        """Forget a network."""
        for known in (self.learners, self.until, self.failed, self._ticked, self._checked):
            known.pop(network, None)

    def reset(self) -> None:
        """All networks as they were at the beginning."""
        self.until.clear()
        self.failed.clear()
        for network, learner in self.learners.items():
            learner.reset()
            self._show(network)

    def train(self) -> None:
        """Learn until `pause`."""
        self.until = dict.fromkeys(self._able(), math.inf)
        self._tick_all()

    def pause(self) -> None:
        """Stop learning, and check where it stands."""
        self.until.clear()
        for network in self.learners:
            self._show(network)

    def step(self, unit: str) -> None:
        """Learn from one batch, or to the end of the epoch."""
        if unit == "epoch":
            self.until = {network: self.learners[network].epoch + 1 for network in self._able()}
            return
        self.until.clear()
        for network in self._able():
            self._advance(network, 1)
            self._show(network)

    def look(self, network: str, layer: int, unit: int) -> dict[str, Any]:
        """One unit."""
        return describe_unit(self._learner(network), layer, unit)

    def compare(self) -> dict[str, Any]:
        """Network a beside network b, on the test digits."""
        return compare(self._learner("a"), self._learner("b"))

    def draw(self, pixels: str) -> dict[str, Any]:
        """What each network says to a digit, and each layer's outputs as bytes: 784 bytes in base64 are the digit.

        A network whose outputs are no longer finite says nothing.

        May be called while another thread trains: weights are replaced as a whole, never changed.
        """
        x = to_input(np.frombuffer(base64.b64decode(pixels), np.uint8).reshape(1, 28, 28))
        found = {network: _outputs(learner, x) for network, learner in sorted(self.learners.items())}
        return {network: outputs for network, outputs in found.items() if outputs is not None}

    @property
    def is_learning(self) -> bool:
        """Whether `continue_` has something to do."""
        return bool(self.until)

    def continue_(self) -> None:
        """One dispatch of the network that has learned least, so that both are seen at the same epoch."""
        network = min(self.until, key=lambda name: self.learners[name].progress)
        learner, before = self.learners[network], self.learners[network].epoch
        self._advance(network)
        has_arrived = learner.epoch >= self.until.get(network, 0)
        if has_arrived or network in self.failed:
            self.until.pop(network, None)
        since = time.monotonic() - self._checked[network][0]
        if network not in self.until or (learner.epoch > before and since >= CHECK_SECONDS):
            self._show(network)
        elif time.monotonic() - self._ticked[network] >= TICK_SECONDS:
            self._tick(network)

    def _advance(self, network: str, steps: int | None = None) -> None:
        try:
            self.learners[network].advance(steps)
        except DivergedError as error:
            self.failed[network] = str(error)

    def _able(self) -> list[str]:
        return [network for network in self.learners if network not in self.failed]

    def _learner(self, network: str) -> Learner:
        return self.learners[network]

    def _show(self, network: str) -> None:
        """Send a check, unless the network has not changed since the last, and a tick."""
        learner = self.learners[network]
        if self._checked.get(network, (0, -1))[1] != learner.steps:
            try:
                self.send({"event": "check", "network": network, "data": check(learner)})
            except DivergedError as error:
                self.failed[network] = str(error)
                self.until.pop(network, None)
            self._checked[network] = time.monotonic(), learner.steps
        self._tick(network)

    def _tick_all(self) -> None:
        for network in self.learners:
            self._tick(network)

    def _tick(self, network: str) -> None:
        learner = self.learners[network]
        status = "failed" if network in self.failed else "running" if network in self.until else "paused"
        self.send({
            "event": "tick", "network": network,
            "data": {
                "status": status, "error": self.failed.get(network), "steps": learner.steps,
                "epoch": learner.progress, "curve": learner.curve.as_dict(),
            },
        })  # fmt: skip
        self._ticked[network] = time.monotonic()


def _outputs(learner: Learner, x: np.ndarray) -> dict[str, Any] | None:
    *hidden, (probabilities,) = outputs = learner.probe(learner.weights, x)
    if not all(np.isfinite(layer).all() for layer in outputs):
        return None
    return {"probabilities": probabilities.round(5).tolist(), "layers": [_as_bytes(layer[0]) for layer in hidden]}


def _as_bytes(outputs: np.ndarray) -> dict[str, Any]:
    """A layer's outputs as bytes: 0 for the lowest, at most zero, 255 for the highest."""
    low, high = min(0.0, float(outputs.min())), max(0.0, float(outputs.max()))
    scale = max(high - low, 1e-12)
    return {"low": low, "high": high, "units": encode(np.rint(255 * (outputs - low) / scale))}


DRAW = "draw"
REQUESTS = ("build", "remove", "reset", "train", "pause", "step", "look", "compare", DRAW)


class Worker:
    """Reads requests in one thread, and trains in another."""

    def __init__(self, send: Send) -> None:
        self.send = send
        self.trainer = Trainer(Digits.load(), send)
        self._requests: queue.Queue[dict[str, Any] | None] = queue.Queue()
        """What the training thread is to do; None ends it."""

    def run(self, lines: Any) -> None:
        """Answer requests until there are no more."""
        training = threading.Thread(target=self._train)
        training.start()
        for line in lines:
            request = json.loads(line)
            if request["do"] == DRAW:
                self._answer(request)
            else:
                self._requests.put(request)
        self._requests.put(None)
        training.join()  # JAX does not survive that Python ends while it computes

    def _train(self) -> None:
        try:
            while True:
                try:
                    request = self._requests.get(block=not self.trainer.is_learning)
                except queue.Empty:
                    self.trainer.continue_()
                    continue
                if request is None:
                    return
                self._answer(request)
        except BaseException:
            traceback.print_exc()
            os._exit(1)  # the other thread waits for requests that nobody would answer

    def _answer(self, request: dict[str, Any]) -> None:
        number, do = request.pop("id"), request.pop("do")
        try:
            result = getattr(self.trainer, do)(**request) if do in REQUESTS else None
            self.send({"id": number, "result": result})
        except TendigitsError as error:
            self.send({"id": number, "error": str(error)})
        except KeyError as error:
            self.send({"id": number, "error": f"there is no network {reason_of(error)}; make it first"})


def main() -> None:
    """Serve standard input and output. Whatever else is printed goes to standard error."""
    output = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    lock = threading.Lock()

    def send(message: dict[str, Any]) -> None:
        line = json.dumps(message) + "\n"
        with lock:
            output.write(line)

    Worker(send).run(sys.stdin)


if __name__ == "__main__":
    main()
