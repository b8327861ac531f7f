"""One application for each module of tests, with a store that is empty again before each test."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from samples import NOW
from tendigits.serve.app import create_app
from tendigits.serve.config import ServerConfig
from tendigits.teach.store import Store


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, ServerConfig]]:
    """A client and the settings of its application; the folder of runs does not exist yet."""
    folder = tmp_path_factory.mktemp("serve")
    config = ServerConfig(str(folder / "a.db"), folder / "runs", workers=2, timeout=60)
    app = create_app(config, now=lambda: NOW)
    with TestClient(app, base_url="http://127.0.0.1:8000", raise_server_exceptions=False) as client:
        yield client, config


@pytest.fixture
def client(application: tuple[TestClient, ServerConfig]) -> Any:
    client, config = application
    while client.post("/v1/networks/rollback").status_code == 200:
        pass
    with closing(sqlite3.connect(config.store)) as database, database:
        for table in ("corrections", "networks", "sqlite_sequence"):
            database.execute(f"DELETE FROM {table}")
    return client


@pytest.fixture
def client_store(client: TestClient) -> Store:
    """The store of `client`."""
    return client.app.state.tendigits.store


@pytest.fixture
def runs_folder(application: tuple[TestClient, ServerConfig]) -> Path:
    """Where `client` has its runs."""
    return application[1].runs
