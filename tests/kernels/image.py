"""What is inside the virtual machine: parts of this machine, at the same paths, and an init."""

from __future__ import annotations

import os
import re
import subprocess
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from tests.kernels.cpio import Archive

if TYPE_CHECKING:
    from collections.abc import Iterable

ELF_MAGIC = b"\x7fELF"
LDD = "/usr/bin/ldd"
LIBRARY = re.compile(r"(?:=> |^\t)(/\S+) \(0x")
USERS = "root:x:0:0:root:/tmp:/bin/sh\nnobody:x:65534:65534:nobody:/tmp:/bin/sh\n"
GROUPS = "root:x:0:\nnogroup:x:65534:\n"


class Image:
    """A set of files to be packed; adding one adds the links on its path and the libraries it needs."""

    def __init__(self) -> None:
        self._entries: dict[str, Path | str | None] = {}
        self._texts: dict[str, tuple[str, int]] = {}
        self._elf: list[str] = []

    def add(self, path: Path, *, leave_out: Iterable[str] = ()) -> None:
        """Add a file or a folder at its own path, but nothing in it whose name matches ``leave_out``."""
        real = self._walk(path)
        if not real.is_dir():
            return
        patterns = tuple(leave_out)
        for folder, folders, files in os.walk(real):
            folders[:] = sorted(name for name in folders if not _matches(name, patterns))
            for name in sorted({*folders, *(name for name in files if not _matches(name, patterns))}):
                child = Path(folder, name)
                if child.exists():  # a dangling link is of no use there either
                    self._walk(child)

    def folder(self, path: Path) -> None:
        """Add a folder without what is in it."""
        self._walk(path)

    def text(self, path: str, content: str, mode: int = 0o644) -> None:
        """Add a file that is not on this machine, in a folder that need not be either."""
        self._walk(Path(path).parent)
        self._texts[path] = (content, mode)

    def write(self, target: Path, busybox: Path, init: Path) -> None:
        """Pack everything, with busybox and the init, into an initramfs."""
        self._add_libraries()
        with target.open("wb") as out:
            archive = Archive(out)
            archive.directory("/dev")
            archive.device("/dev/console", 5, 1)
            for name in ("/proc", "/sys", "/tmp", "/run", "/root", "/etc"):  # noqa: S108 - the guest's own
                archive.directory(name)
            archive.file("/busybox", busybox)
            archive.file("/init", init)
            archive.text("/etc/passwd", USERS)
            archive.text("/etc/group", GROUPS)
            for name, entry in self._entries.items():
                if entry is None:
                    archive.directory(name)
                elif isinstance(entry, str):
                    archive.symlink(name, entry)
                else:
                    archive.file(name, entry)
            for name, (content, mode) in self._texts.items():
                archive.text(name, content, mode)
            archive.close()

    def _walk(self, path: Path) -> Path:
        """Add each component of a path, links as links and their targets too; return where it ends."""
        at = Path("/")
        pending = list(path.absolute().parts[1:])
        while pending:
            component = pending.pop(0)
            if component == "..":
                at = at.parent
                continue
            here = at / component
            if here.is_symlink():
                target = here.readlink()
                self._entries.setdefault(str(here), str(target))
                pending = [part for part in target.parts if part != "/"] + pending
                if target.is_absolute():
                    at = Path("/")
            elif here.is_dir() or not here.exists():  # what is not here is a folder for a text
                self._entries.setdefault(str(here), None)
                at = here
            else:
                self._file(here)
                at = here
        return at

    def _file(self, path: Path) -> None:
        name = str(path)
        if name in self._entries or not path.is_file():
            return
        self._entries[name] = path
        with path.open("rb") as start:
            if start.read(len(ELF_MAGIC)) == ELF_MAGIC:
                self._elf.append(name)

    def _add_libraries(self) -> None:
        """Add what ldd(1) says the programs and libraries need; ldd follows libraries of libraries itself."""
        if not self._elf:
            return
        # It answers 1 when one of the files is static, and still lists the others.
        listing = subprocess.run([LDD, *self._elf], check=False, capture_output=True, text=True).stdout
        missing = re.findall(r"^\t(\S+) => not found", listing, re.MULTILINE)
        if missing:
            message = f"libraries not found on this machine: {', '.join(sorted(set(missing)))}"
            raise FileNotFoundError(message)
        for line in listing.splitlines():
            library = LIBRARY.search(line)
            if library:
                self._walk(Path(library[1]))


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
