"""The process in which the playground's networks learn: one JSON request a line in, responses and events out.

python -m tendigits.play.worker
{"id": 1, "do": "build", "network": "a", "experiment": {}}   ->   {"id": 1, "result": {...}}
{"id": 2, "do": "train"}                                     ->   {"id": 2, "result": null}, {"event": "tick", ...}

One thread trains, and answers requests between some steps. The other thread answers drawings at once, with the weights
of the last finished steps. The process ends when its input does.
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
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

import tendigits  # noqa: F401  # it makes JAX Keras' backend
from tendigits.data.dataset import Dataset
from tendigits.data.load import load
from tendigits.errors import DivergedError, TendigitsError, reason_of
from tendigits.play import views
from tendigits.play.experiment import Experiment
from tendigits.play.learner import Learner

TICK_SECONDS = 0.1  # between two events of a network that learns
TEST_SECONDS = 1.0  # between two tests: one takes 0.2 seconds, and with few digits there are thirty epochs a second


@dataclass(eq=False)
class Network:
    """A learner and what it is doing. It pauses at the epoch `until`, and cannot learn after an error."""

    learner: Learner
    until: float = 0.0
    error: str | None = None
    ticked_at: float = 0.0
    tested_at: float = 0.0
    tested_steps: int = -1

    @property
    def status(self) -> str:
        """running, paused or failed."""
        if self.error is not None:
            return "failed"
        return "running" if self.learner.epoch < self.until else "paused"

    def advance(self, steps: int | None = None) -> None:
        """Learn for some steps, unless it cannot."""
        try:
            if self.error is None:
                self.learner.advance(steps)
        except DivergedError as error:
            self.error = str(error)


class Worker:
    """The networks, and the requests to them: `build` to `draw` are what a request can ask for in "do"."""

    def __init__(self, dataset: Dataset, send: Callable[[dict[str, Any]], None]) -> None:
        self.dataset, self.send = dataset, send
        self.networks: dict[str, Network] = {}
        self._requests: queue.Queue[dict[str, Any] | None] = queue.Queue()

    def build(self, network: str, experiment: dict[str, Any]) -> dict[str, Any]:
        """Make a network, in place of an earlier one."""
        self.remove(network)
        learner = Learner(Experiment(**experiment), self.dataset)
        self.networks[network] = Network(learner)
        self._show(network)
        return {"layers": [layer.units for layer in learner.dense]}

    def remove(self, network: str) -> None:
        """Forget a network."""
        self.networks.pop(network, None)

    def reset(self) -> None:
        """Give all networks their initial weights."""
        for name, network in self.networks.items():
            network.until, network.error = 0.0, None
            network.learner.reset()
            self._show(name)

    def train(self) -> None:
        """Learn until `pause`."""
        for name, network in self.networks.items():
            network.until = math.inf
            self._tick(name)

    def pause(self) -> None:
        """Stop learning, and test the networks."""
        for name, network in self.networks.items():
            network.until = 0.0
            self._show(name)

    def step(self, unit: str) -> None:
        """Learn from one batch, or to the end of the epoch."""
        for name, network in self.networks.items():
            if unit == "epoch":
                network.until = network.learner.epoch + 1
            else:
                network.until = 0.0
                network.advance(1)
                self._show(name)

    def look(self, network: str, layer: int, unit: int) -> dict[str, Any]:
        """What one unit responds to."""
        return views.describe_unit(self.networks[network].learner, layer, unit)

    def compare(self) -> dict[str, Any]:
        """Compare the networks a and b on the test digits."""
        return views.compare(self.networks["a"].learner, self.networks["b"].learner)

    def draw(self, pixels: str) -> dict[str, Any]:
        """What each network outputs for a digit, 784 bytes in base64; one that has diverged is left out.

        The only request that is answered while another thread trains.
        """
        crop = np.frombuffer(base64.b64decode(pixels), np.uint8).reshape(28, 28)
        found = {name: views.draw(network.learner, crop) for name, network in sorted(self.networks.items())}
        return {name: outputs for name, outputs in found.items() if outputs is not None}

    def run(self, lines: Iterable[str]) -> None:
        """Answer requests until there are no more."""
        training = threading.Thread(target=self._train)
        training.start()
        for line in lines:
            request = json.loads(line)
            if request["do"] == "draw":
                self.answer(request)
            else:
                self._requests.put(request)
        self._requests.put(None)
        training.join()  # JAX crashes if Python ends while it computes

    def answer(self, request: dict[str, Any]) -> None:
        """Do what is asked for, and send the result or the error."""
        number, do = request.pop("id"), request.pop("do")
        try:
            self.send({"id": number, "result": getattr(self, do)(**request)})
        except TendigitsError as error:
            self.send({"id": number, "error": str(error)})
        except KeyError as error:
            self.send({"id": number, "error": f"there is no network {reason_of(error)}; make it first"})

    def learn(self) -> bool:
        """Advance the network that has learned least, so that both are at the same epoch; False if none learns."""
        running = {name: network for name, network in self.networks.items() if network.status == "running"}
        if not running:
            return False
        name, network = min(running.items(), key=lambda item: item[1].learner.progress)
        epoch = network.learner.epoch
        network.advance()
        now = time.monotonic()
        is_due = network.learner.epoch > epoch and now - network.tested_at >= TEST_SECONDS
        if is_due or network.status != "running":
            self._show(name)
        elif now - network.ticked_at >= TICK_SECONDS:
            self._tick(name)
        return True

    def _train(self) -> None:
        try:
            while True:
                if self._requests.empty() and self.learn():
                    continue
                if (request := self._requests.get()) is None:
                    return
                self.answer(request)
        except BaseException:
            traceback.print_exc()
            os._exit(1)  # the other thread waits for requests that nobody would answer

    def _show(self, name: str) -> None:
        """Send test results, unless the network has not changed since the last ones, and a tick."""
        network = self.networks[name]
        if network.tested_steps != network.learner.steps:
            try:
                self.send({"event": "check", "network": name, "data": views.evaluate(network.learner)})
            except DivergedError as error:
                network.error = str(error)
            network.tested_at, network.tested_steps = time.monotonic(), network.learner.steps
        self._tick(name)

    def _tick(self, name: str) -> None:
        network = self.networks[name]
        learner = network.learner
        data = {
            "status": network.status,
            "error": network.error,
            "steps": learner.steps,
            "epoch": learner.progress,
            "curve": {"training": learner.training_curve.points, "test": learner.test_curve.points},
        }
        self.send({"event": "tick", "network": name, "data": data})
        network.ticked_at = time.monotonic()


def main() -> None:
    """Serve standard input and output."""
    lock = threading.Lock()

    def send(message: dict[str, Any]) -> None:
        with lock:
            sys.stdout.write(json.dumps(message) + "\n")
            sys.stdout.flush()

    Worker(load(), send).run(sys.stdin)


if __name__ == "__main__":
    main()
