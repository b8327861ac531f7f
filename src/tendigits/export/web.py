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
from typing import IO, Any, cast

import platformdirs

from tendigits.digits.layers import with_layers
from tendigits.errors import DownloadError, UserError
from tendigits.export.formats import Exported, default_path, export_file
from tendigits.export.source import Source
from tendigits.files import make_folder, make_inside, write_text
from tendigits.web.pages import as_module, draw_view, head, join_modules, text_of

RUNTIME = "onnxruntime-web"
VERSION = "1.30.0"
SHA512 = "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="  # in base64
SCRIPT = "package/dist/ort.wasm.bundle.min.mjs"
WASM = "package/dist/ort-wasm-simd-threaded.wasm"

FILES = ("index.html", "style.css", "icon.svg", "tendigits.js")  # of a page
SUFFIX = "-web"  # of the default folder's name

Runtime = tuple[bytes, bytes]  # the script and its WebAssembly


def export_page(
    source: Source, runtime: Runtime, *, int8: bool = False, folder: Path | None = None, others: Sequence[Source] = ()
) -> Exported:
    """Write a page, after each of its networks was verified as an ONNX file on all test digits.

    Args:
        folder: by default that of `default_path`, in the `exports` folder of the source.
        others: more networks, which the page offers to read with.

    Raises:
        UserError: two of the networks have the same name.
        TendigitsError: as `export_file`.
    """
    sources = [source, *others]
    if len({each.name for each in sources}) < len(sources):
        raise UserError("expected networks with different names; rename one of the runs or model files")
    exported, networks = list[Exported](), list[dict[str, Any]]()
    with tempfile.TemporaryDirectory() as temporary:
        for each in sources:
            exported.append(export_file(each, "onnx", int8=int8, out=Path(temporary) / "network.onnx"))
            temperature, threshold = (float(each.metadata.get(key, 0)) for key in ("temperature", "threshold"))
            model = {"output": each.output, "shape": each.shape, "temperature": temperature, "threshold": threshold}
            network = _pack(with_layers(exported[-1].path.read_bytes()))
            networks.append({"name": each.name, "network": network, "model": model})
    if folder is None:
        exports = make_inside(source.folder.parent, source.folder.name)
        folder = make_inside(exports, default_path(source.name, exports, SUFFIX, int8).name)
    make_folder(folder)
    packed = {"runtime": _pack(runtime[0]), "wasm": _pack(runtime[1]), "networks": networks}
    title = "Draw a digit"
    page = Template(text_of("exported/index.html")).substitute(head=head(title), draw=draw_view(title))
    script = join_modules("exported/page.js", {"exported/packed.js": as_module("packed", packed)})
    texts = page, text_of("page/style.css"), text_of("page/icon.svg"), script
    for name, text in zip(FILES, texts, strict=True):
        write_text(folder / name, text)
    n_bytes = sum(path.stat().st_size for path in folder.iterdir())
    return Exported(folder / "index.html", replace(exported[0].verification, bytes=n_bytes))


def _pack(data: bytes) -> str:
    return base64.b64encode(gzip.compress(data, mtime=0)).decode()


def fetch_runtime(given: Path | None = None) -> Runtime:
    """ONNX Runtime Web from an npm package; by default npm downloads it once into the user's cache.

    Raises:
        UserError: there is neither a file nor npm.
        DownloadError: the download failed, or its SHA-512 is not that of the version that was tested.
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
        script, wasm = (cast(IO[bytes], archive.extractfile(member)).read() for member in (SCRIPT, WASM))
    return script, wasm


def _download(path: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise UserError(
            f"--to web needs {RUNTIME} {VERSION}, and npm, which would download it, is not installed: install "
            f"Node.js, or give the package with --runtime {RUNTIME}-{VERSION}.tgz"
        )
    make_folder(path.parent)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        command = [npm, "pack", f"{RUNTIME}@{VERSION}", "--pack-destination", folder]
        ended = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=600, check=False)
        packed = list(Path(folder).glob("*.tgz"))
        if ended.returncode or not packed:
            reason = " ".join(ended.stderr.split())[:300]
            raise DownloadError(f"npm could not download {RUNTIME} {VERSION}: {reason}")
        packed[0].replace(path)
