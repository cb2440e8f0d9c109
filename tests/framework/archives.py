"""Archives as people make them, as attackers make them, and as bad lines make them."""

from __future__ import annotations

import io
import random
import stat
import tarfile
import warnings
import zipfile

PYTHON = b"from package.words import greeting\ndef main(args):\n    return {'greeting': greeting}\n"
PACKAGE = {"__main__.py": PYTHON, "package/__init__.py": b"", "package/words.py": b"greeting = 'hi'\n"}


def zipped(files: dict[str, bytes], modes: dict[str, int] | None = None) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = ((modes or {}).get(name, stat.S_IFREG | 0o644)) << 16
            archive.writestr(info, data)
    return out.getvalue()


def tarred(files: dict[str, bytes], mode: str = "w:gz", link: tuple[str, str] | None = None) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]  # a mode as a variable
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            info.mode = 0o755
            archive.addfile(info, io.BytesIO(data))
        if link:
            info = tarfile.TarInfo(link[0])
            info.type = tarfile.SYMTYPE
            info.linkname = link[1]
            archive.addfile(info)
    return out.getvalue()


def zip_of(*members: tuple[str, int, bytes]) -> bytes:
    """A zip archive of members in this order: name, mode, contents or target of the link."""
    out = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(out, "w") as archive:
        warnings.simplefilter("ignore")  # of names that come twice
        for name, mode, data in members:
            info = zipfile.ZipInfo()
            info.filename = name  # which the constructor would cut at a NUL
            info.external_attr = mode << 16
            archive.writestr(info, data)
    return out.getvalue()


def tar_of(*members: tuple[str, bytes, bytes | str], mode: str = "w") -> bytes:
    """A tar archive of members in this order: name, type, contents or target of the link."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]  # a mode as a variable
        for name, kind, data in members:
            info = tarfile.TarInfo(name)
            info.type = kind
            if isinstance(data, str):
                info.linkname = data
            else:
                info.size = len(data)
            archive.addfile(info, io.BytesIO(data) if isinstance(data, bytes) else None)
    return out.getvalue()


LINK, FILE = stat.S_IFLNK | 0o777, stat.S_IFREG | 0o644
LNK, SYM, REG, DIR = tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.REGTYPE, tarfile.DIRTYPE
MAIN = ("__main__.py", FILE, PYTHON)
TAR_MAIN = ("__main__.py", REG, PYTHON)


def longer_than_a_path(*last: tuple[str, bytes, bytes | str]) -> bytes:
    """CVE-2025-4517: `realpath` gives up on paths of more than PATH_MAX, and takes the rest of one as it is.

    Sixteen folders with long names, each with a link of one letter to the next. By the links the path to the
    innermost is short, and a link there climbs up as many levels; resolved, it is longer than PATH_MAX.
    """
    long, letters = "d" * 247, "abcdefghijklmnop"
    members: list[tuple[str, bytes, bytes | str]] = []
    path = ""
    for letter in letters:
        members += [(path + long, DIR, b""), (path + letter, SYM, long)]
        path += long + "/"
    top = "/".join(letters) + "/" + "l" * 254
    members += [(top, SYM, "../" * len(letters)), ("escape", SYM, f"{top}/../outside"), *last]
    return tar_of(*members, mode="w:gz")


ATTACKS = {
    "zip: a link that leads outside once a later link is there": zip_of(
        ("a/up", LINK, b"b/.."), ("a/b", LINK, b".."), ("a/up/outside/evil", FILE, b"x"), MAIN
    ),
    "zip: the same, and no file through it": zip_of(
        ("a/up", LINK, b"b/../outside"), ("a/b", LINK, b".."), MAIN
    ),
    "zip: a chain of three": zip_of(
        ("a/x", LINK, b"y/../outside"),
        ("a/y", LINK, b"z"),
        ("a/z", LINK, b".."),
        ("a/x/evil", FILE, b"x"),
        MAIN,
    ),
    "zip: a file through a link to a folder": zip_of(
        ("f/g", FILE, b""), ("l", LINK, b"f"), ("l/h", FILE, b"x"), MAIN
    ),
    "zip: a file over a link": zip_of(("l", LINK, b"__main__.py"), ("l", FILE, b"x"), MAIN),
    "zip: a link over a file": zip_of(MAIN, ("__main__.py", LINK, b"other"), ("other", FILE, b"")),
    "zip: a folder in place of a link": zip_of(("l", LINK, b"f"), ("l/", stat.S_IFDIR | 0o755, b""), MAIN),
    "zip: a link to itself": zip_of(("l", LINK, b"l"), MAIN),
    "zip: links in a circle": zip_of(("l", LINK, b"m"), ("m", LINK, b"l/x"), MAIN),
    "zip: a pipe": zip_of(("pipe", stat.S_IFIFO | 0o644, b""), MAIN),
    "zip: a device": zip_of(("device", stat.S_IFCHR | 0o644, b""), MAIN),
    "zip: a link that is no text": zip_of(("l", LINK, b"\xff"), MAIN),
    "zip: a link without a target": zip_of(("l", LINK, b""), MAIN),
    "zip: a link whose target is megabytes": zip_of(("l", LINK, b"x" * 5_000_000), MAIN),
    "tar: CVE-2025-4517, a file": longer_than_a_path(("escape/evil", REG, b"x"), TAR_MAIN),
    "tar: CVE-2025-4517, over a hard link": longer_than_a_path(
        ("evil", LNK, "escape/victim"), ("evil", REG, b"overwritten"), TAR_MAIN
    ),
    "tar: CVE-2025-4517, the link alone": longer_than_a_path(TAR_MAIN),
    "tar: a link that leads outside once a later link is there": tar_of(
        ("a/up", SYM, "b/../outside"), ("a/b", SYM, ".."), ("a/up/evil", REG, b"x"), TAR_MAIN
    ),
    "tar: a hard link to a link": tar_of(("l", SYM, "__main__.py"), ("h", LNK, "l"), TAR_MAIN),
    "tar: a hard link through a link": tar_of(
        ("f/g", REG, b""), ("l", SYM, "f"), ("h", LNK, "l/g"), TAR_MAIN
    ),
    "tar: a file through a link to a folder": tar_of(
        ("f", DIR, b""), ("l", SYM, "f"), ("l/h", REG, b"x"), TAR_MAIN
    ),
    "tar: a file over a link": tar_of(("l", SYM, "f"), ("l", REG, b"x"), TAR_MAIN),
    "tar: a folder in place of a link": tar_of(("l", SYM, "f"), ("l", DIR, b""), TAR_MAIN),
    "tar: a pipe": tar_of(("pipe", tarfile.FIFOTYPE, b""), TAR_MAIN),
    "tar: an absolute path": tar_of(("/evil", REG, b"x"), TAR_MAIN),
    "tar: a kind that is none": tar_of(("what", b"Z", b""), TAR_MAIN),
}


def corrupted(archive: bytes, at: int) -> bytes:
    return archive[:at] + bytes([archive[at] ^ 0xFF]) + archive[at + 1 :]


RANDOM = random.Random(1).randbytes(300_000)  # noqa: S311 - it is only to be hard to compress
PLENTY = {"first.bin": RANDOM, **PACKAGE, "last.bin": RANDOM}
ZIPPED, GZIPPED, PLAIN = zipped(PLENTY), tarred(PLENTY), tarred(PLENTY, "w")
LAST_HEADER = PLAIN.index(b"last.bin")
BROKEN = {
    "zip: cut off": ZIPPED[:-100],
    "zip: the contents": corrupted(ZIPPED, ZIPPED.index(b"last.bin") + 1000),
    "zip: a checksum": corrupted(ZIPPED, ZIPPED.index(b"PK\x01\x02") + 16),
    "zip: a size": corrupted(ZIPPED, ZIPPED.index(b"PK\x01\x02") + 24),
    "zip: encrypted": corrupted(ZIPPED, ZIPPED.index(b"PK\x01\x02") + 8),
    "zip: an unknown compression": corrupted(ZIPPED, ZIPPED.index(b"PK\x01\x02") + 11),
    "tar.gz: cut off": GZIPPED[:-100],
    "tar.gz: the contents": corrupted(GZIPPED, len(GZIPPED) - 1000),
    "tar.gz: the checksum of the stream": corrupted(GZIPPED, len(GZIPPED) - 8),
    "tar.gz: something behind it": GZIPPED + b"something",
    "tar.bz2: the contents": corrupted(tarred(PLENTY, "w:bz2"), 100_000),
    "tar.xz: the contents": corrupted(tarred(PLENTY, "w:xz"), 100_000),
    "tar: cut off in a file": PLAIN[:200_000],
    "tar: cut off between two": PLAIN[:LAST_HEADER],
    "tar: a header": corrupted(PLAIN, LAST_HEADER + 1),
}
