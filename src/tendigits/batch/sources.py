"""Find pictures: in files and folders, or in a store with an address, such as s3://scans/2026."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tendigits.errors import DataError, UserError, reason_of
from tendigits.extras import require
from tendigits.pictures.documents import DOCUMENTS, count_pages_of, page_addresses
from tendigits.pictures.image import READABLE
from tendigits.pictures.limits import check_bytes
from tendigits.pool.pool import WorkerPool

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

UNREADABLE = (".jxl", ".jp2", ".dng", ".svg")  # suffixes of pictures that are skipped in a folder, and reported
MAX_COUNT_SECONDS = 20.0  # for counting the pages of a document


@dataclass(frozen=True)
class Sources:
    """The pictures in files, folders and stores."""

    pictures: list[str] = field(default_factory=list)  # paths and addresses; each page of a document is one
    skipped: list[str] = field(default_factory=list)  # pictures whose format can't be read
    others: list[str] = field(default_factory=list)  # other files in the folders, and links to other folders


def is_remote(source: str | Path) -> bool:
    """Whether a source is an address, not a path."""
    return "://" in str(source)


def find_pictures(sources: Iterable[str | Path]) -> Sources:
    """List files, and the pictures in folders and their subfolders in alphabetical order.

    Raises:
        DataError: a folder has no pictures, or a store can't be reached.
        UserError: an address can't be opened.
    """
    found = Sources()
    with WorkerPool(1, timeout=MAX_COUNT_SECONDS) as pool:
        for source in map(str, sources):
            if is_remote(source) or os.path.isdir(source):  # noqa: PTH112  # False for a name that is too long, too
                _add_folder(found, source, pool)
            else:
                found.pictures.extend(_pages_of(source, pool))
    return found


def _add_folder(found: Sources, source: str, pool: WorkerPool) -> None:
    """Add the files of a folder or a store."""
    remote = is_remote(source)
    files = _files_in_store(source) if remote else _files_in(source)
    # Counting the pages of a document in a store would need a download.
    unreadable = (*UNREADABLE, ".pdf") if remote else UNREADABLE
    skipped = [file for file in files if file != source and file.lower().endswith(unreadable)]
    readable = [file for file in files if file == source or file.lower().endswith(READABLE)]
    pictures = [file for file in readable if file not in skipped]
    if not pictures:
        others = f" but {', '.join(skipped[:3])}" if skipped else ""
        raise DataError(
            f"expected pictures in the folder {source}, found none{others}; readable formats: {', '.join(READABLE)}"
        )
    found.others.extend(sorted({*files} - {*pictures, *skipped}))
    found.pictures.extend(pictures if remote else [page for file in pictures for page in _pages_of(file, pool)])
    found.skipped.extend(skipped)


def _files_in(folder: str) -> list[str]:
    """The files below a folder in alphabetical order, with links to folders and what cannot be listed."""
    files: list[str] = []
    folders = [folder]
    while folders:  # not recursive: folders may be 1,000 deep
        current = folders.pop()
        try:
            with os.scandir(current) as entries:
                for entry in entries:
                    (folders if entry.is_dir(follow_symlinks=False) else files).append(entry.path)
        except OSError:
            files.append(current)
    return sorted(files, key=lambda path: Path(path).parts)


def _pages_of(path: str, pool: WorkerPool) -> list[str]:
    """The addresses of a file's pages; the file itself if it has one page, or cannot be opened."""
    if not path.lower().endswith(DOCUMENTS):
        return [path]
    try:
        return page_addresses(path, pool.submit(count_pages_of, path).result())
    except Exception:  # reported when it is read
        return [path]


def content_of(source: str) -> Any:
    """The path of a picture or a page, or the bytes at an address: what `Reader.read` takes.

    Raises DataError if there are too many bytes, or the store can't be reached.
    """
    if not is_remote(source):
        return source
    try:
        store, path = _store(source)
        with store.open_input_file(path) as file:
            check_bytes(file.size(), source)
            return bytes(file.read())
    except OSError as error:
        raise DataError(f"expected a picture at {source}, received {reason_of(error)}") from error


def _files_in_store(address: str) -> list[str]:
    try:
        store, path = _store(address)
        from pyarrow.fs import FileSelector, FileType

        if store.get_file_info(path).type == FileType.File:
            return [address]
        infos = store.get_file_info(FileSelector(path, recursive=True, allow_not_found=True))
    except OSError as error:
        raise DataError(f"expected a store of pictures at {address}, received {reason_of(error)}") from error
    root = address.rstrip("/").removesuffix(path.rstrip("/"))  # the scheme and host
    return [f"{root}{path}" for path in sorted(info.path for info in infos if info.type == FileType.File)]


def _store(address: str) -> "tuple[FileSystem, str]":
    """Open a store. Its endpoint and keys are the usual environment variables (AWS_ENDPOINT_URL, ...)."""
    require(address, "scale")
    import pyarrow
    from pyarrow.fs import FileSystem

    if "?" in address or "@" in address.partition("://")[2].partition("/")[0]:
        raise UserError(
            f"expected an address without keys or options, received {address.partition('?')[0]}; set them as "
            "environment variables"
        )
    try:
        store, path = FileSystem.from_uri(address)
    except (pyarrow.ArrowInvalid, pyarrow.ArrowNotImplementedError) as error:
        raise UserError(f"cannot open the address {address}: {reason_of(error)}") from None
    return store, path
