"""Fine-tuned networks over HTTP: accepted, rolled back or refused."""

import errno
import threading

import numpy as np
import pytest
from starlette.testclient import TestClient

from helpers import NOW, changed, correction, png
from tendigits.serve.app import create_app
from tendigits.serve.config import ServerConfig
from tendigits.teach.store import MIN_CORRECTIONS
from tendigits.teach.verify import bundled_sha256

pytestmark = pytest.mark.xdist_group("server")


def test_too_few_corrections(client):
    answer = client.post("/v1/teach")
    assert answer.status_code == 409
    assert "at least 5 corrections to teach from, found 0" in answer.json()["error"]


def test_accept_and_roll_back(client, client_store):
    assert client.post("/v1/networks/rollback").status_code == 409
    assert client.post("/v1/networks/1/accept").status_code == 404
    one, two = (client_store.add_network(changed(factor), "base", {"learned": 1}, NOW) for factor in (1.01, 1.02))
    for network in (one, two):
        assert client.post(f"/v1/networks/{network.id}/accept").json()["sha256"] == network.sha256
        assert client.get("/ready").json()["network"] == network.sha256
    assert client.post("/v1/networks/rollback").json()["active"] == one.id
    assert client.get("/ready").json()["network"] == one.sha256


@pytest.mark.parametrize(
    ("data", "error"),
    [(changed(-1.0), "known digits"), (changed(np.nan), "expected finite weights"), (b"no file", "not a complete")],
    ids=["wrong", "not finite", "broken"],
)
def test_a_bad_network_is_not_accepted_and_the_server_goes_on(client, client_store, digits, data, error):
    network = client_store.add_network(data, "base", {}, NOW)
    answer = client.post(f"/v1/networks/{network.id}/accept")
    assert answer.status_code == 409
    assert error in answer.json()["error"]
    assert client_store.active_network() is None
    read = client.post("/v1/read?one=true", content=png(digits.x_test[0])).json()
    assert (read["network"], read["pages"][0]["text"]) == (bundled_sha256(), str(digits.y_test[0]))


def test_requests_are_answered_by_one_network_each_while_networks_change(client, client_store, digits):
    network = client_store.add_network(changed(1.01), "base", {}, NOW)
    seen, stop = [], threading.Event()

    def ask():
        while not stop.is_set():
            answer = client.post("/v1/read?one=true", content=png(digits.x_test[1]))
            seen.append((answer.status_code, answer.json()["network"], answer.json()["pages"][0]["text"]))

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        client.post(f"/v1/networks/{network.id}/accept")
        client.post("/v1/networks/rollback")
    stop.set()
    for thread in threads:
        thread.join()
    assert {status for status, *_ in seen} == {200}
    assert {sha256 for _, sha256, _ in seen} <= {bundled_sha256(), network.sha256}
    assert {text for *_, text in seen} == {str(digits.y_test[1])}


def test_a_network_from_the_command_line_stays_active(store, place, tmp_path):
    network = store.add_network(changed(1.01), "base", {}, NOW)
    (tmp_path / "mine.onnx").write_bytes(changed(1.02))
    app = create_app(ServerConfig(place, tmp_path, tmp_path / "mine.onnx", workers=1), now=lambda: NOW)
    with TestClient(app, base_url="http://127.0.0.1") as client:
        for path in (f"/v1/networks/{network.id}/accept", "/v1/networks/rollback"):
            answer = client.post(path)
            assert answer.status_code == 409
            assert "--model" in answer.json()["error"]
        assert client.get("/v1/jobs/last").json() is None


def test_training_that_does_not_start_is_answered_with_the_reason(client, monkeypatch):
    async def fail(*_, **__):
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr("tendigits.serve.jobs.asyncio.create_subprocess_exec", fail)
    for _ in range(2):  # the first one does not stay "running"
        answer = client.post("/v1/runs", json={"recipe": "fast"})
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert answer.json()["error"] == "the process did not start: Too many open files"
    assert client.get("/v1/jobs/last").json()["status"] == "failed"


def test_the_location_of_the_store_is_not_an_argument_that_others_see(
    client, client_store, application, digits, monkeypatch
):
    """A URL may hold a password, and `ps` shows arguments to every user."""
    started = {}

    async def fail(*command, env, **_):
        started.update(command=command, store=env["TENDIGITS_STORE"])
        raise OSError(errno.EMFILE, "Too many open files")

    client_store.add([correction(crop) for crop in digits.x_train[:MIN_CORRECTIONS]])
    monkeypatch.setattr("tendigits.serve.jobs.asyncio.create_subprocess_exec", fail)
    assert client.post("/v1/teach").status_code == 503
    assert started["command"][1:] == ("-m", "tendigits", "teach", "--json")
    assert started["store"] == application[1].store


def test_jobs_that_do_not_exist(client):
    assert client.get("/v1/jobs/7/events").status_code == 404
    assert client.delete("/v1/jobs/7").status_code == 404
    assert client.delete("/v1/jobs/0").status_code == 422
