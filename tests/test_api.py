"""docs/api.md and the README's serving lines: every example is run against a real server."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

ROOT = Path(__file__).parent.parent
API = (ROOT / "docs" / "api.md").read_text()
ADDRESS = "http://127.0.0.1:8000"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", API, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    made = tmp_path_factory.mktemp("api")
    for name, text in (("photo.jpg", "30427"), ("meter.png", "3")):
        page = np.full((110, 60 + 50 * len(text)), 235, np.uint8)
        cv2.putText(page, text, (20, 80), cv2.FONT_HERSHEY_SIMPLEX, 2, 40, 4, cv2.LINE_AA)
        cv2.imwrite(str(made / name), page)
    return made


@pytest.fixture(scope="module")
def address(folder) -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tendigits", "serve", "--port", "0", "--store", "a.db"],
        stdout=subprocess.PIPE, text=True, cwd=folder, env=os.environ,
    )  # fmt: skip
    yield re.search(r"http://\S+", process.stdout.readline())[0]
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    process.stdout.close()


@pytest.mark.parametrize("command", [line for block in blocks("sh") for line in block.splitlines()])
def test_curl_examples(command, folder, address):
    if shutil.which("curl") is None:
        pytest.skip("needs curl")
    typed = shlex.split(command.replace(ADDRESS, address))
    done = subprocess.run([*typed, "--silent", "--fail"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    answer = json.loads(done.stdout)
    if "/v1/read" in command:
        expected = {"photo.jpg": "30427", "meter.png": "3"}
        asked = re.findall(r"@(\S+)", command)
        assert [page["text"] for page in answer["pages"]] == [expected[name] for name in asked]


def test_python_examples_in_their_order(folder, address):
    code = "\n".join(blocks("python")).replace(ADDRESS, address)
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    first, one, count = done.stdout.splitlines()
    assert first.startswith("30427 ")
    assert (one, count) == ("1", "1")


def test_every_path_of_the_api_is_in_the_document(address):
    import httpx

    paths = httpx.get(f"{address}/openapi.json").json()["paths"]
    text = re.sub(r"/(N\b|NAME\b|\{\w+\})", "/{}", API)
    for path in paths:
        if path.startswith("/v1"):
            assert re.sub(r"\{\w+\}", "{}", path) in text, path
        else:
            assert f"`{path}`" in API, path


def test_the_error_that_is_shown_is_one(address, folder):
    import httpx

    (shown,) = map(json.loads, blocks("json"))
    answer = httpx.post(f"{address}/v1/read", content=b"text", headers={"content-type": "image/png"}).json()
    assert set(answer) == set(shown)
    assert answer["status"] == shown["status"] == 415
    assert answer["error"].startswith(shown["error"].removesuffix(", ..."))


def test_what_the_readme_types(folder):
    """`tendigits serve` and `teach` as they stand there, on a port that is free."""
    readme = (ROOT / "README.md").read_text()
    curl = re.search(r"`(curl --data-binary @meter.png [^`]*)`", readme)[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "tendigits", "serve", "--port", "0", "--store", "b.db"],
        stdout=subprocess.PIPE, text=True, cwd=folder, env=os.environ,
    )  # fmt: skip
    try:
        port = re.search(r"http://127.0.0.1:(\d+)", process.stdout.readline())[1]
        typed = shlex.split(curl.replace("localhost:8000", f"localhost:{port}"))
        done = subprocess.run([*typed, "--silent"], cwd=folder, capture_output=True, text=True, check=True)
        assert json.loads(done.stdout)["pages"][0]["text"] == "3"
    finally:
        process.kill()
        process.communicate()
    environment = os.environ | {"XDG_DATA_HOME": str(folder / "home")}
    done = subprocess.run(
        [sys.executable, "-m", "tendigits", "teach"], cwd=folder, capture_output=True, text=True, env=environment
    )
    assert done.returncode == 2
    assert "found 0; make some: tendigits serve" in done.stderr
