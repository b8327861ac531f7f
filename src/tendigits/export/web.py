"""`--to web`: a page that reads drawings and pictures, without a server; it can be opened as a file.

exported = export_page(source, fetch_runtime())

A page that is opened as a file may load no modules and fetch nothing, so everything is in one plain script: the
modules of `page/` and of the server's page, and those of `page/worker/`, which read in a worker: the package's stages
in JavaScript, by the same names. With them ONNX Runtime Web, the networks, and the constants of the Python modules.
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
from importlib.resources import files
from pathlib import Path
from typing import Any

import platformdirs

from tendigits.digits.layers import with_layers
from tendigits.digits.network import bundled_file
from tendigits.digits.runtime import asset
from tendigits.errors import DownloadError, UserError
from tendigits.export.bundle import as_module, join_modules, section, server_page, text_of
from tendigits.export.constants import constants
from tendigits.export.formats import Exported, export_file
from tendigits.export.source import Source
from tendigits.files import make_folder, make_inside, replacing, write_text
from tendigits.numbers.confidence import ConfidenceModel
from tendigits.numbers.network import NumberNetwork
from tendigits.untrusted import read_file

RUNTIME = "onnxruntime-web"
VERSION = "1.30.0"
SHA512 = "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
"""Of the npm package, as the registry lists it."""

SCRIPT, WASM = "package/dist/ort.wasm.bundle.min.mjs", "package/dist/ort-wasm-simd-threaded.wasm"
MAX_BYTES = 40 << 20
"""Of a file in the npm package."""

SHARED = (
    "dom.js", "api.js", "strokes.js", "layers.js", "prediction.js", "networks.js", "pad.js", "picture.js", "pages.js",
)  # fmt: skip
OWN = ("image.js", "client.js", "read.js", "page.js")
WORKER = (
    "arrays.js", "resize.js", "foreground.js", "segment.js", "preprocess.js", "find.js", "runtime.js", "network.js",
    "decode.js", "finder.js", "order.js", "strips.js", "line_network.js", "numbers.js", "vote.js", "first_look.js",
    "views.js", "second_opinion.js", "trust.js", "reading.js", "judge.js", "layers.js", "reader.js",
    "worker.js",
)  # fmt: skip
"""The modules, each after those that it imports."""

MAX_PACKAGE = 2**29
"""Bytes of the packed npm package, which has a hundred MB."""

Runtime = tuple[bytes, bytes]
"""The runtime's script and its WebAssembly."""


def export_page(
    source: Source, runtime: Runtime, *, int8: bool = False, folder: Path | None = None, beside: Sequence[Source] = ()
) -> Exported:
    """Write the page of a network, first verified as an ONNX file on all test digits.

    Args:
        folder: by default the source's name and `-web`, in its `exports` folder.
        beside: more networks, which the page offers to read with, also two beside each other.

    Raises:
        UserError: two of the networks have the same name, or one beside was fine-tuned.
        TendigitsError: as `export_file`.
    """
    sources = [source, *beside]
    if len({each.name for each in sources}) < len(sources) or any(each.lines for each in beside):
        raise UserError("expected other runs or model files beside the network, each with a name of its own")
    with tempfile.TemporaryDirectory() as temporary:
        networks = [
            export_file(each, "onnx", int8=int8, out=Path(temporary) / f"{number}.onnx")
            for number, each in enumerate(sources)
        ]
        contents = [with_layers(network.path.read_bytes()) for network in networks]
        if folder is None:
            exports = make_inside(source.folder.parent, source.folder.name)
            folder = make_inside(exports, f"{source.name}{'-int8' if int8 else ''}-web")
        page = write_page([*zip(sources, contents, strict=True)], folder, runtime)
    n_bytes = sum(path.stat().st_size for path in folder.iterdir())
    return Exported(page, replace(networks[0].verification, bytes=n_bytes))


def write_page(networks: Sequence[tuple[Source, bytes]], folder: Path, runtime: Runtime) -> Path:
    """Write the page of networks into a folder; returns its index.html. Raises DiskError.

    Args:
        networks: each with its ONNX file, which has the outputs of its layers.
    """
    make_folder(folder)
    server, own = server_page(), files("tendigits.web") / "exported"
    known = as_module("constants", constants())
    worker = {"constants.js": known} | {name: text_of(own / "worker" / name) for name in WORKER}
    packed = {
        "runtime": _pack(runtime[0]),
        "wasm": _pack(runtime[1]),
        "worker": join_modules(worker),
        "networks": [_network(source, onnx) for source, onnx in networks],
        "numbers": _networks_of_numbers(networks[0][0]),
    }
    modules = {"constants.js": known, "packed.js": as_module("packed", packed)}
    modules |= {name: text_of(server / name) for name in SHARED} | {name: text_of(own / name) for name in OWN}
    write_text(folder / "tendigits.js", join_modules(modules))
    write_text(folder / "style.css", text_of(server / "style.css"))
    write_text(folder / "icon.svg", text_of(server / "icon.svg"))
    write_text(folder / "index.html", _document(text_of(own / "index.html")))
    return folder / "index.html"


def _network(source: Source, onnx: bytes) -> dict[str, Any]:
    """A network for single digits; one of the user's own says which digit each is in numbers, too."""
    return {
        "name": source.name,
        "network": _pack(onnx),
        "own": source.own and not source.lines,
        "model": {
            "output": source.metadata["output"],
            "shape": source.shape,
            "temperature": float(source.metadata["temperature"]),
            "threshold": float(source.metadata.get("threshold", 0)),
        },
    }


def _networks_of_numbers(source: Source) -> dict[str, Any]:
    """The networks for numbers: the package's, or those that were fine-tuned together with the first network."""
    finder, lines = asset("numbers", "finder.onnx"), source.lines or asset("numbers", "numbers.onnx")
    trust = ConfidenceModel.of(NumberNetwork(lines).about)
    weighed = {"weights": trust.weights, "bias": trust.bias, "threshold": trust.threshold(None)}
    return {
        "finder": _pack(finder), "lines": _pack(lines), "trust": weighed,
        "untaught": _pack(bundled_file()) if source.lines else None,
    }  # fmt: skip


def _document(page: str) -> str:
    """The page's HTML, with the parts of the server's page that need no server."""
    sections = {name: section(name) for name in ("draw", "read")}
    links = "".join(f'\n    <a href="#{name}">{name.title()}</a>' for name in sections)
    page = page.replace("<!-- nav -->", f'  <nav aria-label="Pages">{links}\n  </nav>')
    return page.replace("<!-- sections -->", "\n".join(sections.values()))


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
        data = read_file(path, MAX_PACKAGE)
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
