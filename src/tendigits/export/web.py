"""`--to web`: a page that reads single digits in the browser, without a server; it can be opened as a file.

exported = export_page(source, fetch_runtime())

A page that is opened as a file can load neither modules nor data, so one script holds everything: the modules of
tendigits/web/exported, which mirror the Python stages from a picture to a digit, ONNX Runtime Web, and the networks.
"""

import base64
import gzip
import hashlib
import io
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from string import Template
from typing import Any

import platformdirs

from tendigits.digits.layers import with_layers
from tendigits.errors import DownloadError, UserError
from tendigits.export.formats import Exported, export_file
from tendigits.export.source import Source
from tendigits.files import make_folder, make_inside, replacing, write_text
from tendigits.untrusted import read_file
from tendigits.web.pages import as_module, draw_view, join_modules, text_of

RUNTIME = "onnxruntime-web"
VERSION = "1.30.0"
SHA512 = "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
"""Base64 digest of the npm package, from the registry."""

SCRIPT = "package/dist/ort.wasm.bundle.min.mjs"
WASM = "package/dist/ort-wasm-simd-threaded.wasm"
MAX_FILE_BYTES = 40 * 2**20
"""Limit for a file in the npm package."""

MAX_PACKAGE_BYTES = 512 * 2**20
"""Limit for the packed npm package."""

Runtime = tuple[bytes, bytes]
"""The runtime's script and its WebAssembly."""


def export_page(
    source: Source, runtime: Runtime, *, int8: bool = False, folder: Path | None = None, beside: Sequence[Source] = ()
) -> Exported:
    """Write a page, after each of its networks was verified as an ONNX file on all test digits.

    Args:
        folder: by default `<name>-web` in the `exports` folder of the source.
        beside: more networks, which the page offers to read with.

    Raises:
        UserError: two of the networks have the same name.
        TendigitsError: as `export_file`.
    """
    sources = [source, *beside]
    if len({each.name for each in sources}) < len(sources):
        raise UserError("expected networks with different names; rename one of the runs or model files")
    with tempfile.TemporaryDirectory() as temporary:
        exported = [
            export_file(each, "onnx", int8=int8, out=Path(temporary) / f"{number}.onnx")
            for number, each in enumerate(sources)
        ]
        networks = [with_layers(network.path.read_bytes()) for network in exported]
    if folder is None:
        exports = make_inside(source.folder.parent, source.folder.name)
        folder = make_inside(exports, f"{source.name}{'-int8' if int8 else ''}-web")
    page = write_page([*zip(sources, networks, strict=True)], folder, runtime)
    n_bytes = sum(path.stat().st_size for path in folder.iterdir())
    return Exported(page, replace(exported[0].verification, bytes=n_bytes))


def write_page(networks: Sequence[tuple[Source, bytes]], folder: Path, runtime: Runtime) -> Path:
    """Write the page into a folder and return its index.html. Raises DiskError.

    Args:
        networks: each with its ONNX file, whose outputs include those of its layers.
    """
    packed = {
        "runtime": _pack(runtime[0]),
        "wasm": _pack(runtime[1]),
        "networks": [_packed_network(source, onnx) for source, onnx in networks],
    }
    make_folder(folder)
    script = join_modules("exported/page.js", {"exported/packed.js": as_module("packed", packed)})
    write_text(folder / "tendigits.js", script)
    for name in ("style.css", "icon.svg"):
        write_text(folder / name, text_of(f"page/{name}"))
    write_text(
        folder / "index.html", Template(text_of("exported/index.html")).substitute(draw=draw_view("Draw a digit"))
    )
    return folder / "index.html"


def _packed_network(source: Source, onnx: bytes) -> dict[str, Any]:
    return {
        "name": source.name,
        "network": _pack(onnx),
        "model": {
            "output": source.output,
            "shape": source.shape,
            "temperature": float(source.metadata["temperature"]),
            "threshold": float(source.metadata.get("threshold", 0)),
        },
    }


def _pack(data: bytes) -> str:
    return base64.b64encode(gzip.compress(data, mtime=0)).decode()


def fetch_runtime(given: Path | None = None) -> Runtime:
    """Load ONNX Runtime Web and check that it is the version that was tested.

    Args:
        given: the npm package as a file; by default npm downloads it once into the user's cache.

    Raises:
        UserError: there is neither a file nor npm.
        DownloadError: the download failed, or its SHA-512 differs.
    """
    name = f"{RUNTIME}-{VERSION}.tgz"
    path = given or platformdirs.user_cache_path("tendigits") / name
    if given is None and not path.is_file():
        _download(path)
    try:
        data = read_file(path, MAX_PACKAGE_BYTES)
    except OSError as error:
        raise UserError(f"expected the npm package {name}, cannot read {path}: {error.strerror}") from None
    if base64.b64encode(hashlib.sha512(data).digest()).decode() != SHA512:
        raise DownloadError(f"{path} is not the {name} that was tested: its SHA-512 differs; remove it and try again")
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
        return _member(archive, SCRIPT), _member(archive, WASM)


def _download(path: Path) -> None:
    """Download the package into the cache with npm."""
    npm = shutil.which("npm")
    if npm is None:
        raise UserError(
            f"--to web needs {RUNTIME} {VERSION}, and npm, which would download it, is not installed: install "
            f"Node.js, or give the package with --runtime {RUNTIME}-{VERSION}.tgz"
        )
    make_folder(path.parent)
    with replacing(path) as temporary, tempfile.TemporaryDirectory(dir=path.parent) as folder:
        command = [npm, "pack", f"{RUNTIME}@{VERSION}", "--pack-destination", folder]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
        packed = list(Path(folder).glob("*.tgz"))
        if ended.returncode or not packed:
            reason = " ".join(ended.stderr.split())[:300]
            raise DownloadError(f"npm could not download {RUNTIME} {VERSION}: {reason}")
        packed[0].replace(temporary)


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    if file is None:
        raise DownloadError(f"the package {RUNTIME} has no {name}")
    return file.read(MAX_FILE_BYTES)
