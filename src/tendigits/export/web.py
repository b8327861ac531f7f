"""`--to web`: a folder that any web server, or none, shows: draw, and the page itself reads, without any request.

exported = make_page(source, fetch_runtime())

Pages that are opened as files may load no modules and fetch nothing, so everything stands in one plain script: the
modules of `page/` and of the server's page, ONNX Runtime for browsers, and the network, packed.
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
from tendigits.export.formats import Exported, make
from tendigits.export.source import Source
from tendigits.files import make_folder, replacing, write_text

RUNTIME = "onnxruntime-web"
VERSION = "1.30.0"
SHA512 = "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
"""Of the package's file, as npm lists it."""

SCRIPT, WASM = "package/dist/ort.wasm.bundle.min.mjs", "package/dist/ort-wasm-simd-threaded.wasm"
MAX_BYTES = 40 << 20
"""Of a file in the package."""

SHARED = ("dom.js", "api.js", "strokes.js", "prediction.js")
OWN = ("prepare.js", "network.js", "page.js")
"""The modules in the order in which they need each other."""

Runtime = tuple[bytes, bytes]
"""The runtime's script and its WebAssembly."""


def make_page(source: Source, runtime: Runtime, *, int8: bool = False, folder: Path | None = None) -> Exported:
    """Write the page of a network that was proved as an ONNX file on all test digits.

    Args:
        folder: where to; None takes the source's name and `-web` in its folder `exports`.

    Raises:
        TendigitsError: as `formats.make`.
    """
    if folder is None:
        folder = source.folder / f"{source.name}{'-int8' if int8 else ''}-web"
    with tempfile.TemporaryDirectory() as place:
        network = make(source, "onnx", int8=int8, out=Path(place) / "network.onnx")
        page = write_page(network.path.read_bytes(), source.about, source.shape, folder, runtime)
    n_bytes = sum(path.stat().st_size for path in folder.iterdir())
    return Exported(page, replace(network.proof, bytes=n_bytes))


def write_page(onnx: bytes, about: dict[str, str], shape: tuple[int, ...], folder: Path, runtime: Runtime) -> Path:
    """Write the page with the network into a folder, which is made where it is not there; gives its index.html.

    Raises:
        DiskError: a file could not be written.
    """
    make_folder(folder)
    server, own = files("tendigits.serve") / "page", files("tendigits.export") / "page"
    packed = {
        "runtime": _packed(runtime[0]),
        "wasm": _packed(runtime[1]),
        "network": _packed(onnx),
        "model": {
            "output": about["output"],
            "shape": shape,
            "temperature": float(about["temperature"]),
            "threshold": float(about.get("threshold", 0)),
        },
    }
    modules = [
        *[_text(server / name) for name in SHARED],
        f"const packed = {json.dumps(packed)};\n",
        *[_text(own / name) for name in OWN],
    ]
    draw = re.search(r'<section id="draw".*?</section>', _text(server / "index.html"), re.DOTALL)
    if draw is None:
        raise AssertionError("the server's page has no section to draw in")
    section = re.sub(r"<fieldset.*?</fieldset>", "", draw[0], flags=re.DOTALL).replace(" hidden>", ">", 1)
    write_text(folder / "tendigits.js", joined(modules))
    write_text(folder / "style.css", _text(server / "style.css"))
    write_text(folder / "icon.svg", _text(server / "icon.svg"))
    write_text(folder / "index.html", _text(own / "index.html").replace("<!-- draw -->", section))
    return folder / "index.html"


def joined(modules: list[str]) -> str:
    """Modules as one plain script: their imports are dropped, and what they export is known to all.

    Raises:
        AssertionError: two of them give something the same name.
    """
    names = [
        name
        for text in modules
        for name in re.findall(r"^(?:export )?(?:async )?(?:function|const|let) (\w+)", text, re.M)
    ]
    if twice := {name for name in names if names.count(name) > 1}:
        raise AssertionError(f"two modules have something called {', '.join(sorted(twice))}")
    plain = [re.sub(r"^export ", "", re.sub(r"^import [^;]*;\n", "", text, flags=re.M), flags=re.M) for text in modules]
    return '(() => {\n"use strict";\n' + "\n".join(plain) + "})();\n"


def fetch_runtime(given: Path | None = None) -> Runtime:
    """ONNX Runtime for browsers: from a file, the cache, or by npm; its SHA-512 is the one that was tested.

    Args:
        given: the package as npm packs it; None takes the one in the cache, which npm brings once.

    Raises:
        UserError: there is neither a file nor npm.
        DownloadError: npm could not bring it, or it is not the one that was tested.
    """
    name = f"{RUNTIME}-{VERSION}.tgz"
    path = given or platformdirs.user_cache_path("tendigits") / name
    if given is None and not path.is_file():
        _pack(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"expected the npm package {name}, cannot read {path}: {error.strerror}") from None
    if base64.b64encode(hashlib.sha512(data).digest()).decode() != SHA512:
        raise DownloadError(
            f"{path} is not the {name} that was tested: its SHA-512 is another; remove it and try again"
        )
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
        return _member(archive, SCRIPT), _member(archive, WASM)


def _pack(path: Path) -> None:
    """Let npm bring the package into the cache."""
    npm = shutil.which("npm")
    if npm is None:
        raise UserError(
            f"web needs {RUNTIME} {VERSION} from npm, which is not installed here: install Node.js, or give the "
            f"package with --runtime {RUNTIME}-{VERSION}.tgz"
        )
    make_folder(path.parent)
    with replacing(path) as temporary:
        folder = temporary.with_suffix(".packed")
        folder.mkdir(exist_ok=True)
        try:
            command = [npm, "pack", f"{RUNTIME}@{VERSION}", "--pack-destination", str(folder)]
            ended = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
            brought = list(folder.glob("*.tgz"))
            if ended.returncode or not brought:
                said = " ".join(ended.stderr.split())[:300]
                raise DownloadError(f"npm could not bring {RUNTIME} {VERSION}: {said}")
            brought[0].replace(temporary)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    if file is None:
        raise DownloadError(f"the package of {RUNTIME} has no {name}")
    return file.read(MAX_BYTES)


def _packed(data: bytes) -> str:
    return base64.b64encode(gzip.compress(data, mtime=0)).decode()


def _text(path: Traversable) -> str:
    return path.read_text(encoding="utf-8")
