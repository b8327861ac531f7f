"""An application over a store of its own, and a client that talks to it without a network."""

import os
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from starlette.testclient import TestClient

from helpers import NOW
from tendigits.serve.app import create_app
from tendigits.serve.opening import open_store
from tendigits.serve.store import Store

POSTGRESQL = os.environ.get("TENDIGITS_TEST_POSTGRESQL")


@pytest.fixture
def place(tmp_path) -> str:
    return str(tmp_path / "corrections.db")


@pytest.fixture
def store(place) -> Any:
    opened = open_store(place)
    yield opened
    opened.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def any_store(request, tmp_path) -> Any:
    """A store in each of the databases; PostgreSQL is the one that `.ci/run` has started."""
    if request.param == "sqlite":
        opened = open_store(tmp_path / "corrections.db")
    else:
        if POSTGRESQL is None:
            pytest.skip("needs PostgreSQL: TENDIGITS_TEST_POSTGRESQL=postgresql://user@/name?host=/its/socket")
        engine = create_engine(POSTGRESQL.replace("postgresql:", "postgresql+psycopg:", 1))
        with engine.begin() as connection:
            connection.execute(text("DROP TABLE IF EXISTS corrections, networks, version"))
        engine.dispose()
        opened = open_store(POSTGRESQL)
    yield opened
    opened.close()


@pytest.fixture
def client(store: Store, place, tmp_path) -> Any:
    app = create_app(store, place, runs=tmp_path / "runs", workers=2, now=lambda: NOW)
    with TestClient(app, base_url="http://127.0.0.1:8000", raise_server_exceptions=False) as opened:
        yield opened
