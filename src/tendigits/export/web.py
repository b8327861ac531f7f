"""`--to web`: a page that reads what is drawn on it, without a server; it can be opened as a file.

exported = export_page(source, fetch_runtime())

A page that is opened as a file may load no modules and fetch nothing, so everything is in one plain script: the
modules of `page/` and of the server's page, ONNX Runtime Web, and the network.
"""

import base64
import gzip
import hashlib
import io
import json
import re
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import replace
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import platformdirs

from tendigits.errors import DownloadError, UserError
from tendigits.export.formats import Exported, export_file
from tendigits.export.source import Source
from tendigits.files import make_folder, replacing, write_text

RUNTIME = "onnxruntime-web"
VERSION = "1.30.0"
SHA512 = "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
"""Of the npm package, as the registry lists it."""

SCRIPT, WASM = "package/dist/ort.wasm.bundle.min.mjs", "package/dist/ort-wasm-simd-threaded.wasm"
MAX_BYTES = 40 << 20
"""Of a file in the npm package."""

SHARED = ("dom.js", "api.js", "strokes.js", "prediction.js")
OWN = ("preprocess.js", "network.js", "page.js")
"""The modules, each after those that it imports."""

Runtime = tuple[bytes, bytes]
"""The runtime's script and its WebAssembly."""


def export_page(source: Source, runtime: Runtime, *, int8: bool = False, folder: Path | None = None) -> Exported:
    """Write the page of a network, first verified as an ONNX file on all test digits. Raises as `export_file`.

    Args:
        folder: by default the source's name and `-web`, in its `exports` folder.
    """
    folder = folder or source.folder / f"{source.name}{'-int8' if int8 else ''}-web"
    with tempfile.TemporaryDirectory() as temporary:
        network = export_file(source, "onnx", int8=int8, out=Path(temporary) / "network.onnx")
        page = write_page(network.path.read_bytes(), source.metadata, source.shape, folder, runtime)
    n_bytes = sum(path.stat().st_size for path in folder.iterdir())
    return Exported(page, replace(network.verification, bytes=n_bytes))


def write_page(onnx: bytes, metadata: dict[str, str], shape: tuple[int, ...], folder: Path, runtime: Runtime) -> Path:
    """Write the page with a network into a folder, and return its index.html. Raises DiskError."""
    make_folder(folder)
    server, own = files("tendigits.serve") / "page", files("tendigits.export") / "page"
    packed = {
        "runtime": _pack(runtime[0]),
        "wasm": _pack(runtime[1]),
        "network": _pack(onnx),
        "model": {
            "output": metadata["output"],
            "shape": shape,
            "temperature": float(metadata["temperature"]),
            "threshold": float(metadata.get("threshold", 0)),
        },
    }
    modules = [
        *(_text(server / name) for name in SHARED),
        f"const packed = {json.dumps(packed)};\n",
        *(_text(own / name) for name in OWN),
    ]
    draw = re.search(r'<section id="draw".*?</section>', _text(server / "index.html"), re.DOTALL)
    if draw is None:
        raise AssertionError("the server's page has no section #draw")
    section = re.sub(r"<fieldset.*?</fieldset>", "", draw[0], flags=re.DOTALL).replace(" hidden>", ">", 1)
    write_text(folder / "tendigits.js", join_modules(modules))
    write_text(folder / "style.css", _text(server / "style.css"))
    write_text(folder / "icon.svg", _text(server / "icon.svg"))
    write_text(folder / "index.html", _text(own / "index.html").replace("<!-- draw -->", section))
    return folder / "index.html"


def join_modules(modules: list[str]) -> str:
    """Modules as one plain script, in one scope. Raises AssertionError if two of them define the same name."""
    definition = r"^(?:export )?(?:async )?(?:function|const|let) (\w+)"
    names = [name for text in modules for name in re.findall(definition, text, re.MULTILINE)]
    if twice := {name for name in names if names.count(name) > 1}:
        raise AssertionError(f"two modules define {', '.join(sorted(twice))}")
    plain = [re.sub(r"^(import [^;]*;\n|export )", "", text, flags=re.MULTILINE) for text in modules]
    return '(() => {\n"use strict";\n' + "\n".join(plain) + "})();\n"


def fetch_runtime(given: Path | None = None) -> Runtime:
    """ONNX Runtime Web from a file, the cache or npm; its SHA-512 must be that of the version that was tested.

    Args:
        given: the packed npm package; by default the one in the cache, which npm downloads once.

    Raises:
        UserError: there is neither a file nor npm.
        DownloadError: npm could not download it, or it is another package.
    """
    name = f"{RUNTIME}-{VERSION}.tgz"
    path = given or platformdirs.user_cache_path("tendigits") / name
    if given is None and not path.is_file():
        _download(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"expected the npm package {name}, cannot read {path}: {error.strerror}") from None
    if base64.b64encode(hashlib.sha512(data).digest()).decode() != SHA512:
        raise DownloadError(f"{path} is not the {name} that was tested: its SHA-512 differs; remove it and try again")
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
        return _member(archive, SCRIPT), _member(archive, WASM)


def _download(path: Path) -> None:
    """Let npm download the package into the cache."""
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
    return file.read(MAX_BYTES)


def _pack(data: bytes) -> str:
    return base64.b64encode(gzip.compress(data, mtime=0)).decode()


def _text(path: Traversable) -> str:
    return path.read_text(encoding="utf-8")
