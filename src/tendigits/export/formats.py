"""The formats, and the one way to make a file in any of them: written beside its place, proved, then put there.

export = make(source, "onnx")               # Exported(path, proof)
"""

import importlib
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from tendigits.errors import ModelFileError, UserError
from tendigits.export.prove import Proof, prove
from tendigits.export.source import Source
from tendigits.extras import require
from tendigits.files import make_folder, replacing

SAMPLES = 1000
"""Training digits on which the ranges of 8 bits are measured."""


@dataclass(frozen=True)
class Format:
    """A kind of file."""

    ending: str
    module: str
    """Of this package, with `write`, `open_` and `about`, and `write_int8` where there are 8 bits."""
    int8: bool = False
    extra: str | None = None
    """The extra that it needs beside `train`."""


FORMATS: dict[str, Format] = {
    "onnx": Format(".onnx", "onnx", int8=True),
    "litert": Format(".tflite", "litert", int8=True, extra="export"),
    "keras": Format(".keras", "keras_files"),
    "h5": Format(".h5", "keras_files"),
    "stablehlo": Format(".stablehlo", "stablehlo"),
}


@dataclass(frozen=True)
class Exported:
    """A file that was proved."""

    path: Path
    proof: Proof


def make(source: Source, to: str, *, int8: bool = False, out: Path | None = None) -> Exported:
    """Write `source` in a format, load it back by its own runtime, prove it on all test digits, and only then keep it.

    Args:
        out: the file; None takes the source's own name in its folder `exports`.

    Raises:
        UserError: the format has no 8 bits, its packages are not installed, or it knows no such layer.
        ModelFileError: the file did not say what the source says; it is not kept.
        DiskError: it could not be written.
    """
    kind = FORMATS[to]
    check(to, int8)
    name = f"{source.name}-int8" if int8 else source.name
    path = source.folder / f"{name}{kind.ending}" if out is None else out
    if path.suffix != kind.ending:
        raise UserError(f"expected a file {kind.ending} for {to}, received {path}")
    make_folder(path.parent)
    module = _module(kind)
    proofs: list[Proof] = []

    def proved(temporary: Path) -> None:
        try:
            if module.about(temporary) != source.about:
                raise ModelFileError("loaded back it has lost its metadata")
            proofs.append(prove(module.open_(temporary), source, temporary, int8=int8))
        except ModelFileError as error:
            raise ModelFileError(f"{path} is not kept: {error}") from None

    with replacing(path, check=proved) as temporary:
        if int8:
            module.write_int8(source, temporary, source.samples(SAMPLES))
        else:
            module.write(source, temporary)
    return Exported(path, proofs[0])


def check(to: str, int8: bool) -> None:
    """Whether the format can be written here, with 8 bits where they are wanted. Raises UserError."""
    kind = FORMATS[to]
    if int8 and not kind.int8:
        able = ", ".join(name for name, other in FORMATS.items() if other.int8)
        raise UserError(f"expected --int8 with {able} or web, received it with {to}")
    if kind.extra is not None:
        require(f"--to {to}", kind.extra)


def _module(kind: Format) -> ModuleType:
    return importlib.import_module(f"tendigits.export.{kind.module}")
