"""Limits for zip archives, checked before anything is unpacked: .npz files, .keras files and checkpoints.

with open_file(Path("mine.npz"), 2**30) as file:
    members = check_zip(file, max_bytes=2**30)
"""

import struct
import zipfile
from io import BufferedReader

MAX_DIRECTORY_BYTES = 2**16
"""Largest directory of a zip: some 800 members. Millions would fill the memory as soon as they are listed."""

_END = struct.Struct("<4s4H2LH")  # the record at the end of a zip: signature, counts, directory size, ...
_ZIP64_LOCATOR = b"PK\x06\x07"
_ZIP64_LOCATOR_BYTES = 20


def check_zip(file: BufferedReader, max_bytes: int, *, deflated: bool = False) -> dict[str, zipfile.ZipInfo]:
    """Read the directory of a zip and check it.

    Args:
        file: open for reading; afterwards it is at its beginning again.
        max_bytes: the most that the file, and its members together once unpacked, may take.
        deflated: whether members may be compressed. A compressed member can unpack to more than the size it claims, so
            the caller must not read beyond that size.

    Returns:
        The members by name.

    Raises:
        ValueError: it is too large, has too many members or one twice, or a member is compressed.
        OSError, zipfile.BadZipFile: it cannot be read, or is no zip.
    """
    size = file.seek(0, 2)
    if size > max_bytes:
        raise ValueError(f"expected at most {max_bytes:,} bytes, received {size:,}")
    file.seek(max(0, size - _END.size - _ZIP64_LOCATOR_BYTES))
    tail = file.read()
    end = tail[-_END.size :]
    if not end.startswith(b"PK\x05\x06") or end[-2:] != b"\0\0":
        raise ValueError(f"expected a zip, found {size:,} bytes without its end")
    # A zip64 directory, for over 65,535 members or 4 GiB, would hide its size.
    if _END.unpack(end)[5] > MAX_DIRECTORY_BYTES or tail.startswith(_ZIP64_LOCATOR):
        raise ValueError("it has far too many members")
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
    file.seek(0)
    for member in members:
        is_stored = member.compress_type == zipfile.ZIP_STORED and member.file_size == member.compress_size
        # The other methods may ask for gigabytes before the first byte comes out.
        if not is_stored and not (deflated and member.compress_type == zipfile.ZIP_DEFLATED):
            allowed = "stored or deflated" if deflated else "stored uncompressed"
            raise ValueError(f"expected members that are {allowed}, {member.filename!r} is not")
    if (total := sum(member.file_size for member in members)) > max_bytes:
        raise ValueError(f"expected at most {max_bytes:,} bytes unpacked, its members claim {total:,}")
    by_name = {member.filename: member for member in members}
    if len(by_name) < len(members):
        raise ValueError("it has a member twice")
    return by_name
