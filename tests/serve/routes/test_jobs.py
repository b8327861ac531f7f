"""Lessons over HTTP: begun, followed, accepted, rolled back, stopped."""

import json
import threading
import time

import numpy as np
import pytest
from starlette.testclient import TestClient

from helpers import NOW, changed, crop64, png
from tendigits.read.reader import Reader
from tendigits.serve.app import create_app
from tendigits.teach.verify import bundled_sha256


def events(client, number):
    """The server-sent events of a job, until its end."""
    with client.stream("GET", f"/v1/jobs/{number}/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        text = "".join(answer.iter_text())
    found = []
    for block in text.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if fields:  # a comment alone keeps the connection awake
            found.append((fields.get("event", "message"), json.loads(fields["data"])))
    return found


@pytest.fixture
def corrected(client, digits):
    """Forty real digits, corrected to what they are."""
    new = [
        {"crop": crop64(crop), "label": int(label), "source": "draw"}
        for crop, label in zip(digits.x_train[:40], digits.y_train[:40], strict=True)
    ]
    client.post("/v1/corrections", json={"corrections": new})
    return client


def test_too_few_corrections(client):
    answer = client.post("/v1/teach")
    assert answer.status_code == 409
    assert "at least 5 corrections to learn from, found 0" in answer.json()["error"]


@pytest.mark.slow
def test_a_lesson_from_its_beginning_to_its_end(corrected, digits):
    """With a real process that really learns."""
    job = corrected.post("/v1/teach")
    assert job.status_code == 202
    number = job.json()["id"]
    assert corrected.post("/v1/teach").status_code == 409  # one at a time
    assert corrected.post("/v1/runs", json={"recipe": "fast"}).status_code == 409
    told = events(corrected, number)
    assert [step["stage"] for kind, step in told if kind == "message" and step["stage"] != "learn"] == [
        "prepare", "judge", "done",
    ]  # fmt: skip
    assert told[-1][0] == "end"
    assert told[-1][1]["status"] == "finished", told[-1]
    listed = corrected.get("/v1/networks").json()
    assert listed["reading"] is None
    (taught,) = listed["networks"]
    assert taught["report"]["learned"] == 32
    assert taught["report"]["held_out"]["n"] == 8
    assert taught["report"]["mnist"]["after"] > 0.98
    accepted = corrected.post(f"/v1/networks/{taught['id']}/accept").json()
    assert (accepted["reading"], accepted["sha256"]) == (taught["id"], taught["sha256"])
    read = corrected.post("/v1/read?one=true", content=png(digits.x_test[0]), headers={"content-type": "image/png"})
    assert read.json()["network"] == taught["sha256"]
    back = corrected.post("/v1/networks/rollback").json()
    assert (back["reading"], back["sha256"]) == (None, bundled_sha256())
    assert corrected.get("/v1/jobs/last").json()["status"] == "finished"


def test_accept_and_roll_back(client, store):
    assert client.post("/v1/networks/rollback").status_code == 409
    assert client.post("/v1/networks/1/accept").status_code == 404
    one, two = (store.add_network(changed(factor), "base", {"learned": 1}, NOW) for factor in (1.01, 1.02))
    for taught in (one, two):
        assert client.post(f"/v1/networks/{taught.id}/accept").json()["sha256"] == taught.sha256
        assert client.get("/ready").json()["network"] == taught.sha256
    assert client.post("/v1/networks/rollback").json()["reading"] == one.id
    assert client.get("/ready").json()["network"] == one.sha256


def test_a_bad_network_is_not_accepted_and_the_server_goes_on(client, store, digits):
    taught = store.add_network(changed(-1.0), "base", {}, NOW)
    answer = client.post(f"/v1/networks/{taught.id}/accept")
    assert answer.status_code == 409
    assert "known digits" in answer.json()["error"]
    assert store.reading() is None
    assert client.get("/ready").json()["network"] == bundled_sha256()
    read = client.post("/v1/read?one=true", content=png(digits.x_test[0]), headers={"content-type": "image/png"})
    assert read.json()["pages"][0]["text"] == str(digits.y_test[0])


def test_nobody_is_disturbed_while_networks_change(client, store, digits):
    """Requests all the while; each answer is of one of the two networks, whole."""
    one = store.add_network(changed(1.01), "base", {}, NOW)
    known = {bundled_sha256(), one.sha256}
    seen, stop = [], threading.Event()

    def ask():
        while not stop.is_set():
            answer = client.post(
                "/v1/read?one=true", content=png(digits.x_test[1]), headers={"content-type": "image/png"}
            )
            seen.append((answer.status_code, answer.json()["network"], answer.json()["pages"][0]["text"]))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        client.post(f"/v1/networks/{one.id}/accept")
        time.sleep(0.05)
        client.post("/v1/networks/rollback")
    stop.set()
    for thread in threads:
        thread.join()
    assert {status for status, *_ in seen} == {200}
    assert {network for _, network, _ in seen} <= known
    assert {text for *_, text in seen} == {str(digits.y_test[1])}


def test_a_chosen_network_stays(store, place, tmp_path):
    taught = store.add_network(changed(1.01), "base", {}, NOW)
    app = create_app(store, place, reader=Reader(), runs=tmp_path, now=lambda: NOW)
    with TestClient(app, base_url="http://127.0.0.1") as client:
        for path in (f"/v1/networks/{taught.id}/accept", "/v1/networks/rollback"):
            answer = client.post(path)
            assert answer.status_code == 409
            assert "--model" in answer.json()["error"]


def test_jobs_that_are_not_there(client):
    assert client.get("/v1/jobs/last").json() is None
    assert client.get("/v1/jobs/7/events").status_code == 404
    assert client.delete("/v1/jobs/7").status_code == 404
    assert client.delete("/v1/jobs/0").status_code == 422


def test_the_crops_of_a_lesson_are_those_of_the_store(corrected, store, digits):
    kept = sorted(item.crop.tobytes() for item in store.corrections())
    assert kept == sorted(crop.tobytes() for crop in np.asarray(digits.x_train[:40]))
