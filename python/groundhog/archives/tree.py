"""The tree of files that an archive stands for, in memory: which names it may have, and where its links lead.

Pure: nothing here looks at a file system, so nothing that lies there, or is not there yet, changes an answer.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from groundhog.archives.order import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from groundhog.archives.order import ArchiveLimits

    Path = tuple[str, ...]

_NAME_MAX = 255
_TARGET_MAX = 4095
_MAXSYMLINKS = 40
"""Links that the kernel follows in one path (`include/linux/namei.h`)."""
_SHOWN = 120
VIRTUALENV = "virtualenv"
"""Below it links may be absolute: an environment's interpreter is a link to that of the machine."""


class Kind(Enum):
    """What a member is."""

    FOLDER = "folder"
    FILE = "file"
    LINK = "link"
    HARD_LINK = "hard link"


@dataclass(frozen=True, slots=True)
class Node:
    """What lies at a path of the tree; a hard link is a file there."""

    kind: Kind
    target: str = ""


def shown(name: str) -> str:
    """A name as a message quotes it: in one line, and short."""
    return repr(name if len(name) <= _SHOWN else name[:_SHOWN] + "...")


class Tree:
    """Grows with each member; says which of them cannot be."""

    def __init__(self, limits: ArchiveLimits) -> None:
        self._limits = limits
        self._nodes: dict[Path, Node] = {}

    def add(self, name: str, kind: Kind, target: str = "") -> Path:
        """Add a member, and the folders that its name implies; the path that it has. ``()`` is the root.

        Raises RefusedError: the name leads outside, cannot be one, or is taken.
        """
        path = self._path(name.removesuffix("/") if kind is Kind.FOLDER and name != "/" else name)
        if not path:
            if kind is not Kind.FOLDER:
                raise RefusedError(f"it has a {kind.value} with the name {shown(name)}, the action's folder")
            return path
        for depth in range(1, len(path)):
            self._add_folder(path[:depth], name)
        if kind is Kind.FOLDER:
            self._add_folder(path, name)
            return path
        if path in self._nodes:
            raise RefusedError(f"it has the name {shown(name)} twice")
        if kind is Kind.HARD_LINK:
            self._check_file(name, target)
        elif kind is Kind.LINK:
            _check_target(name, target)
        self._put(path, Node(Kind.LINK, target) if kind is Kind.LINK else Node(Kind.FILE))
        return path

    def file(self, name: str) -> Path | None:
        """The path of the file that a name stands for, through links; None if it is no file."""
        end, outside = self._resolved(self._path(name))
        if outside or end is None:
            return None
        node = self._nodes.get(end)
        return end if node is not None and node.kind is Kind.FILE else None

    def links(self) -> Iterator[tuple[Path, str]]:
        """Each link and its target, once the tree is complete.

        Raises RefusedError: a link leads outside, now that all that it passes is known, or to itself.
        """
        for path, node in self._nodes.items():
            if node.kind is Kind.LINK:
                self._check_link(path, node.target)
                yield path, node.target

    def hard_link(self, target: str) -> Path:
        """The path of the file that a hard link is another name of."""
        return self._path(target)

    def _path(self, name: str) -> Path:
        """Split a name. ``.`` is dropped, as tar(1) writes ``./`` before everything."""
        try:
            size = len(os.fsencode(name))
        except UnicodeEncodeError:
            raise RefusedError(f"it has the path {shown(name)}, which no file can have") from None
        if name.startswith("/"):
            raise _outside(name)
        parts = name.split("/")
        if ".." in parts:
            raise _outside(name)
        path = tuple(part for part in parts if part != ".")
        if not name or "" in parts or "\0" in name:
            raise RefusedError(f"it has the path {shown(name)}, which no file can have")
        longest = max((len(os.fsencode(part)) for part in path), default=0)
        if size > self._limits.path_bytes or longest > _NAME_MAX:
            raise RefusedError(
                f"it has the path {shown(name)} of {size} bytes, and in it a name of {longest}: more than the"
                f" limits of {self._limits.path_bytes} and {_NAME_MAX}"
            )
        if len(path) > self._limits.depth:
            raise RefusedError(
                f"it has the path {shown(name)}, with more folders in one another than the limit of"
                f" {self._limits.depth}"
            )
        return path

    def _add_folder(self, path: Path, name: str) -> None:
        node = self._nodes.get(path)
        if node is None:
            self._put(path, Node(Kind.FOLDER))
        elif node.kind is not Kind.FOLDER:
            raise RefusedError(
                f"it has the path {shown(name)} through {shown('/'.join(path))}, which is a {node.kind.value}"
            )

    def _put(self, path: Path, node: Node) -> None:
        self._limits.check_members(len(self._nodes) + 1)
        self._nodes[path] = node

    def _check_file(self, name: str, target: str) -> None:
        node = self._nodes.get(self._path(target))
        if node is None or node.kind is not Kind.FILE:
            raise RefusedError(
                f"it has the hard link {shown(name)} to {shown(target)}, which is no file that came before it"
            )

    def _check_link(self, path: Path, target: str) -> None:
        """Whether a link stays in the tree: by its text alone, and with all links that it passes."""
        in_environment = len(path) > 1 and path[0] == VIRTUALENV
        if in_environment and target.startswith("/"):
            return  # whoever follows it is the function, in its own jail
        link = f"it has the link {shown('/'.join(path))} to {shown(target)}"
        if target.startswith("/"):
            raise RefusedError(
                f"{link}, outside of the action: only below {VIRTUALENV}/ may a link be absolute"
            )
        if _leaves(path[:-1], target):
            raise RefusedError(f"{link}, outside of the action")
        end, outside = self._resolved(path)
        if end is None:
            raise RefusedError(f"{link}, which goes through more than {_MAXSYMLINKS} links, or in a circle")
        if outside and (outside == ".." or not in_environment):
            raise RefusedError(f"{link}, outside of the action by way of other links")

    def _resolved(self, path: Path) -> tuple[Path | None, str]:
        """Where a path ends once its links are followed, as the kernel would; None: too many links.

        With it, by what the way leads outside: ``/``, an absolute link, or ``..``, a step above the root.
        """
        at: list[str] = []
        waiting = list(reversed(path))
        followed = 0
        while waiting:
            part = waiting.pop()
            if part in {"", "."}:
                continue
            if part == "..":
                if not at:
                    return (), ".."
                at.pop()
                continue
            at.append(part)
            node = self._nodes.get(tuple(at)) if len(at) <= self._limits.depth else None
            if node is None or node.kind is not Kind.LINK:
                continue
            followed += 1
            if followed > _MAXSYMLINKS:
                return None, ""
            if node.target.startswith("/"):
                return (), "/"
            at.pop()
            waiting.extend(reversed(node.target.split("/")))
        return tuple(at), ""


def _outside(name: str) -> RefusedError:
    return RefusedError(f"it has the path {shown(name)}, outside of the action")


def _check_target(name: str, target: str) -> None:
    try:
        size = len(os.fsencode(target))
    except UnicodeEncodeError:
        size = 0
    if not 0 < size <= _TARGET_MAX or "\0" in target:
        raise RefusedError(f"it has the link {shown(name)} to {shown(target)}, which no link can have")


def _leaves(folder: Path, target: str) -> bool:
    """Whether a target leads above the root, taken as text."""
    depth = len(folder)
    for part in target.split("/"):
        if part == "..":
            depth -= 1
        elif part not in {"", "."}:
            depth += 1
        if depth < 0:
            return True
    return False
