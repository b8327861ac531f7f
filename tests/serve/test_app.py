"""The application as a whole: the page, health, errors, the OpenAPI document, and Schemathesis over it."""

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tendigits import web
from tendigits.serve.app import create_app
from tendigits.serve.config import ServerConfig
from tendigits.serve.security import CONTENT_SECURITY_POLICY

pytestmark = pytest.mark.xdist_group("server")

PAGE = Path(web.__file__).parent / "page"


def test_the_page_and_its_files_are_served(client):
    for path in ("/", "/docs"):
        page = client.get(path)
        assert page.status_code == 200
        assert page.headers["content-type"].startswith("text/html")
        assert page.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
        for asked in re.findall(r'(?:href|src)="([^"#:]+)"', page.text):
            assert client.get(f"/{asked}").status_code == 200, asked
    for path in PAGE.rglob("*.*"):
        assert client.get(f"/{path.relative_to(PAGE)}").status_code == 200, path


def test_the_page_is_self_contained_and_has_no_inline_code_or_style():
    text = {path.name: path.read_text() for path in PAGE.rglob("*.*") if path.suffix != ".wasm"}
    for name, content in text.items():
        without_namespace = content.replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|//cdn|@import", without_namespace), name
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", content), name
        if name.endswith(".html"):
            assert not re.search(r"\son\w+=|\sstyle=|<style|<script(?![^>]*src=)", content), name
        if name.endswith(".js"):
            assert any(name in other for other in text.values()), f"{name} is not used"


@pytest.mark.parametrize("path", ["/../app.py", "/%2e%2e/app.py", "/..%2fapp.py", "/nothing", "//etc/passwd"])
def test_only_the_page_is_served(client, path):
    answer = client.get(path)
    assert answer.status_code == 404
    assert set(answer.json()) == {"error", "status", "request_id"}


def test_health_and_metrics(client):
    assert client.get("/live").json() == {"status": "live"}
    assert client.get("/ready").json()["status"] == "ready"
    client.get("/v1/corrections")
    client.post("/v1/digits", json={"digits": [[[0] * 28] * 28]})
    text = client.get("/metrics").text
    for line in (
        r'tendigits_requests_total\{route="/v1/corrections",status="200"\} \d',
        r'tendigits_request_seconds_bucket\{le="0.005",route="/v1/corrections"\} \d',
        r'tendigits_numbers_total\{accepted="no"\} 1.0',
        "tendigits_load 0.0",
        "tendigits_corrections 0.0",
    ):
        assert re.search(line, text), line


STARTS_A_PROCESS = re.compile("post /v1/runs.*|post /v1/teach")


@pytest.mark.parametrize("examples", [4, pytest.param(12, marks=pytest.mark.slow)])
def test_requests_that_the_document_allows_are_answered_as_it_says(tmp_path, examples):
    """Schemathesis over every operation: no 5xx, and every answer fits its schema."""
    import schemathesis
    from schemathesis.specs.openapi.checks import positive_data_acceptance

    @schemathesis.serializer("application/x-ndjson")
    def lines(_, value):
        return value.encode() if isinstance(value, str) else b""

    # A separate application: at the test's end Schemathesis sends it the event that it ends.
    app = create_app(ServerConfig(str(tmp_path / "a.db"), tmp_path / "runs", names=("testserver",), workers=1))
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    asked = []
    for found in schema.get_all_operations():
        operation = found.ok()
        name = f"{operation.method} {operation.path}"
        if STARTS_A_PROCESS.fullmatch(name) or "events" in name:
            continue

        n = 3 if operation.path == "/v1/digits" else examples  # drawing arrays of 28x28 takes long

        @settings(max_examples=n, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
        @given(case=operation.as_strategy())
        def ask(case):
            case.call_and_validate(excluded_checks=[positive_data_acceptance])  # bytes need not be a picture

        ask()
        asked.append(name)
    assert len(asked) >= 18
