"""The application as a whole: the page, health, errors, the OpenAPI document, and Schemathesis over it."""

import re
from importlib.resources import files

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance
from starlette.testclient import TestClient

from tendigits.serve.app import create_app
from tendigits.serve.security import FAILED, POLICY, Rules
from tendigits.teach.migrations import open_store

PAGE = files("tendigits.serve") / "page"


def test_the_page_and_all_that_it_asks_for_are_here(client):
    index = client.get("/")
    assert index.status_code == 200
    assert index.headers["content-type"].startswith("text/html")
    assert index.headers["content-security-policy"] == POLICY
    asked = re.findall(r'(?:href|src)="([^"#:]+)"', index.text)
    for path in {*asked, *(entry.name for entry in PAGE.iterdir())}:
        assert client.get(f"/{path}").status_code == 200, path


def test_the_page_asks_nobody_else_and_has_no_code_or_style_in_its_markup():
    for entry in PAGE.iterdir():
        text = entry.read_text().replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|//cdn|@import", text), entry.name
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", text), entry.name
    index = (PAGE / "index.html").read_text()
    assert not re.search(r"\son\w+=|\sstyle=|<style|<script(?![^>]*src=)", index)


def test_every_module_of_the_page_is_used():
    names = {entry.name for entry in PAGE.iterdir() if entry.name.endswith(".js")}
    text = "".join(entry.read_text() for entry in PAGE.iterdir())
    assert all(name in text for name in names)


@pytest.mark.parametrize("path", ["/../app.py", "/%2e%2e/app.py", "/..%2fapp.py", "/nothing", "//etc/passwd"])
def test_only_the_page_is_served(client, path):
    answer = client.get(path)
    assert answer.status_code == 404
    assert set(answer.json()) == {"error", "status", "request_id"}


def test_health(client):
    assert client.get("/live").json() == {"status": "live"}
    assert client.get("/ready").json()["status"] == "ready"
    client.get("/v1/corrections")
    text = client.get("/metrics").text
    assert 'tendigits_requests_total{route="/v1/corrections",status="200"} 1.0' in text
    assert "tendigits_corrections 0.0" in text


def test_errors_have_one_shape(client):
    for answer in (
        client.get("/v1/nothing"),
        client.put("/v1/read"),
        client.post("/v1/digits", content=b"{"),
        client.get("/", headers={"host": "evil"}),
    ):
        assert set(answer.json()) == {"error", "status", "request_id"}
        assert answer.json()["status"] == answer.status_code
        assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_a_fault_of_ours_is_500_without_a_trace(client, store, monkeypatch, caplog):
    monkeypatch.setattr(type(store), "corrections", lambda *_: 1 / 0)
    answer = client.get("/v1/corrections")
    assert (answer.status_code, answer.json()["error"]) == (500, FAILED)
    assert "division" not in answer.text
    assert "division by zero" in caplog.text
    assert answer.json()["request_id"] in caplog.text


def test_every_operation_is_described_with_its_errors(client):
    document = client.get("/openapi.json").json()
    assert document["info"]["title"] == "tendigits"
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation.get("description") or operation.get("summary"), f"{method} {path}"
    assert "multipart/form-data" in document["paths"]["/v1/read"]["post"]["requestBody"]["content"]


def test_the_large_go_another_way_than_the_small(client):
    """So that a photo does not hold up a digit."""
    state = client.app.app.app.state.tendigits
    assert state.slow is not state.crew
    assert state.large < 1_000_000


@pytest.fixture(scope="module")
def schema(tmp_path_factory):
    folder = tmp_path_factory.mktemp("schema")
    store = open_store(folder / "a.db")
    app = create_app(
        store, str(folder / "a.db"), runs=folder / "runs", workers=2, rules=Rules(("testserver", "127.0.0.1"))
    )
    with TestClient(app, base_url="http://127.0.0.1"):
        yield schemathesis.openapi.from_asgi("/openapi.json", app)


@schemathesis.serializer("application/x-ndjson")
def lines(_, value):
    return value.encode() if isinstance(value, str) else b""


NOT_ASKED = re.compile("/v1/jobs/.*/events|/v1/runs.*|/v1/teach")
"""Each would be a process, or waits for one."""


def test_whatever_its_document_allows_is_answered_as_it_says(schema):
    """Schemathesis over every operation: no 5xx, and every answer fits its schema."""
    asked = []
    for found in schema.get_all_operations():
        operation = found.ok()
        if (NOT_ASKED.fullmatch(operation.path) and operation.method == "post") or "events" in operation.path:
            continue

        @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy())
        def ask(case):
            case.call_and_validate(excluded_checks=[positive_data_acceptance])  # bytes need not be a picture

        ask()
        asked.append(f"{operation.method} {operation.path}")
    assert len(asked) >= 20
