"""Where pictures are: files and folders here, or in a store that has an address, such as s3://scans/2026.

places = find_pictures(["page.jpg", "scans", "s3://bucket/scans"])
content = fetch("s3://bucket/scans/1.png")
"""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tendigits.data.image import MAX_BYTES
from tendigits.errors import DataError, UserError
from tendigits.extras import require

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif")
"""Of the files that are read in a folder; a file that is named is read whatever its ending."""


def is_remote(place: str | Path) -> bool:
    """Whether it is an address and not a path."""
    return "://" in str(place)


def find_pictures(places: Iterable[str | Path]) -> list[str]:
    """The files, and the pictures in the folders and their sub-folders, by name.

    Raises:
        DataError: a folder holds no picture, or a store cannot be reached.
        UserError: an address that nothing here can open.
    """
    found: list[str] = []
    for place in map(str, places):
        inside = _in_store(place) if is_remote(place) else _in_folder(Path(place))
        if not inside:
            raise DataError(f"expected pictures in the folder {place}, found none; read are {', '.join(ENDINGS)}")
        found += inside
    return found


def content_of(place: str) -> Any:
    """What a picture is opened from: a path, or the bytes that a store has there. Raises DataError."""
    return fetch(place) if is_remote(place) else Path(place)


def fetch(address: str) -> bytes:
    """The bytes at an address.

    Raises:
        DataError: there are none, too many, or the store cannot be reached.
    """
    try:
        store, path = _store(address)
        with store.open_input_file(path) as file:
            if (size := file.size()) > MAX_BYTES:
                raise DataError(
                    f"expected a picture of at most {MAX_BYTES // 1_000_000} MB, {address} has {size:,} bytes"
                )
            content: bytes = file.read()
            return content
    except OSError as error:
        raise DataError(f"expected a picture at {address}, received {_reason(error)}") from error


def _in_folder(place: Path) -> list[str]:
    if not place.is_dir():
        return [str(place)]
    return [str(path) for path in sorted(place.rglob("*")) if path.suffix.lower() in ENDINGS and path.is_file()]


def _in_store(address: str) -> list[str]:
    try:
        store, path = _store(address)
        from pyarrow.fs import FileSelector, FileType

        if store.get_file_info(path).type == FileType.File:
            return [address]
        infos = store.get_file_info(FileSelector(path, recursive=True, allow_not_found=True))
    except OSError as error:
        raise DataError(f"expected a store of pictures at {address}, received {_reason(error)}") from error
    before = address.rstrip("/").removesuffix(path.rstrip("/"))  # the scheme, and the host where there is one
    files = sorted(info.path for info in infos if info.type == FileType.File)
    return [f"{before}{path}" for path in files if path.lower().endswith(ENDINGS)]


def _store(address: str) -> "tuple[FileSystem, str]":
    """Where the store is and what it goes by are in the environment, as for other programs (AWS_ENDPOINT_URL, ...)."""
    require(address, "scale")
    import pyarrow
    from pyarrow.fs import FileSystem

    if "?" in address or "@" in address.partition("://")[2].partition("/")[0]:
        raise UserError(f"expected a plain address, received {address.partition('?')[0]}; keys are in the environment")
    try:
        store, path = FileSystem.from_uri(address)
    except (pyarrow.ArrowInvalid, pyarrow.ArrowNotImplementedError) as error:
        raise UserError(f"{address} is no address that can be opened: {_reason(error)}") from None
    return store, path


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
