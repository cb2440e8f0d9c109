"""Writing an initramfs: a cpio archive in the "newc" format of the kernel.

Written here, not by cpio(1), since an archive made of descriptions needs neither root, for the console's
device node, nor a second copy of everything on disk.

Reference: Documentation/driver-api/early-userspace/buffer-format.rst of the kernel.
"""

from __future__ import annotations

import shutil
import stat
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

MAGIC = b"070701"
ALIGNMENT = 4


class Archive:
    """An archive being written; names are absolute paths, parents come before children."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out
        self._inode = 0

    def directory(self, name: str, mode: int = 0o755) -> None:
        """Add a folder."""
        self._entry(name, stat.S_IFDIR | mode)

    def symlink(self, name: str, target: str) -> None:
        """Add a symbolic link."""
        self._entry(name, stat.S_IFLNK | 0o777, content=target.encode())

    def device(self, name: str, major: int, minor: int) -> None:
        """Add a character device that only root may use."""
        self._entry(name, stat.S_IFCHR | 0o600, device=(major, minor))

    def text(self, name: str, content: str, mode: int = 0o644) -> None:
        """Add a file with this content."""
        self._entry(name, stat.S_IFREG | mode, content=content.encode())

    def file(self, name: str, source: Path) -> None:
        """Add a copy of a file with its permissions and time, so that make-like comparisons hold."""
        status = source.stat()
        mode = stat.S_IFREG | stat.S_IMODE(status.st_mode)
        with source.open("rb") as content:
            self._header(name, mode, status.st_size, modified=int(status.st_mtime))
            shutil.copyfileobj(content, self._out)
        self._pad()

    def close(self) -> None:
        """Write the end mark."""
        self._entry("TRAILER!!!", 0)

    def _entry(self, name: str, mode: int, *, content: bytes = b"", device: tuple[int, int] = (0, 0)) -> None:
        self._header(name, mode, len(content), device=device)
        self._out.write(content)
        self._pad()

    def _header(
        self, name: str, mode: int, size: int, *, modified: int = 0, device: tuple[int, int] = (0, 0)
    ) -> None:
        self._inode += 1
        encoded = name.lstrip("/").encode() + b"\0"
        # inode, mode, uid, gid, links, time, size, device of the file, device it stands for, name, checksum
        fields = (self._inode, mode, 0, 0, 1, modified, size, 0, 0, *device, len(encoded), 0)
        self._out.write(MAGIC + b"".join(b"%08X" % field for field in fields) + encoded)
        self._pad()

    def _pad(self) -> None:
        self._out.write(bytes(-self._out.tell() % ALIGNMENT))
