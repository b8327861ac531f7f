"""The playground over HTTP, with a stand-in for its process; the real one is in tests/play and in the browser."""

import asyncio
import base64
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from starlette.testclient import TestClient

from drawing import png
from samples import NOW
from stand_in import STAND_IN
from tendigits.play.session import Playground
from tendigits.serve.app import create_app
from tendigits.serve.config import ServerConfig
from tendigits.serve.errors import CLIENT_DISCONNECTED


@pytest.fixture(scope="module")
def application(tmp_path_factory):
    folder = tmp_path_factory.mktemp("play")
    app = create_app(ServerConfig(str(folder / "a.db"), workers=2), now=lambda: NOW)
    app.state.pipe = folder / "pipe"
    os.mkfifo(app.state.pipe)
    app.state.tendigits.play = Playground(["-c", STAND_IN, str(app.state.pipe)])
    with TestClient(app, base_url="http://127.0.0.1:8000", raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def play(application):
    """A client, with no network yet."""
    for name in "ab":
        application.delete(f"/v1/play/networks/{name}")
    return application


def make(client, **settings):
    return client.put("/v1/play/networks/a", json=settings)


def test_networks_are_made_trained_shown_and_removed(play):
    assert play.post("/v1/play/train").status_code == 409
    assert make(play, hidden=[8]).json() == {"layers": [8, 10]}
    assert play.get("/v1/play").json()["networks"]["a"]["hidden"] == [8]
    for path in ("train", "step/batch", "step/epoch"):
        assert play.post(f"/v1/play/{path}").status_code == 204
    unit = play.get("/v1/play/networks/a/layers/1/units/7").json()
    assert (unit["network"], unit["layer"], unit["unit"]) == ("a", 1, 7)
    for path in ("c/layers/0/units/0", "a/layers/9/units/0", "a/layers/0/units/1024"):
        assert play.get(f"/v1/play/networks/{path}").status_code == 422
    refused = play.get("/v1/play/comparison")
    assert (refused.status_code, refused.json()["error"]) == (409, "there is no network 'b'; make it first")
    assert play.delete("/v1/play/networks/a").status_code == 204
    assert play.get("/v1/play").json()["networks"] == {}


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"hidden": [8] * 5}, "recipe field 'hidden': expected at most 4 items"),
        ({"colour": 1}, "'colour' is unknown"),
        ({"augmentation": {"shift": 90.0}}, "'augmentation.shift'"),
    ],
)
def test_impossible_settings_are_refused_with_the_reason(play, settings, sentence):
    for response in (make(play, **settings), play.post("/v1/play/experiment", json=settings)):
        assert response.status_code == 422
        assert sentence in response.json()["error"]
    assert play.get("/v1/play").json()["networks"] == {}


def test_a_drawing_is_cropped_as_for_the_reader_and_a_blank_one_has_no_answers(play, digits):
    make(play)
    found = play.post("/v1/play/draw", content=png(digits.x_test[0])).json()
    crop = np.frombuffer(base64.b64decode(found["crop"]), np.uint8)
    assert found["networks"]["a"]["pixels"] == found["crop"]
    assert np.corrcoef(crop, digits.x_test[0].reshape(-1))[0, 1] > 0.9
    assert play.post("/v1/play/draw", content=png(np.zeros((28, 28), np.uint8))).json()["networks"] == {}
    assert play.post("/v1/play/draw", content=b"no picture").status_code == 415


def test_a_process_that_crashes_is_an_error_and_the_next_request_starts_another(play):
    make(play)
    answer = play.post("/v1/play/pause")
    assert answer.status_code == 503
    assert answer.json()["error"] == "the playground's process has ended: MemoryError: too large"
    assert play.post("/v1/play/train").status_code == 409
    assert make(play).status_code == 200


async def hang_up(app, path, body):
    """Send a PUT request and close the connection; returns the status for the metrics."""
    scope = {
        "type": "http", "method": "PUT", "path": path, "query_string": b"", "headers": [(b"host", b"127.0.0.1")],
        "client": ("127.0.0.1", 9), "server": ("127.0.0.1", 8000),
    }  # fmt: skip
    messages = [{"type": "http.request", "body": body}, {"type": "http.disconnect"}]
    sent = []

    async def receive():
        return messages.pop(0)

    async def send(message):
        sent.append(message)

    await asyncio.wait_for(app(scope, receive, send), 30)
    return sent[0]["status"]


def test_a_network_whose_client_hangs_up_before_its_turn_is_not_made(play):
    make(play)
    with ThreadPoolExecutor() as pool:
        busy = pool.submit(play.post, "/v1/play/reset")
        with play.app.state.pipe.open("w"):
            for _ in range(400):
                status = play.portal.call(hang_up, play.app, "/v1/play/networks/b", b'{"hidden": [8]}')
                assert status == CLIENT_DISCONNECTED
        assert busy.result().status_code == 204
    assert [*play.get("/v1/play").json()["networks"]] == ["a"]
