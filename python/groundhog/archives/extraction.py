"""Writing a tree into a folder, name by name, each relative to the descriptor of the folder that it lies in.

No path is ever given to the kernel, and no link is in the folder until all else is: there is nothing to be
followed, whatever an archive holds. `O_NOFOLLOW` and `O_EXCL` hold should that ever be wrong.
"""

from __future__ import annotations

import contextlib
import os
from typing import IO, TYPE_CHECKING

from groundhog.archives.members import PIECE, Member, members
from groundhog.archives.order import RefusedError, WriteError
from groundhog.archives.tree import Kind, Tree, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from groundhog.archives.order import ArchiveLimits

_ENTER = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_PLAIN, _EXECUTABLE = 0o644, 0o755


def extract(
    archive: IO[bytes], folder: int, single: str, limits: ArchiveLimits, program: str | None = None
) -> None:
    """Unpack an archive into an empty folder, given as a descriptor.

    ``single``: the name that it gets if it is no archive. ``program``: a file to be made executable, if there
    is one. Raises RefusedError, WriteError, and what the standard library raises for broken archives; what is
    in the folder then is to be thrown away.
    """
    tree = Tree(limits)
    place = _Place(folder)
    try:
        written = 0
        for member in members(archive, single, limits):
            limits.check_bytes(written + member.size)
            path = tree.add(member.name, member.kind, member.target)
            if member.kind is Kind.FILE:
                written += _write(place, path, member, written, limits)
                continue
            with _writing():
                if member.kind is Kind.FOLDER:
                    place.enter(path)
                elif member.kind is Kind.HARD_LINK:
                    place.link_file(tree.hard_link(member.target), path)
        links = list(tree.links())
        executable = None if program is None else tree.file(program)
        with _writing():
            if executable is not None:
                place.make_executable(executable)
            for path, target in links:
                os.symlink(target, path[-1], dir_fd=place.enter(path[:-1]))
    finally:
        place.close()


@contextlib.contextmanager
def _writing() -> Iterator[None]:
    """Tell errors of the folder from those that a broken archive causes while it is read."""
    try:
        yield
    except OSError as error:
        raise WriteError(f"it cannot be written: {error.strerror}") from error


def _write(place: _Place, path: tuple[str, ...], member: Member, before: int, limits: ArchiveLimits) -> int:
    """Write a file, in bounds whatever size the archive names; how many bytes it has."""
    assert member.source is not None  # noqa: S101 - files have one
    mode = _EXECUTABLE if member.executable else _PLAIN
    with _writing():
        file = os.open(path[-1], _CREATE, mode, dir_fd=place.enter(path[:-1]))
    try:
        written = 0
        while piece := member.source.read(PIECE):
            limits.check_bytes(before + written + len(piece))
            left = memoryview(piece)
            while left:
                with _writing():
                    left = left[os.write(file, left) :]
            written += len(piece)
    finally:
        os.close(file)
    if written != member.size:
        raise RefusedError(
            f"it is broken: {shown(member.name)} has {written} bytes, but should have {member.size}"
        )
    return written


class _Place:
    """The folder, and the way down to one of its folders, where the last member went."""

    def __init__(self, root: int) -> None:
        self._root = root
        self._way: list[tuple[str, int]] = []

    def enter(self, path: tuple[str, ...]) -> int:
        """The descriptor of a folder; it and those above it are made if they are not there."""
        common = 0
        while common < min(len(path), len(self._way)) and self._way[common][0] == path[common]:
            common += 1
        self._leave(common)
        for name in path[common:]:
            self._way.append((name, _entered(name, self._at())))
        return self._at()

    def link_file(self, path: tuple[str, ...], other: tuple[str, ...]) -> None:
        """Give a file that is here another name."""
        source = os.open(
            ".", _ENTER, dir_fd=self.enter(path[:-1])
        )  # which stays open on the way to the other
        try:
            folder = self.enter(other[:-1])
            os.link(path[-1], other[-1], src_dir_fd=source, dst_dir_fd=folder, follow_symlinks=False)
        finally:
            os.close(source)

    def make_executable(self, path: tuple[str, ...]) -> None:
        """Let everybody execute a file."""
        file = os.open(path[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self.enter(path[:-1]))
        try:
            os.fchmod(file, _EXECUTABLE)
        finally:
            os.close(file)

    def close(self) -> None:
        self._leave(0)

    def _at(self) -> int:
        return self._way[-1][1] if self._way else self._root

    def _leave(self, depth: int) -> None:
        while len(self._way) > depth:
            os.close(self._way.pop()[1])


def _entered(name: str, folder: int) -> int:
    try:
        return os.open(name, _ENTER, dir_fd=folder)
    except FileNotFoundError:
        os.mkdir(name, 0o755, dir_fd=folder)
        return os.open(name, _ENTER, dir_fd=folder)
