"""A client that talks to an application over a store of its own, without a network."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from helpers import NOW
from tendigits.serve.app import create_app
from tendigits.teach.store import Store


@pytest.fixture
def client(store: Store, place, tmp_path) -> Any:
    app = create_app(store, place, runs=tmp_path / "runs", workers=2, now=lambda: NOW)
    with TestClient(app, base_url="http://127.0.0.1:8000", raise_server_exceptions=False) as opened:
        yield opened
