"""A store that does not answer holds up its own routes only, and those not for long."""

import sqlite3
import threading
from contextlib import closing, contextmanager

import pytest
from starlette.testclient import TestClient

from drawing import crop64
from samples import NOW, full_disk
from tendigits.serve import state
from tendigits.serve.app import create_app
from tendigits.serve.config import ServerConfig


@pytest.fixture
def impatient(tmp_path, monkeypatch):
    """A client of a server whose store waits for a lock for a moment only, and the store's file."""
    monkeypatch.setattr(state, "LOCK_TIMEOUT_SECONDS", 0.05)
    config = ServerConfig(str(tmp_path / "a.db"), tmp_path / "runs", workers=1)
    app = create_app(config, now=lambda: NOW)
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as client:
        yield client, config.store


@contextmanager
def locked(store):
    """As by another process, such as a backup."""
    with closing(sqlite3.connect(store, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield


def refused(answer):
    return answer.status_code == 503 and answer.headers["retry-after"] == "5"


def test_a_locked_database_stops_the_routes_of_the_store_only(impatient):
    client, store = impatient
    with locked(store):
        waiting = []
        threads = [
            threading.Thread(target=lambda: waiting.append(client.get("/v1/corrections").status_code))
            for _ in range(80)
        ]
        for thread in threads:
            thread.start()
        for path in ("/live", "/v1/recipes", "/v1/runs", "/", "/v1/jobs/last"):
            assert client.get(path).status_code == 200, path
        for thread in threads:
            thread.join()
        assert set(waiting) == {503}
        for path in ("/ready", "/v1/corrections", "/v1/corrections/numbers", "/v1/networks", "/v1/corrections/export"):
            assert refused(client.get(path)), path
        assert refused(client.delete("/v1/corrections/1"))
        assert refused(client.post("/v1/networks/rollback"))
        assert refused(client.post("/v1/teach"))
        assert "tendigits_corrections NaN" in client.get("/metrics").text
    assert client.get("/ready").status_code == 200
    assert client.get("/v1/corrections").json()["count"] == 0
    assert "tendigits_corrections 0.0" in client.get("/metrics").text


def test_not_ready_while_nothing_can_be_stored_and_asking_writes_nothing(impatient, digits):
    client, store = impatient
    corrections = {"corrections": [{"crop": crop64(digits.x_test[0]), "label": 3}]}
    with full_disk():
        assert refused(client.get("/ready"))  # at the start nothing was stored yet
    assert client.post("/v1/corrections", json=corrections).status_code == 201
    with full_disk():
        assert client.get("/ready").status_code == 200  # it can't know: a write would fail
        assert refused(client.post("/v1/corrections", json=corrections))
        assert refused(client.get("/ready"))
    assert client.get("/ready").status_code == 200
    with closing(sqlite3.connect(store, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")  # another writer, which nobody who asks waits for
        assert client.get("/ready").status_code == 200
