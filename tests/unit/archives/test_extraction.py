"""What an archive becomes in a folder, without the sandbox around it: nothing here may need that."""

from __future__ import annotations

import io
import os
import stat
import tarfile
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from groundhog.archives.extraction import extract
from groundhog.archives.order import ArchiveLimits, RefusedError, WriteError
from tests.framework.archives import (
    DIR,
    FILE,
    LINK,
    LNK,
    REG,
    SYM,
    longer_than_a_path,
    tar_of,
    tarred,
    zip_of,
    zipped,
)

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("no_leaks", "umask")


def unpack(data: bytes, folder: Path, **options: Any) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        limits = options.pop("limits", ArchiveLimits())
        extract(io.BytesIO(data), descriptor, "single", limits, **options)
    finally:
        os.close(descriptor)


def found(folder: Path) -> dict[str, str | int]:
    """Modes of files and folders, targets of links."""
    return {
        str(path.relative_to(folder)): os.readlink(path)  # noqa: PTH115 - to the letter
        if path.is_symlink()
        else stat.S_IMODE(path.stat().st_mode)
        for path in sorted(folder.rglob("*"))
    }


def test_zip(tmp_path: Path) -> None:
    data = zip_of(
        ("a/b/plain", FILE, b"one"),
        ("a/program", FILE | 0o111, b"two"),
        ("a/", stat.S_IFDIR | 0o777, b""),
        ("empty/", stat.S_IFDIR | 0o755, b""),
        ("no type", 0o640, b"three"),
        ("nothing", 0, b""),
        ("link", LINK, b"a/program"),
        ("up/link", LINK, b"../a/./b"),
        ("set ids", stat.S_IFREG | 0o6755, b"four"),
    )
    unpack(data, tmp_path)
    assert found(tmp_path) == {
        "a": 0o755,
        "a/b": 0o755,
        "a/b/plain": 0o644,
        "a/program": 0o755,
        "empty": 0o755,
        "no type": 0o644,
        "nothing": 0o644,
        "link": "a/program",
        "up": 0o755,
        "up/link": "../a/./b",
        "set ids": 0o755,
    }
    assert (tmp_path / "a/b/plain").read_bytes() == b"one"
    assert (tmp_path / "no type").read_bytes() == b"three"


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_tar(tmp_path: Path, mode: str, form: int) -> None:
    """As tar(1) makes it of a folder: `tar -C folder -c .`."""
    source, folder = tmp_path / "source", tmp_path / "folder"
    long = "long" * 20
    (source / "a" / long).mkdir(parents=True)
    folder.mkdir()
    (source / "a" / long / ("ä" * 40)).write_bytes(b"one" * 100_000)
    (source / "program").write_bytes(b"")
    (source / "program").chmod(0o6755)
    (source / "a" / "link").symlink_to(long)
    os.link(source / "program", source / "a" / "same")
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode, format=form) as archive:  # type: ignore[call-overload]
        archive.add(source, ".")
    unpack(out.getvalue(), folder)
    assert found(folder) == {
        "a": 0o755,
        f"a/{long}": 0o755,
        f"a/{long}/{'ä' * 40}": 0o644,
        "a/link": long,
        "a/same": 0o755,
        "program": 0o755,
    }
    assert (folder / "a" / long / ("ä" * 40)).read_bytes() == b"one" * 100_000
    assert (folder / "a" / "same").samefile(folder / "program")


def test_a_tar_with_holes(tmp_path: Path) -> None:
    """What has holes is written as what it reads as, and counts as that."""
    source = tmp_path / "holes"
    with source.open("wb") as file:
        file.truncate(1_000_000)
        file.seek(500_000)
        file.write(b"middle")
    packed = tmp_path / "packed.tar"
    assert os.system(f"tar -C {tmp_path} --sparse -cf {packed} holes") == 0  # noqa: S605
    data = packed.read_bytes()
    assert len(data) < 100_000, "it is sparse"
    folder = tmp_path / "folder"
    folder.mkdir()
    unpack(data, folder)
    assert (folder / "holes").read_bytes() == source.read_bytes()
    with pytest.raises(RefusedError, match=r"more than the limit of 900000$"):
        unpack(data, folder, limits=ArchiveLimits(bytes=900_000))


@pytest.mark.parametrize(
    "compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_the_compressions_of_zip(tmp_path: Path, compression: int) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        archive.writestr("f", b"0123456789" * 100_000)
    unpack(out.getvalue(), tmp_path)
    assert (tmp_path / "f").read_bytes() == b"0123456789" * 100_000


@pytest.mark.parametrize("data", [b"", b"#!/bin/sh\n", b"PK\x03", b"\x7fELF" + bytes(10_000), bytes(2000)])
def test_what_is_no_archive_is_one_file(tmp_path: Path, data: bytes) -> None:
    unpack(data, tmp_path, program="single")
    assert found(tmp_path) == {"single": 0o755}
    assert (tmp_path / "single").read_bytes() == data


def test_a_program_behind_links_is_made_executable(tmp_path: Path) -> None:
    unpack(zip_of(("exec", LINK, b"l"), ("l", LINK, b"a/f"), ("a/f", FILE, b"")), tmp_path, program="exec")
    assert found(tmp_path) == {"a": 0o755, "a/f": 0o755, "l": "a/f", "exec": "l"}


@pytest.mark.parametrize("way", ["", "a/b/c/"])
def test_what_is_in_the_folder_already_is_not_followed(tmp_path: Path, way: str) -> None:
    """It should be empty. Should it ever not be, no link in it leads anywhere."""
    folder, outside = tmp_path / "folder", tmp_path / "outside"
    outside.mkdir()
    (folder / way).mkdir(parents=True)
    (folder / way / "l").symlink_to(outside)
    (folder / way / "f").symlink_to(outside / "made")
    for data in (
        zip_of((f"{way}l/evil", FILE, b"x")),
        zip_of((f"{way}f", FILE, b"x")),
        zip_of((f"{way}l/", stat.S_IFDIR, b"")),
        tar_of(("x", REG, b"x"), (f"{way}l/evil", LNK, "x")),
        tar_of(("y", REG, b"x"), (f"{way}l/evil", SYM, "x")),
    ):
        with pytest.raises(WriteError, match=r"^it cannot be written: (Not a directory|File exists)$"):
            unpack(data, folder)
    assert list(outside.iterdir()) == []


def test_links_are_made_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    for name in ("open", "mkdir", "link", "symlink"):
        real = getattr(os, name)

        def noted(*args: Any, _name: str = name, _real: Any = real, **options: Any) -> Any:
            calls.append(_name)
            return _real(*args, **options)

        monkeypatch.setattr(os, name, noted)
    unpack(
        tar_of(("l", SYM, "a"), ("a/f", REG, b""), ("m", SYM, "a/f"), ("h", LNK, "a/f"), ("d", DIR, b"")),
        tmp_path,
    )
    assert calls[-2:] == ["symlink", "symlink"]
    assert "symlink" not in calls[:-2]


@pytest.mark.parametrize("last", [(), (("escape/evil", REG, b"x"),), (("evil", LNK, "escape/victim"),)])
def test_longer_than_a_path(tmp_path: Path, last: tuple[tuple[str, bytes, bytes | str], ...]) -> None:
    """CVE-2025-4517, also where no limit of a path's length keeps it out."""
    folder, outside = tmp_path / "folder", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    (outside / "victim").write_text("as it was")
    with pytest.raises(
        RefusedError, match=r"through '\w+', which is a link$|no file that came before it$|outside of"
    ):
        unpack(longer_than_a_path(*last), folder, limits=ArchiveLimits(path_bytes=100_000))
    assert [(path.name, path.read_text()) for path in outside.iterdir()] == [("victim", "as it was")]


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_the_limit_of_bytes(tmp_path: Path, pack: Any) -> None:
    data = pack({"a": b"x" * 600, "b": b"x" * 400})
    unpack(data, tmp_path, limits=ArchiveLimits(bytes=1000))
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(RefusedError, match=r"^it unpacks to 1000 bytes or more, more than the limit of 999$"):
        unpack(data, other, limits=ArchiveLimits(bytes=999))


def test_bytes_are_counted_as_they_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever size an archive names: a reader that gives more than that is not trusted either."""

    class Endless:
        def read(self, size: int, /) -> bytes:
            return b"x" * size

    from groundhog.archives import extraction
    from groundhog.archives.members import Member
    from groundhog.archives.tree import Kind

    def lying(*_: Any) -> Any:
        yield Member("f", Kind.FILE, size=10, source=Endless())

    monkeypatch.setattr(extraction, "members", lying)
    with pytest.raises(RefusedError, match=r"more than the limit of 300000$"):
        unpack(b"", tmp_path, limits=ArchiveLimits(bytes=300_000))
    assert (tmp_path / "f").stat().st_size <= 300_000


def test_a_stream_that_goes_on_behind_its_archive(tmp_path: Path) -> None:
    import gzip

    tar = tar_of(("f", REG, b"x"))
    unpack(gzip.compress(tar + bytes(1_000_000)), tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(RefusedError, match=r"^it has more than 16777216 bytes behind its end$"):
        unpack(gzip.compress(tar + bytes(20_000_000)), other)


@pytest.mark.parametrize("size", [5, 20])
def test_a_size_that_is_not_kept_to(tmp_path: Path, size: int) -> None:
    """Both places of a zip name another size than the ten bytes that it has."""
    data = zip_of(("f", FILE, b"0123456789"))
    for magic, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        start = data.index(magic) + at
        data = data[:start] + size.to_bytes(4, "little") + data[start + 4 :]
    with pytest.raises((RefusedError, zipfile.BadZipFile, EOFError)):
        unpack(data, tmp_path)


def test_more_files_than_the_limit(tmp_path: Path) -> None:
    data = zipped({f"{number}": b"" for number in range(11)})
    with pytest.raises(RefusedError, match=r"^it has more files and folders than the limit of 10$"):
        unpack(data, tmp_path, limits=ArchiveLimits(members=10))


def test_deep_and_wide(tmp_path: Path) -> None:
    """The deepest that is allowed, with files on all levels and back again."""
    paths = ["/".join(["d"] * depth) + f"{'/' if depth else ''}f" for depth in range(100)]
    unpack(zipped(dict.fromkeys([*paths, "g", *(path + "2" for path in reversed(paths))], b"x")), tmp_path)
    assert len(found(tmp_path)) == 99 + 100 + 1 + 100
