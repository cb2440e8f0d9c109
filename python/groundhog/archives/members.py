"""The members of a zip or tar archive, one after the other, and nothing of their extraction.

The standard library reads the formats; where it is lenient with what is broken, this is not: an archive that
is not whole to its end is refused.
"""

from __future__ import annotations

import stat
import tarfile
import zipfile
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Protocol, cast

from groundhog.archives.order import MIB, RefusedError
from groundhog.archives.tree import Kind, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from groundhog.archives.order import ArchiveLimits

_ZIP = b"PK\x03\x04"
_BLOCK = tarfile.BLOCKSIZE
_LONGEST_TARGET = 4096
_MOST_BEHIND = 16 * MIB
"""Behind the end of a tar archive, which is filled up to whole records: of 10 KiB."""
PIECE = 64 * 1024
"""Read at a time. Not more: all that so many bytes of a bzip2 stream expand to is in memory at once."""


class Source(Protocol):
    """Where the contents of a file come from."""

    def read(self, size: int, /) -> bytes:
        """Return up to so many bytes; none at the end."""


@dataclass(frozen=True, slots=True)
class Member:
    """One member. ``target``: what a link or hard link leads to. ``source``: valid until the next member."""

    name: str
    kind: Kind
    target: str = ""
    size: int = 0
    """As the archive says it."""
    executable: bool = False
    source: Source | None = None


def members(archive: IO[bytes], single: str, limits: ArchiveLimits) -> Iterator[Member]:
    """All members of an archive; of what is none, one file with the name ``single``.

    Raises RefusedError, and what the standard library raises for broken archives.
    """
    start = archive.read(_BLOCK)
    archive.seek(0)
    if start.startswith(_ZIP):
        yield from _of_zip(archive, limits)
        return
    for magic, module, opened in (
        (b"\x1f\x8b", "gzip", _gzip),
        (b"BZh", "bz2", _bzip2),
        (b"\xfd7zXZ\x00", "lzma", _xz),
    ):
        if start.startswith(magic):
            try:
                stream = opened(archive)
            except ImportError:
                raise RefusedError(f"it is compressed, but this Python has no module {module}") from None
            yield from _of_tar(stream)
            return
    if _is_tar(start):
        yield from _of_tar(archive)
        return
    size = archive.seek(0, 2)
    archive.seek(0)
    yield Member(single, Kind.FILE, size=size, source=archive)


# A Python may be built without any of these modules.


def _gzip(archive: IO[bytes]) -> IO[bytes]:
    import gzip

    return cast("IO[bytes]", gzip.GzipFile(fileobj=archive, mode="rb"))


def _bzip2(archive: IO[bytes]) -> IO[bytes]:
    import bz2

    return cast("IO[bytes]", bz2.BZ2File(archive, "rb"))


def _xz(archive: IO[bytes]) -> IO[bytes]:
    import lzma

    return cast("IO[bytes]", lzma.LZMAFile(archive, "rb"))


def load_formats() -> None:
    """Import all that reading an archive may need, while files can still be opened."""
    import codecs
    import contextlib
    import importlib

    for module in ("gzip", "bz2", "lzma", "zlib"):
        with contextlib.suppress(ImportError):
            importlib.import_module(module)
    for encoding in ("ascii", "cp437", "iso8859-1", "utf-8"):
        codecs.lookup(encoding)


def _of_zip(archive: IO[bytes], limits: ArchiveLimits) -> Iterator[Member]:
    with zipfile.ZipFile(archive) as opened:
        # What it says of itself, before anything is written; what is written is counted all the same.
        limits.check_members(len(opened.infolist()))
        limits.check_bytes(sum(item.file_size for item in opened.infolist()))
        for item in opened.infolist():
            yield _zip_member(opened, item)


def _zip_member(opened: zipfile.ZipFile, item: zipfile.ZipInfo) -> Member:
    # Not `filename`, which ends at the first NUL.
    name = item.orig_filename
    mode = item.external_attr >> 16
    kinds: dict[int, Kind] = {
        0: Kind.FOLDER if name.endswith("/") else Kind.FILE,
        stat.S_IFDIR: Kind.FOLDER,
        stat.S_IFREG: Kind.FOLDER if name.endswith("/") else Kind.FILE,
        stat.S_IFLNK: Kind.LINK,
    }
    kind = kinds.get(stat.S_IFMT(mode))
    if kind is None:
        raise _neither(name)
    if kind is Kind.FOLDER:
        if item.file_size:
            raise RefusedError(f"it has the folder {shown(name)} with contents of {item.file_size} bytes")
        return Member(name, kind)
    source = opened.open(item)
    if kind is Kind.LINK:
        if item.file_size > _LONGEST_TARGET:
            raise RefusedError(f"it has the link {shown(name)} to a path of {item.file_size} bytes")
        return Member(name, kind, _text(name, _whole(source, item.file_size)))
    return Member(name, kind, size=item.file_size, executable=bool(mode & 0o111), source=source)


def _whole(source: IO[bytes], size: int) -> bytes:
    data = b""
    while piece := source.read(size + 1 - len(data)):
        data += piece
    return data


def _text(name: str, target: bytes) -> str:
    try:
        return target.decode()
    except UnicodeDecodeError:
        raise RefusedError(f"it has the link {shown(name)} to a path that is not UTF-8") from None


def _neither(name: str) -> RefusedError:
    return RefusedError(
        f"it has {shown(name)}, which is neither a file nor a folder nor a link, but a device or a pipe"
    )


def _is_tar(start: bytes) -> bool:
    """Whether it begins with the header of a member, which has a checksum."""
    try:
        tarfile.TarInfo.frombuf(start, "utf-8", "surrogateescape")
    except tarfile.TarError:
        return False
    return True


def _of_tar(stream: IO[bytes]) -> Iterator[Member]:
    # Not `with`, nor any extraction: only headers are read here, and contents where they lie.
    opened = tarfile.open(fileobj=stream, mode="r:", encoding="utf-8")  # noqa: SIM115
    kinds: dict[bytes, Kind] = {
        **dict.fromkeys(tarfile.REGULAR_TYPES, Kind.FILE),
        tarfile.DIRTYPE: Kind.FOLDER,
        tarfile.SYMTYPE: Kind.LINK,
        tarfile.LNKTYPE: Kind.HARD_LINK,
    }
    while (item := opened.next()) is not None:
        kind = kinds.get(item.type)
        if kind is None or item.size < 0:
            raise _neither(item.name)
        if kind is not Kind.FILE:
            yield Member(item.name, kind, item.linkname)
            continue
        source = opened.extractfile(item)
        if source is None:
            raise _neither(item.name)
        yield Member(
            item.name, kind, size=item.size, executable=bool(item.mode & 0o111), source=cast("Source", source)
        )
    _check_end(stream, opened.offset)


def _check_end(stream: IO[bytes], offset: int) -> None:
    """Whether a tar archive ends as one: the library takes any broken header for the end.

    What is behind it is read, too, since only then a compressed stream is compared with its checksum.
    """
    stream.seek(offset)
    if stream.read(_BLOCK) != bytes(_BLOCK):
        raise RefusedError("it is broken: it ends without the mark of an end")
    behind = 0
    while piece := stream.read(PIECE):
        behind += len(piece)
        if behind > _MOST_BEHIND:
            raise RefusedError(f"it has more than {_MOST_BEHIND} bytes behind its end")
