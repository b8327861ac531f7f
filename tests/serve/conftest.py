"""One application for each module of tests, with a store that is empty again before each test."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from helpers import NOW
from tendigits.serve.app import create_app
from tendigits.teach.store import Store


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, Store, Path]]:
    """A client, its store, and its folder of runs, which does not exist yet."""
    folder = tmp_path_factory.mktemp("serve")
    location = str(folder / "a.db")
    store = Store(location)
    app = create_app(store, location, runs=folder / "runs", workers=2, now=lambda: NOW)
    with TestClient(app, base_url="http://127.0.0.1:8000", raise_server_exceptions=False) as client:
        yield client, store, folder / "runs"


@pytest.fixture
def client(application: tuple[TestClient, Store, Path]) -> Any:
    client, store, _ = application
    while client.post("/v1/networks/rollback").status_code == 200:
        pass
    with closing(sqlite3.connect(store.path)) as connection, connection:
        for table in ("corrections", "networks", "sqlite_sequence"):
            connection.execute(f"DELETE FROM {table}")
    return client


@pytest.fixture
def client_store(application: tuple[TestClient, Store, Path], client: TestClient) -> Store:
    """The store of `client`."""
    return application[1]


@pytest.fixture
def runs_folder(application: tuple[TestClient, Store, Path]) -> Path:
    """Where `client` has its runs."""
    return application[2]
