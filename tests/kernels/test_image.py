"""The archive holds what was added, where the kernel's unpacker expects it."""

from __future__ import annotations

import stat
from pathlib import Path

from tests.kernels.image import Image

HEADER = 110
FIELD = 8


def unpack(archive: bytes) -> dict[str, tuple[int, bytes]]:
    """Read a newc archive: name -> (mode, content); fails where padding or order is wrong."""
    found: dict[str, tuple[int, bytes]] = {}
    at = 0
    while True:
        assert archive[at : at + 6] == b"070701"
        fields = [int(archive[start : start + FIELD], 16) for start in range(at + 6, at + HEADER, FIELD)]
        mode, size, name_size = fields[1], fields[6], fields[11]
        name = archive[at + HEADER : at + HEADER + name_size - 1].decode()
        start = (at + HEADER + name_size + 3) & ~3
        if name == "TRAILER!!!":
            return found
        parent = name.rpartition("/")[0]
        assert not parent or parent in found, f"{name} comes before its folder"
        found[name] = (mode, archive[start : start + size])
        at = (start + size + 3) & ~3


def packed(image: Image, folder: Path) -> dict[str, tuple[int, bytes]]:
    """Write the image with stand-ins for busybox and init, and read it again."""
    for name in ("busybox", "init"):
        (folder / name).write_text(name)
    image.write(folder / "initramfs", folder / "busybox", folder / "init")
    return unpack((folder / "initramfs").read_bytes())


def test_a_link_comes_with_its_target(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real/data").write_text("here")
    (tmp_path / "alias").symlink_to("real")
    image = Image()
    image.add(tmp_path / "alias/data")
    entries = packed(image, tmp_path)
    base = str(tmp_path).lstrip("/")
    mode, target = entries[f"{base}/alias"]
    assert stat.S_ISLNK(mode)
    assert target == b"real"
    assert entries[f"{base}/real/data"][1] == b"here"


def test_a_folder_comes_without_what_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "tree/keep").mkdir(parents=True)
    (tmp_path / "tree/keep/a").write_text("a")
    (tmp_path / "tree/keep/a.o").write_text("o")
    (tmp_path / "tree/skip").mkdir()
    (tmp_path / "tree/dangling").symlink_to("nowhere")
    image = Image()
    image.add(tmp_path / "tree", leave_out=("skip", "*.o"))
    entries = packed(image, tmp_path)
    base = str(tmp_path).lstrip("/") + "/tree"
    assert {name for name in entries if name.startswith(base)} == {base, f"{base}/keep", f"{base}/keep/a"}


def test_times_and_permissions_are_kept(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o750)
    image = Image()
    image.add(program)
    mode, _content = packed(image, tmp_path)[str(program).lstrip("/")]
    assert stat.S_IMODE(mode) == 0o750


def test_a_program_brings_its_libraries(tmp_path: Path) -> None:
    image = Image()
    image.add(Path("/usr/bin/env"))
    entries = packed(image, tmp_path)
    assert any(name.endswith("/libc.so.6") for name in entries)
    assert any("/ld-linux-" in name for name in entries)


def test_a_made_up_file_has_folders(tmp_path: Path) -> None:
    image = Image()
    image.text("/job/steps/one/limit", "5")
    entries = packed(image, tmp_path)
    assert entries["job/steps/one/limit"][1] == b"5"
    assert stat.S_ISDIR(entries["job/steps/one"][0])
