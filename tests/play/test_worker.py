"""The process of the playground: requests in, responses and events out; drawings are answered while it learns."""

import base64
import json
import threading

import numpy as np
import pytest

from tendigits.play import worker as module
from tendigits.play.worker import Worker

SMALL = {"hidden": [12], "digits": 200, "batch_size": 50}
BLANK = base64.b64encode(bytes(784)).decode()


@pytest.fixture
def sent():
    return []


@pytest.fixture
def worker(digits, sent):
    return Worker(digits, sent.append)


def events(sent, kind, network="a"):
    return [each["data"] for each in sent if each.get("event") == kind and each["network"] == network]


def learn(worker):
    while worker.learn():
        pass


def test_build_step_epoch_pause_reset(worker, sent):
    assert worker.build("a", SMALL) == {"layers": [12, 10]}
    assert [each["event"] for each in sent] == ["check", "tick"]
    assert events(sent, "check")[0]["epoch"] == 0
    worker.step("batch")
    assert (events(sent, "tick")[-1]["steps"], events(sent, "tick")[-1]["epoch"]) == (1, 0.25)
    worker.step("epoch")
    learn(worker)
    last = events(sent, "tick")[-1]
    assert (last["steps"], last["epoch"], last["status"]) == (4, 1.0, "paused")
    assert events(sent, "check")[-1]["epoch"] == 1.0
    assert len(last["curve"]["test"]) == 3
    n_checks = len(events(sent, "check"))
    worker.pause()
    assert len(events(sent, "check")) == n_checks  # nothing has changed
    worker.reset()
    assert (events(sent, "tick")[-1]["steps"], events(sent, "check")[-1]["epoch"]) == (0, 0)


def test_two_networks_learn_in_turn_and_a_pause_stops_both(worker, sent, monkeypatch):
    monkeypatch.setattr(module, "TEST_SECONDS", 0.0)
    worker.build("a", SMALL)
    worker.build("b", SMALL | {"hidden": [], "batch_size": 20})
    worker.train()
    for _ in range(60):
        assert worker.learn()
        a, b = (events(sent, "tick", name)[-1]["epoch"] for name in "ab")
        assert abs(a - b) <= 2
    assert [each["epoch"] for each in events(sent, "check")][:3] == [0, 1, 2]  # a test after each epoch
    assert events(sent, "tick", "b")[-1]["status"] == "running"
    worker.pause()
    assert not worker.learn()
    assert {events(sent, "tick", name)[-1]["status"] for name in "ab"} == {"paused"}
    worker.remove("a")
    worker.step("batch")
    assert set(worker.draw(BLANK)) == {"b"}


@pytest.mark.parametrize("factor", [np.nan, np.inf])
def test_a_network_that_diverges_fails_alone(worker, sent, spoil, factor):
    for name in "ab":
        worker.build(name, SMALL)
    spoil(worker.networks["b"].learner, factor)
    worker.step("epoch")
    learn(worker)
    assert events(sent, "tick")[-1]["status"] == "paused"
    failed = events(sent, "tick", "b")[-1]
    assert failed["status"] == "failed"
    assert "try a smaller learning rate" in failed["error"]
    assert set(worker.draw(BLANK)) == {"a"}
    worker.answer({"id": 1, "do": "look", "network": "b", "layer": 1, "unit": 0})
    assert "too large to compute with" in sent[-1]["error"]
    worker.answer({"id": 2, "do": "look", "network": "c", "layer": 0, "unit": 0})
    assert sent[-1] == {"id": 2, "error": "there is no network 'c'; make it first"}
    worker.answer({"id": 3, "do": "look", "network": "a", "layer": 0, "unit": 12})
    assert "expected a unit of layers with [12, 10] units" in sent[-1]["error"]
    json.dumps(sent, allow_nan=False)
    worker.reset()
    assert events(sent, "tick", "b")[-1]["status"] == "paused"


def test_a_drawing_is_answered_while_another_request_takes_long(worker, sent, monkeypatch):
    """The request before it waits until the drawing has its answer."""
    answered = threading.Event()

    def send(message):
        sent.append(message)
        if message.get("id") == 3:
            answered.set()

    worker.send = send
    worker.build("a", SMALL)
    monkeypatch.setattr(worker, "train", lambda: answered.wait(30))
    worker.run([json.dumps(each) for each in ({"id": 2, "do": "train"}, {"id": 3, "do": "draw", "pixels": BLANK})])
    results = {each["id"]: each["result"] for each in sent if "id" in each}
    assert results[2] is True  # it did not wait in vain
    assert results[3]["a"]["probabilities"]
