"""The files of the exported page; tests/web/test_exported_page.py opens it in a browser."""

import base64
import gzip
import hashlib
import io
import json
import re
import tarfile

import onnx
import pytest

from tendigits.errors import DownloadError, UserError
from tendigits.export import web
from tendigits.export.web import export_page, fetch_runtime
from tendigits.model.quantize import metadata_of

RUNTIME = (b"export {};", b"\0asm")


def test_four_files_hold_two_networks_with_their_layers(source, reader, tmp_path):
    exported = export_page(source, RUNTIME, folder=tmp_path / "page", others=[reader])
    assert exported.path == tmp_path / "page" / "index.html"
    files = {path.name: path.read_text() for path in (tmp_path / "page").iterdir()}
    assert set(files) == {"index.html", "style.css", "icon.svg", "tendigits.js"}
    assert exported.verification.bytes == sum((tmp_path / "page" / name).stat().st_size for name in files)
    assert set(re.findall(r'(?:src|href)="([^"#]+)"', files["index.html"])) <= set(files)
    packed = json.loads(re.search(r"^const packed = (.*);$", files["tendigits.js"], re.M)[1])
    files = [packed["runtime"], packed["wasm"], *(network["network"] for network in packed["networks"])]
    runtime, wasm, one, _ = (gzip.decompress(base64.b64decode(text)) for text in files)
    assert (runtime, wasm) == RUNTIME
    assert [network["name"] for network in packed["networks"]] == ["one", "reader"]
    network = onnx.load_from_string(one)
    assert metadata_of(network) == source.metadata
    assert [output.name for output in network.graph.output] == ["probabilities", "layer1"]
    assert packed["networks"][0]["model"] == {
        "output": "probabilities", "shape": [784],
        "temperature": float(source.metadata["temperature"]), "threshold": float(source.metadata["threshold"]),
    }  # fmt: skip


def test_no_page_of_two_networks_of_the_same_name(source, tmp_path):
    with pytest.raises(UserError, match="expected networks with different names"):
        export_page(source, RUNTIME, folder=tmp_path / "page", others=[source])
    assert not (tmp_path / "page").exists()


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A small package, as npm would pack it, in place of the tested one."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        for name, content in ((web.SCRIPT, RUNTIME[0]), (web.WASM, RUNTIME[1])):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    monkeypatch.setattr(web, "SHA512", base64.b64encode(hashlib.sha512(data.getvalue()).digest()).decode())
    monkeypatch.setattr(web.platformdirs, "user_cache_path", lambda _: tmp_path / "cache")
    path = tmp_path / "given.tgz"
    path.write_bytes(data.getvalue())
    return path


def test_npm_downloads_the_runtime_once(package, tmp_path, monkeypatch):
    npm, cache = tmp_path / "npm", tmp_path / "cache"
    npm.write_text("#!/bin/sh\necho 'npm error network request failed' >&2; exit 1\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(DownloadError, match=r"could not download onnxruntime-web 1\.30\.0: npm error network request"):
        fetch_runtime()
    assert not list(cache.iterdir())
    npm.write_text(f'#!/bin/sh\ncp {package} "$4/onnxruntime-web-1.30.0.tgz"\n')  # $4 is the folder to write to
    assert fetch_runtime() == RUNTIME
    npm.unlink()
    assert fetch_runtime() == RUNTIME
    assert [path.name for path in cache.iterdir()] == ["onnxruntime-web-1.30.0.tgz"]
    monkeypatch.setenv("PATH", str(cache))
    next(cache.iterdir()).unlink()
    with pytest.raises(UserError, match=r"npm.* is not installed: install Node\.js, or give the package with --ru"):
        fetch_runtime()


def test_the_package_is_given(package, tmp_path):
    assert fetch_runtime(package) == RUNTIME
    with pytest.raises(UserError, match="expected the npm package onnxruntime-web"):
        fetch_runtime(tmp_path / "none.tgz")
    package.write_bytes(package.read_bytes() + b"\0")
    with pytest.raises(DownloadError, match=r"is not the onnxruntime-web-1\.30\.0\.tgz that was tested"):
        fetch_runtime(package)
