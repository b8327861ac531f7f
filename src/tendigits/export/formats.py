"""Write an export to a temporary file, verify it, and move it to its place.

exported = export_file(source, "onnx")      # Exported(path, verification)
"""

import importlib
from dataclasses import dataclass
from pathlib import Path

from tendigits.errors import ModelFileError, UserError
from tendigits.export.source import Source
from tendigits.export.verify import Verification, verify
from tendigits.files import make_folder, make_inside, replacing, writing

CALIBRATION_DIGITS = 1000  # training digits from which int8 quantisation derives the ranges of activations


@dataclass(frozen=True)
class Format:
    """A file format."""

    suffix: str
    module: str  # in this package, with `write` and `load`, and `write_int8` if `int8`
    int8: bool = False


FORMATS = {
    "onnx": Format(".onnx", "onnx", int8=True),
    "litert": Format(".tflite", "litert", int8=True),
    "keras": Format(".keras", "keras_files"),
    "h5": Format(".h5", "keras_files"),
    "stablehlo": Format(".stablehlo", "stablehlo"),
}


@dataclass(frozen=True)
class Exported:
    """A verified export."""

    path: Path
    verification: Verification


def export_file(source: Source, to: str, *, int8: bool = False, out: Path | None = None) -> Exported:
    """Write a network in a format, and keep the file if the format's runtime agrees with it on all test digits.

    Args:
        out: the file; by default the source's name, in its `exports` folder.

    Raises:
        UserError: the format has no int8, or does not support a layer.
        ModelFileError: the export disagrees with the source; it is not kept.
        DiskError: the file cannot be written.
    """
    check(to, int8)
    suffix = FORMATS[to].suffix
    module = importlib.import_module(f"tendigits.export.{FORMATS[to].module}")
    path = out or source.folder / f"{source.name}{'-int8' if int8 else ''}{suffix}"
    if path.suffix != suffix:
        raise UserError(f"expected a file {suffix} for {to}, received {path}")
    if out is None:
        make_inside(source.folder.parent, source.folder.name)
    else:
        make_folder(path.parent)
    verifications: list[Verification] = []

    def verified(temporary: Path) -> None:
        try:
            verifications.append(verify(module.load(temporary), source, temporary, int8=int8))
        except ModelFileError as error:
            raise ModelFileError(f"{path} is not kept: {error}") from None

    write = replacing if out is None else writing
    with write(path, check=verified) as temporary:
        if int8:
            module.write_int8(source, temporary, source.samples(CALIBRATION_DIGITS))
        else:
            module.write(source, temporary)
    return Exported(path, verifications[0])


def check(to: str, int8: bool) -> None:
    """Raise UserError if int8 is requested of a format without it."""
    if int8 and not FORMATS[to].int8:
        able = ", ".join(name for name, other in FORMATS.items() if other.int8)
        raise UserError(f"expected --int8 with {able} or web, received it with {to}")
