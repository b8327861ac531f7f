"""Fine-tuned networks and jobs over HTTP: accepted, rolled back, refused, started."""

import base64
import errno

import numpy as np
import pytest
from starlette.testclient import TestClient

from drawing import png
from samples import NOW, changed, changed_numbers, correction
from tendigits.digits.network import bundled_file
from tendigits.model.onnx import with_metadata
from tendigits.numbers.network import bundled_file as bundled_numbers_file
from tendigits.pool.child import Child
from tendigits.serve.app import create_app
from tendigits.serve.config import ServerConfig
from tendigits.teach.store import MIN_CORRECTIONS
from tendigits.teach.verify import bundled_sha256

pytestmark = pytest.mark.xdist_group("server")


def with_numbers(network):
    """A network for digits that comes with one for numbers."""
    return with_metadata(changed(1.01), {"number_network": base64.b64encode(network).decode()})


def test_accept_and_roll_back(client, client_store):
    assert client.post("/v1/networks/rollback").status_code == 409
    assert client.post("/v1/networks/1/accept").status_code == 404
    files = changed(1.02), with_numbers(bundled_numbers_file())
    one, two = (client_store.add_network(data, "base", {"learned": 1}, NOW) for data in files)
    for network in (one, two):
        assert client.post(f"/v1/networks/{network.id}/accept").json()["sha256"] == network.sha256
        assert client.get("/ready").json()["network"] == network.sha256
    assert client.post("/v1/networks/rollback").json()["active"] == one.id
    listed = client.get("/v1/networks").json()
    assert (listed["active"], listed["sha256"]) == (one.id, one.sha256)
    assert [(network["id"], network["report"]) for network in listed["networks"]] == [
        (two.id, {"learned": 1}),
        (one.id, {"learned": 1}),
    ]


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (changed(-1.0), "known digits"),
        (with_numbers(changed_numbers(-1.0)), "known numbers"),
        (changed(np.nan), "expected finite outputs"),
        (b"no file", "not a complete"),
    ],
    ids=["wrong", "wrong numbers", "not finite", "broken"],
)
def test_a_bad_network_is_not_accepted_and_the_server_goes_on(client, client_store, digits, data, error):
    network = client_store.add_network(data, "base", {}, NOW)
    answer = client.post(f"/v1/networks/{network.id}/accept")
    assert answer.status_code == 409
    assert error in answer.json()["error"]
    read = client.post("/v1/read?one=true", content=png(digits.x_test[0])).json()
    assert (read["network"], read["pages"][0]["text"]) == (bundled_sha256(), str(digits.y_test[0]))


def test_a_network_from_the_command_line_stays_active(store, place, tmp_path):
    network = store.add_network(changed(1.01), "base", {}, NOW)
    model = tmp_path / "model.onnx"
    model.write_bytes(bundled_file())
    app = create_app(ServerConfig(place, tmp_path, model, workers=1))
    with TestClient(app, base_url="http://127.0.0.1") as client:
        for path in (f"/v1/networks/{network.id}/accept", "/v1/networks/rollback"):
            answer = client.post(path)
            assert answer.status_code == 409
            assert "--model" in answer.json()["error"]


def test_a_job_that_does_not_start_is_answered_with_the_reason(client, client_store, runs_folder, digits, monkeypatch):
    """The store's location is not an argument, which other users could see with `ps`."""
    started = []

    async def fail(*arguments, environment):
        started.append((arguments, environment))
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(Child, "start", fail)
    assert "at least 5 corrections to teach from, found 0" in client.post("/v1/teach").json()["error"]
    client_store.add([correction(crop) for crop in digits.x_train[:MIN_CORRECTIONS]])
    for path, body in (("teach", None), ("runs", {"recipe": "fast"})):  # the first one does not block the second
        answer = client.post(f"/v1/{path}", json=body)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert answer.json()["error"] == "the process did not start: Too many open files"
    teach = ("-m", "tendigits.pool.child", "teach", "--json")
    assert started[0] == (teach, {"TENDIGITS_STORE": str(runs_folder.parent / "a.db")})
