"""Networks of runs over HTTP: they read, show their layers, few are kept, and a bad one is an error of that choice."""

import asyncio
import base64
import shutil
from concurrent.futures import Future
from contextlib import AbstractContextManager

import numpy as np
import pytest

from helpers import crop64, png
from tendigits.errors import ModelFileError, RunError
from tendigits.read.reader import Reader
from tendigits.runs.run import open_run
from tendigits.serve import run_networks
from tendigits.serve.run_networks import MAX_NETWORKS, ReadingNetworks

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
    own = with_runs.post("/v1/read?one=true", content=picture).json()
    assert own["network"] != answer.json()["network"]
    layers = with_runs.post("/v1/layers?run=b", json={"crop": digit["crop"]}).json()["layers"]
    assert [layer["name"] for layer in layers] == ["hidden layer 1: 16 units", "hidden layer 2: 8 units"]
    assert [len(base64.b64decode(layer["units"])) for layer in layers] == [16, 8]
    assert all(layer["low"] == 0 <= layer["high"] for layer in layers)  # after a rectifier
    reader = with_runs.post("/v1/layers", json={"crop": digit["crop"]}).json()["layers"]
    assert reader[0]["name"].startswith("convolution 1: ")


class Inline(AbstractContextManager):
    """A pool without a process, in which Keras would take seconds to be imported."""

    def __init__(self, *_, **__):
        pass

    def __exit__(self, *_):
        pass

    def submit(self, work, *arguments):
        done = Future()
        try:
            done.set_result(work(*arguments))
        except ModelFileError as error:
            done.set_exception(error)
        return done


def test_what_cannot_be_chosen_is_an_error_of_that_choice(with_runs, runs_folder, digits, monkeypatch):
    monkeypatch.setattr(run_networks, "WorkerPool", Inline)
    picture, crop = png(255 - digits.x_test[0]), {"crop": crop64(digits.x_test[0])}
    for name in ("nothing", "..", "..%2fa", "%00"):
        for path, body in (("read", {"content": picture}), ("layers", {"json": crop})):
            assert with_runs.post(f"/v1/{path}?run={name}", **body).status_code == 404, name
    model = runs_folder / "a" / "model.keras"
    model.write_bytes(model.read_bytes()[:5000])
    answer = with_runs.post("/v1/read?run=a", content=picture)
    assert answer.status_code == 409
    assert "model.keras" in answer.json()["error"]
    model.unlink()
    assert with_runs.post("/v1/layers?run=a", json=crop).status_code == 409
    assert with_runs.post("/v1/read", content=picture).status_code == 200


def test_few_are_kept_and_each_is_opened_once(runs, monkeypatch, tmp_path):
    opened = []

    def open_run_of(path):
        opened.append(path.name)
        if path.name == "bad":
            raise ModelFileError("it is damaged")
        return object()

    monkeypatch.setattr(run_networks, "_open_run", open_run_of)
    for i in range(MAX_NETWORKS + 2):
        shutil.copytree(runs / "a", tmp_path / str(i))
    found = [open_run(tmp_path / str(i)) for i in range(MAX_NETWORKS + 2)]

    async def ask():
        networks = ReadingNetworks()
        first = await asyncio.gather(*(networks.of_run(found[0]) for _ in range(5)))
        assert len({id(network) for network in first}) == 1
        for run in found[1:]:
            await networks.of_run(run)
        await networks.of_run(found[-1])
        await networks.of_run(found[0])
        record = found[0].record()
        record["models"]["model.keras"] = "0" * 64
        found[0].write_record(record)
        await networks.of_run(found[0])
        for _ in range(3):  # the next strokes of a pen
            with pytest.raises(ModelFileError, match="it is damaged"):
                await networks.of_run(bad)
        (bad.path / "model.keras").write_bytes(b"another")
        with pytest.raises(ModelFileError):
            await networks.of_run(bad)

    bad = open_run(shutil.copytree(runs / "a", tmp_path / "bad"))
    asyncio.run(ask())
    assert opened == ["0", "1", "2", "3", "4", "5", "0", "0", "bad", "bad"]


def test_an_unfinished_run_has_no_network(runs, tmp_path):
    run = open_run(shutil.copytree(runs / "a", tmp_path / "a"))
    record = run.record()
    del record["models"]
    run.write_record(record)
    with pytest.raises(RunError, match="has no model yet"):
        asyncio.run(ReadingNetworks().of_run(run))
