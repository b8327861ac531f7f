"""The exported page's files; that it draws and reads is for tests/web/test_exported_page.py."""

import base64
import gzip
import hashlib
import io
import json
import re
import subprocess
import tarfile
from dataclasses import replace

import onnx
import pytest

from tendigits.digits.runtime import asset
from tendigits.errors import DownloadError, ModelFileError, UserError
from tendigits.export import onnx as onnx_format
from tendigits.export import web
from tendigits.export.bundle import join_modules
from tendigits.export.web import export_page, fetch_runtime
from tendigits.numbers.confidence import ConfidenceModel
from tendigits.numbers.network import bundled

RUNTIME = (b"export {};", b"\0asm")


def packed_in(script: str) -> dict:
    return json.loads(re.search(r"^const packed = (.*);$", script, re.M)[1])


def unpacked(text: str) -> bytes:
    return gzip.decompress(base64.b64decode(text))


def test_four_files_hold_everything(source, tmp_path):
    exported = export_page(source, RUNTIME, int8=True, folder=tmp_path / "page")
    assert exported.path == tmp_path / "page" / "index.html"
    files = {path.name: path.read_text() for path in (tmp_path / "page").iterdir()}
    assert set(files) == {"index.html", "style.css", "icon.svg", "tendigits.js"}
    assert exported.verification.bytes == sum((tmp_path / "page" / name).stat().st_size for name in files)
    packed = packed_in(files["tendigits.js"])
    assert (unpacked(packed["runtime"]), unpacked(packed["wasm"])) == RUNTIME
    (tmp_path / "network.onnx").write_bytes(unpacked(packed["networks"][0]["network"]))
    assert onnx_format.read_metadata(tmp_path / "network.onnx") == source.metadata
    assert packed["networks"][0]["model"]["shape"] == [784]
    assert packed["networks"][0]["model"]["temperature"] == float(source.metadata["temperature"])
    assert packed["networks"][0]["model"]["threshold"] == float(source.metadata["threshold"])
    assert set(re.findall(r'(?:src|href)="([^"#]+)"', files["index.html"])) <= set(files)
    assert 'id="pad"' in files["index.html"]
    assert "fieldset" not in files["index.html"]  # without a server nothing can be corrected


def test_a_network_that_disagrees_makes_no_page(source, run, monkeypatch):
    load = onnx_format.load
    monkeypatch.setattr(onnx_format, "load", lambda path: lambda images: load(path)(images) + 0.01)
    with pytest.raises(ModelFileError, match="is not kept"):
        export_page(source, RUNTIME)
    assert not (run / "exports" / "one-web").exists()


def test_every_page_reads_numbers_and_a_run_says_which_digit_each_is(source, reader, tmp_path):
    assert (source.own, reader.own) == (True, False)
    for name, network in (("run", source), ("reader", reader)):
        web.write_page([(network, b"")], tmp_path / name, RUNTIME)
        page = (tmp_path / name / "index.html").read_text()
        assert 'href="#read"' in page
        assert "server" not in page
        packed = packed_in((tmp_path / name / "tendigits.js").read_text())
        numbers = packed["numbers"]
        assert unpacked(numbers["finder"]) == asset("numbers", "finder.onnx")
        assert unpacked(numbers["lines"]) == asset("numbers", "numbers.onnx")
        assert numbers["trust"]["threshold"] == ConfidenceModel.of(bundled().about).threshold(None)
        assert [one["own"] for one in packed["networks"]] == [name == "run"]


def test_the_page_has_the_network_with_its_layers(source, tmp_path):
    export_page(source, RUNTIME, folder=tmp_path / "page")
    packed = packed_in((tmp_path / "page" / "tendigits.js").read_text())
    (tmp_path / "network.onnx").write_bytes(unpacked(packed["networks"][0]["network"]))
    assert [output.name for output in onnx.load(tmp_path / "network.onnx").graph.output] == ["probabilities", "layer1"]


def test_networks_beside_have_names_of_their_own(source, reader, tmp_path):
    mine = replace(source, name="mine")
    web.write_page([(reader, b"a"), (source, b"b"), (mine, b"c")], tmp_path / "page", RUNTIME)
    networks = packed_in((tmp_path / "page" / "tendigits.js").read_text())["networks"]
    assert [(one["name"], one["own"]) for one in networks] == [("reader", False), ("one", True), ("mine", True)]
    for beside in ([source], [replace(reader, name="tuned", lines=b"x")]):
        with pytest.raises(UserError, match="each with a name of its own"):
            export_page(source, RUNTIME, folder=tmp_path / "page", beside=beside)


def test_modules_become_one_script():
    one = "const own = 1;\nexport const a = own;\nexport async function b() {\n  return a;\n}\n"
    two = 'import { a } from "./one.js";\nimport {\n  b,\n} from "./one.js";\n\nconst own = 2;\n'
    two += "b().then((c) => console.log(a, c, own));\n"
    script = join_modules({"one.js": one, "two.js": two})
    ended = subprocess.run(["node", "-"], input=script, text=True, capture_output=True, check=True)
    assert ended.stdout == "1 1 2\n"
    with pytest.raises(AssertionError, match=r"two\.js imports a from one\.js, which has none"):
        join_modules({"two.js": two, "one.js": one})
    with pytest.raises(AssertionError, match=r"three\.js imports own from one\.js"):
        join_modules({"one.js": one, "three.js": 'import { own } from "./one.js";\n'})


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A small package, as npm would pack it, in place of the tested one."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        for name, content in ((web.SCRIPT, RUNTIME[0]), (web.WASM, RUNTIME[1])):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    digest = hashlib.sha512(data.getvalue()).digest()
    monkeypatch.setattr(web, "SHA512", base64.b64encode(digest).decode())
    monkeypatch.setattr(web.platformdirs, "user_cache_path", lambda _: tmp_path / "cache")
    path = tmp_path / "given.tgz"
    path.write_bytes(data.getvalue())
    return path


def npm_that(monkeypatch, tmp_path, script: str) -> None:
    """Put a program npm on the path; `$4` is the folder that it is to write to."""
    place = tmp_path / "bin"
    place.mkdir()
    (place / "npm").write_text(f"#!/bin/sh\n{script}\n")
    (place / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", f"{place}:/usr/bin:/bin")


def test_the_package_is_given(package):
    assert fetch_runtime(package) == RUNTIME


def test_npm_downloads_it_once(package, tmp_path, monkeypatch):
    npm_that(monkeypatch, tmp_path, f'cp {package} "$4/onnxruntime-web-1.30.0.tgz"')
    assert fetch_runtime() == RUNTIME
    (tmp_path / "bin" / "npm").unlink()
    assert fetch_runtime() == RUNTIME
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["onnxruntime-web-1.30.0.tgz"]


def test_without_npm_it_says_what_to_do(package, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        UserError,
        match=r"--to web needs onnxruntime-web 1\.30\.0, and npm.* is not installed: install Node\.js, or give.*--runt",
    ):
        fetch_runtime()


def test_npm_without_a_network(package, tmp_path, monkeypatch):
    npm_that(monkeypatch, tmp_path, "echo 'npm error network request failed' >&2; exit 1")
    with pytest.raises(
        DownloadError, match=r"npm could not download onnxruntime-web 1\.30\.0: npm error network request f"
    ):
        fetch_runtime()
    assert not list((tmp_path / "cache").iterdir())


def test_another_package_is_refused(package):
    package.write_bytes(package.read_bytes() + b"\0")
    with pytest.raises(DownloadError, match=r"is not the onnxruntime-web-1\.30\.0\.tgz that was tested"):
        fetch_runtime(package)


def test_no_such_file(tmp_path):
    with pytest.raises(UserError, match="expected the npm package onnxruntime-web"):
        fetch_runtime(tmp_path / "none.tgz")
