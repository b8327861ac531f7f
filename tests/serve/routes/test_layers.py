"""Networks of runs over HTTP: they read and show their layers, few are kept; one that can't be opened is an error."""

import asyncio
import base64
import multiprocessing
import shutil
import time

import numpy as np
import pytest

from drawing import crop64, png
from tendigits.read.reader import Reader
from tendigits.serve.networks import RunNetworks

pytestmark = pytest.mark.xdist_group("report")  # the same finished runs


@pytest.fixture
def with_runs(client, runs, runs_folder):
    shutil.copytree(runs, runs_folder)
    yield client
    shutil.rmtree(runs_folder)


def test_a_run_reads_and_shows_its_layers(with_runs, runs, digits):
    picture = png(255 - np.kron(digits.x_test[0], np.ones((4, 4), np.uint8)))
    answer = with_runs.post("/v1/read?one=true&crops=true&run=b", content=picture)
    assert answer.status_code == 200
    digit = answer.json()["pages"][0]["numbers"][0]["digit"]
    expected = Reader(runs / "b").digit(picture)
    assert digit["label"] == expected.label
    np.testing.assert_allclose(digit["probabilities"], expected.probabilities, atol=1e-4)
    assert with_runs.post("/v1/read?one=true", content=picture).json()["network"] != answer.json()["network"]
    layers = with_runs.post("/v1/layers?run=b", json={"crop": digit["crop"]}).json()["layers"]
    assert [layer["name"] for layer in layers] == ["hidden layer 1: 16 units", "hidden layer 2: 8 units"]
    assert [len(base64.b64decode(layer["units"])) for layer in layers] == [16, 8]
    assert all(layer["low"] == 0 <= layer["high"] for layer in layers)  # ReLU
    reader = with_runs.post("/v1/layers", json={"crop": digit["crop"]}).json()["layers"]
    assert reader[0]["name"].startswith("convolution 1: ")


def test_a_run_that_cannot_be_opened_is_an_error_of_that_request(with_runs, runs_folder, digits):
    picture, crop = png(255 - digits.x_test[0]), {"crop": crop64(digits.x_test[0])}
    for name in ("nothing", "..", "..%2fa", "%00"):
        for path, body in (("read", {"content": picture}), ("layers", {"json": crop})):
            assert with_runs.post(f"/v1/{path}?run={name}", **body).status_code == 404, name
    model = runs_folder / "a" / "model.keras"
    model.write_bytes(model.read_bytes()[:5000])
    answer = with_runs.post("/v1/read?run=a", content=picture)
    assert answer.status_code == 409
    assert "model.keras" in answer.json()["error"]
    assert with_runs.post("/v1/read", content=picture).status_code == 200


def test_a_client_that_leaves_ends_the_opening_of_its_run(runs):
    async def test():
        networks = RunNetworks(runs)
        leaving = asyncio.create_task(networks.load("a", "127.0.0.1"))
        while len(multiprocessing.active_children()) == n_before:
            await asyncio.sleep(0.01)
        started = time.monotonic()
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        left = time.monotonic()
        assert len(multiprocessing.active_children()) == n_before
        opened = await networks.load("a", "127.0.0.1")
        assert left - started < (time.monotonic() - left) / 2
        assert await networks.load("a", "127.0.0.2") is opened

    n_before = len(multiprocessing.active_children())
    asyncio.run(asyncio.wait_for(test(), 120))
