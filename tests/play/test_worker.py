"""The process: requests in, responses and events out; the pen is answered while it learns."""

import base64
import json
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from tendigits.play import worker as module
from tendigits.play.worker import Trainer, Worker

SMALL = {"hidden": [12], "digits": 200, "batch_size": 50}


@pytest.fixture
def trainer(play_digits):
    """A trainer, and the list of what it has sent."""
    sent = []
    return Trainer(play_digits, sent.append), sent


def events(sent, kind, network="a"):
    return [each["data"] for each in sent if each.get("event") == kind and each["network"] == network]


def spoil(learner, factor):
    """Multiply its first weights."""
    (first, *others), *rest = learner._state
    learner._state = ([first * factor, *others], *rest)


def run(trainer):
    while trainer.is_learning:
        trainer.continue_()


def test_make_step_epoch_reset(trainer):
    trainer, sent = trainer
    assert trainer.build("a", SMALL) == {"layers": [12, 10]}
    assert [each["event"] for each in sent] == ["check", "tick"]
    assert events(sent, "check")[0]["epoch"] == 0
    trainer.step("batch")
    assert (events(sent, "tick")[-1]["steps"], events(sent, "tick")[-1]["epoch"]) == (1, 0.25)
    trainer.step("epoch")
    run(trainer)
    last = events(sent, "tick")[-1]
    assert (last["steps"], last["epoch"], last["status"]) == (4, 1.0, "paused")
    assert events(sent, "check")[-1]["epoch"] == 1.0
    assert len(last["curve"]["test"]) == 3
    n_checks = len(events(sent, "check"))
    trainer.pause()
    assert len(events(sent, "check")) == n_checks  # nothing has changed
    trainer.reset()
    assert (events(sent, "tick")[-1]["steps"], events(sent, "check")[-1]["epoch"]) == (0, 0)


def test_two_networks_learn_in_turn_and_a_pause_holds_both(trainer, monkeypatch):
    monkeypatch.setattr(module, "CHECK_SECONDS", 0.0)
    trainer, sent = trainer
    trainer.build("a", SMALL)
    trainer.build("b", SMALL | {"hidden": [], "batch_size": 20})
    trainer.train()
    for _ in range(60):
        trainer.continue_()
        a, b = (trainer.learners[name].progress for name in "ab")
        assert abs(a - b) <= 1  # a dispatch never goes beyond an epoch
    assert [each["epoch"] for each in events(sent, "check")][:3] == [0, 1, 2]  # each epoch is followed by a check
    assert events(sent, "tick", "b")[-1]["status"] == "running"
    trainer.pause()
    assert not trainer.is_learning
    assert {events(sent, "tick", name)[-1]["status"] for name in "ab"} == {"paused"}
    trainer.remove("a")
    trainer.step("batch")
    assert set(trainer.learners) == {"b"}


def test_a_network_whose_loss_is_not_finite_fails_alone(trainer):
    trainer, sent = trainer
    for name in "ab":
        trainer.build(name, SMALL)
    learner = trainer.learners["b"]
    spoil(learner, np.nan)
    trainer.step("epoch")
    run(trainer)
    assert events(sent, "tick")[-1]["status"] == "paused"
    failed = events(sent, "tick", "b")[-1]
    assert failed["status"] == "failed"
    assert "try a smaller learning rate" in failed["error"]
    assert set(trainer.draw(base64.b64encode(bytes(784)).decode())) == {"a"}
    json.dumps(sent, allow_nan=False)
    trainer.reset()
    assert events(sent, "tick", "b")[-1]["status"] == "paused"


def test_weights_that_overflow_in_the_last_step_are_found_by_the_check(trainer):
    trainer, sent = trainer
    trainer.build("a", SMALL)
    learner = trainer.learners["a"]
    spoil(learner, np.inf)
    learner.steps += 1
    trainer.train()
    trainer._show("a")
    assert events(sent, "tick")[-1]["status"] == "failed"
    assert not trainer.is_learning
    json.dumps(sent, allow_nan=False)
    worker = Worker.__new__(Worker)
    worker.send, worker.trainer = sent.append, trainer
    worker._answer({"id": 1, "do": "look", "network": "a", "layer": 1, "unit": 0})
    assert "too large to compute with" in sent[-1]["error"]


def test_a_drawing_has_the_answer_of_the_network_and_its_units_as_bytes(trainer, play_digits):
    trainer, _ = trainer
    trainer.build("a", SMALL | {"activation": "tanh"})
    found = trainer.draw(base64.b64encode(play_digits.x_test[3].tobytes()).decode())
    learner = trainer.learners["a"]
    hidden, output = learner.probe(learner.weights, play_digits.test_input[3:4])
    np.testing.assert_allclose(found["a"]["probabilities"], output[0], atol=1e-5)
    (layer,) = found["a"]["layers"]
    units = np.frombuffer(base64.b64decode(layer["units"]), np.uint8)
    back = layer["low"] + units / 255 * (layer["high"] - layer["low"])
    assert layer["low"] < 0 < layer["high"]
    np.testing.assert_allclose(back, hidden[0], atol=(layer["high"] - layer["low"]) / 255)


def test_the_pen_is_answered_while_another_request_takes_long(play_digits, monkeypatch):
    """The training thread waits until the drawing has its answer."""
    monkeypatch.setattr(module.Digits, "load", classmethod(lambda _: play_digits))
    answered, sent = threading.Event(), []

    def send(message):
        sent.append(message)
        if message.get("id") == 3:
            answered.set()

    worker = Worker(send)
    worker.trainer.build("a", SMALL)
    monkeypatch.setattr(worker.trainer, "train", lambda: answered.wait(30))
    pixels = base64.b64encode(bytes(784)).decode()
    worker.run([json.dumps(each) for each in ({"id": 2, "do": "train"}, {"id": 3, "do": "draw", "pixels": pixels})])
    assert answered.is_set()
    assert next(each for each in sent if each.get("id") == 3)["result"]["a"]["probabilities"]


def test_requests_that_cannot_be_fulfilled_have_a_sentence(trainer, play_digits, monkeypatch):
    monkeypatch.setattr(module.Digits, "load", classmethod(lambda _: play_digits))
    sent = []
    worker = Worker(sent.append)
    for request, sentence in (
        ({"do": "look", "network": "b", "layer": 0, "unit": 0}, "there is no network 'b'; make it first"),
        ({"do": "compare"}, "there is no network 'a'; make it first"),
        ({"do": "build", "network": "a", "experiment": {"hidden": [0]}}, "recipe field 'hidden'"),
    ):
        worker._answer({"id": 7, **request})
        assert sentence in sent[-1]["error"]


@pytest.mark.slow
def test_the_process_ends_with_its_input_also_while_it_learns():
    command = [sys.executable, "-m", "tendigits.play.worker"]
    pipe = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipe) as process:
        for request in ({"id": 1, "do": "build", "network": "a", "experiment": SMALL}, {"id": 2, "do": "train"}):
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
        line = {}
        while line.get("data", {}).get("status") != "running":
            line = json.loads(process.stdout.readline())
        process.stdin.close()
        assert process.wait(30) == 0


@pytest.mark.slow
def test_the_process_ends_with_a_server_that_was_killed(tmp_path):
    """SIGKILL closes the pipe: nothing is left that learns for nobody."""
    code = (
        "import asyncio\nfrom tendigits.play.session import Playground\n"
        "from tendigits.play.experiment import Experiment\n"
        "async def main():\n    play = Playground()\n    await play.build('a', Experiment(hidden=(8,), digits=100))\n"
        "    await play.ask('train')\n    print(play._process.pid, flush=True)\n    await asyncio.sleep(600)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as server:
        pid = int(server.stdout.readline())
        server.send_signal(signal.SIGKILL)
    for _ in range(300):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    pytest.fail("the process is still there")
