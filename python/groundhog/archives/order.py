"""What an unpacking process is to do, and what it may take."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

MIB = 1024 * 1024


class RefusedError(Exception):
    """The archive is not unpacked; the message is the end of a sentence about it."""


class WriteError(Exception):
    """The file system takes no more, or not that: whatever the archive is, it cannot be unpacked here."""


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """Bounds on what an archive may become. No real one comes near the last three."""

    bytes: int = 1024 * MIB
    """All of its files together, unpacked."""
    members: int = 100_000
    """Files, folders and links, with folders that only a path names."""
    depth: int = 100
    """Folders in one another."""
    path_bytes: int = 2048
    """Of a path as a whole: together with the folder it must be one that the kernel takes."""
    memory: int = 512 * MIB
    """Address space of the process that unpacks."""

    def check_bytes(self, size: int) -> None:
        """Raise RefusedError for so many unpacked bytes, if that is too many."""
        if size > self.bytes:
            raise RefusedError(f"it unpacks to {size} bytes or more, more than the limit of {self.bytes}")

    def check_members(self, count: int) -> None:
        """Raise RefusedError for so many files, folders and links, if that is too many."""
        if count > self.members:
            raise RefusedError(f"it has more files and folders than the limit of {self.members}")


@dataclass(frozen=True, slots=True)
class Order:
    """Everything that the child is told."""

    archive: int
    """The descriptor of the archive, a file."""
    folder: int
    """The descriptor of the empty folder."""
    parent: int
    """The process without which the child is to end."""
    seconds: int
    """Of processor time."""
    single: str
    """The name that it gets if it is no archive but one file."""
    program: str | None = None
    """A file to be made executable."""
    means: str | None = None
    """What the child shuts itself in by: ``landlock``, ``namespace``; None: only its user's rights."""
    ids: tuple[int, int] | None = None
    """User and group that it becomes."""
    limits: ArchiveLimits = field(default_factory=ArchiveLimits)

    def to_json(self) -> str:
        """As the child reads it."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Order:
        """What `to_json` wrote."""
        members = json.loads(text)
        ids = members["ids"]
        return cls(
            **{
                **members,
                "ids": None if ids is None else tuple(ids),
                "limits": ArchiveLimits(**members["limits"]),
            }
        )
