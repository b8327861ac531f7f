"""docs/api.md and docs/python.md: every example is run, the former against a real server."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import httpx
import pytest

from drawing import filled_form, page_of_text, photo_of, printed_table
from tendigits.read.print_sheet import to_pdf
from tendigits.read.sheet import Code, parse_sheet

pytestmark = pytest.mark.xdist_group("server")

API = (Path(__file__).parent.parent / "docs" / "api.md").read_text()
ADDRESS = "http://127.0.0.1:8000"
TABLE = [["12", "30", "42"], ["7", "14", "21"], ["61", "8", "69"], ["9", "54", "63"], ["40", "55", "65"]]
NUMBERS = {"photo.jpg": "30427", "meter.png": "3"}


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", API, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """With the pictures of the examples."""
    made = tmp_path_factory.mktemp("api")
    for name, text in NUMBERS.items():
        cv2.imwrite(str(made / name), page_of_text(text))
    cv2.imwrite(str(made / "form.png"), filled_form({}))
    cv2.imwrite(str(made / "filled.png"), photo_of(filled_form({"student": "40275"})))
    return made


@pytest.fixture
def address(clean_server) -> str:
    return clean_server.url


def test_curl_examples(folder, address):
    if shutil.which("curl") is None:
        pytest.skip("needs curl")
    for command in [line for block in blocks("sh") for line in block.splitlines()]:
        typed = shlex.split(command.replace(ADDRESS, address))
        done = subprocess.run([*typed, "--silent", "--fail"], cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, command
        if "/v1/read" in command:
            expected = [NUMBERS[name] for name in re.findall(r"@(\S+)", command)]
            assert [page["text"] for page in json.loads(done.stdout)["pages"]] == expected, command
        if "/v1/forms" in command:
            assert json.loads(done.stdout)["pages"][0]["fields"]["student"]["value"] == "40275"


def test_python_examples_in_their_order(folder, address):
    code = "\n".join(blocks("python")).replace(ADDRESS, address)
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    first, one, joined, count, corrected = done.stdout.splitlines()
    assert first.startswith("30427 ")
    assert (one, joined, count, corrected) == ("1", "['number', '1024', '0873']", "1", "1")


@pytest.mark.slow
def test_a_typed_client_is_made_without_a_warning_and_reads(folder, address, tmp_path):
    """By the command and the options of docs/api.md."""
    (version,) = re.findall(r"^(openapi-python-client) \(([\d.]+)", API, re.MULTILINE)
    (command,) = re.findall(r"`openapi-python-client (generate .*?)`", API)
    (tmp_path / "bytes.yaml").write_text(blocks("yaml")[0])
    made = ["--fail-on-warning", "--meta", "none", "--output-path", tmp_path / "client"]
    typed = ["uvx", "==".join(version), *shlex.split(command.replace(ADDRESS, address)), *made]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        typed, cwd=tmp_path, env=os.environ | {"PATH": path, "UV_SYSTEM_CERTS": "1"}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout
    reads = f"""if True:
        from client import Client
        from client.api.read import read_pictures
        from client.types import File
        with open({str(folder / "photo.jpg")!r}, "rb") as picture:
            answer = read_pictures.sync(client=Client({address!r}), body=File(picture))
        print(answer.pages[0].text)
    """
    done = subprocess.run([sys.executable, "-c", reads], cwd=tmp_path, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("30427\n", "")


def test_the_document_names_every_path_and_shows_a_real_error(address):
    text = re.sub(r"/(N\b|NAME\b|\{\w+\})", "/{}", API)
    for path in httpx.get(f"{address}/openapi.json").json()["paths"]:
        if path.startswith("/v1"):
            assert re.sub(r"\{\w+\}", "{}", path) in text, path
        else:
            assert f"`{path}`" in API, path
    (shown,) = map(json.loads, blocks("json"))
    answer = httpx.post(f"{address}/v1/read", content=b"text").json()
    assert set(answer) == set(shown)
    assert answer["status"] == shown["status"] == 415
    assert answer["error"].startswith(shown["error"].removesuffix(", ..."))


def test_examples_of_the_library_in_their_order(folder, tmp_path):
    for name in NUMBERS:
        shutil.copy(folder / name, tmp_path)
    printed_table(TABLE).save(tmp_path / "marks.jpg")
    shutil.copy(folder / "form.png", tmp_path)
    shutil.copy(folder / "filled.png", tmp_path)
    (tmp_path / "exam.toml").write_text('picture = "form.png"\n[fields]\nstudent = [420, 300, 760, 370]\n')
    (tmp_path / "sheet.pdf").write_bytes(to_pdf([Code(parse_sheet("number:4, name", 40))]))
    text = (Path(__file__).parent.parent / "docs" / "python.md").read_text()
    code = "\n".join(re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE))
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    sums = "row 5 adds up to 95, not 65", "['A5']", "['C = sum A-B']"
    for said in (*sums, "40275 True", "page 1 of 2 ['number', 'name']", "decimal='comma'"):
        assert said in done.stdout, said
    assert (tmp_path / "marks.xlsx").exists()
