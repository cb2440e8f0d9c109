"""A fuzzer of archives: whatever they hold, nothing outside of the folder changes, and what is accepted is
unpacked to the letter.

`GROUNDHOG_ARCHIVE_EXAMPLES=100000 pytest --timeout 0` on this file tries so many for each property.
"""

# ruff: noqa: PTH103, PTH115, PTH116, PTH118, PTH120, PTH208, PTH211 - names to the letter: a Path changes some

from __future__ import annotations

import contextlib
import errno
import io
import os
import re
import shutil
import stat
import struct
import tarfile
import tempfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from groundhog.archives.extraction import extract
from groundhog.archives.order import ArchiveLimits, RefusedError
from groundhog.archives.tree import Kind, Tree
from groundhog.archives.unpacker import Unpacker
from groundhog.errors import ConfigError
from tests.framework.archives import zip_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    Entry = tuple[str, bytes | str]
    Entries = dict[str, Entry]

pytestmark = pytest.mark.usefixtures("umask")

EXAMPLES = int(os.environ.get("GROUNDHOG_ARCHIVE_EXAMPLES", "100"))
THOROUGH = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
# One process for each.
WHOLE = settings(THOROUGH, max_examples=max(15, EXAMPLES // 10))

LIMITS = ArchiveLimits(bytes=100_000, members=1000)
MEMORY = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108, PTH112 - thousands of small files

READER_ERRORS = (
    RefusedError,
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)
"""What archives that are broken may raise; one whose bytes are sound raises the first or nothing."""
KINDS = {"file": stat.S_IFREG, "program": stat.S_IFREG, "folder": stat.S_IFDIR, "link": stat.S_IFLNK}
TAR_KINDS = {
    "file": tarfile.REGTYPE,
    "program": tarfile.REGTYPE,
    "folder": tarfile.DIRTYPE,
    "link": tarfile.SYMTYPE,
    "hard": tarfile.LNKTYPE,
}


@dataclass(frozen=True)
class Part:
    """One member of a made-up archive."""

    kind: str
    name: str
    content: str

    @property
    def path(self) -> str:
        return "/".join(part for part in self.name.split("/") if part not in {"", "."})


WORDS = st.sampled_from(["a", "b", "c", "virtualenv", "d" * 200])
STEPS = st.one_of(WORDS, WORDS, WORDS, st.sampled_from(["..", ".", "", "a\0", "é"]))
PATHS = st.builds(
    lambda parts, before, after: before + "/".join(parts) + after,
    st.lists(STEPS, min_size=1, max_size=5),
    st.sampled_from(["", "", "", "", "./", "/"]),
    st.sampled_from(["", "", "", "/"]),
)
# Up, across and down again: what a single look at a link would take for a way that stays inside.
TARGETS = st.one_of(
    PATHS,
    st.lists(st.one_of(st.just(".."), WORDS), min_size=1, max_size=6).map("/".join),
    st.sampled_from(["/", "/etc/passwd", "..", "../outside", "outside"]),
)
PARTS = st.one_of(
    st.builds(Part, st.sampled_from(["file", "program"]), PATHS, st.text("xyz", max_size=5)),
    st.builds(Part, st.just("folder"), PATHS, st.just("")),
    st.builds(Part, st.sampled_from(["link", "link", "hard"]), PATHS, TARGETS),
)
# Few names and many links, which then lead through one another.
KNOTS = st.builds(
    Part,
    st.sampled_from(["link", "link", "link", "folder", "file"]),
    st.sampled_from(["a", "b", "c", "a/b", "a/c", "b/a", "b/c", "a/b/c", "virtualenv/a", "virtualenv/b"]),
    st.lists(st.sampled_from(["..", "..", "a", "b", "c"]), min_size=1, max_size=4).map("/".join),
)
MEMBERS = st.one_of(
    st.lists(PARTS, min_size=1, max_size=8),
    st.lists(KNOTS, min_size=2, max_size=6, unique_by=lambda part: part.name),
)
FORMATS = st.sampled_from(["zip", "tar", "tar.gz"])


def packed(parts: list[Part], form: str) -> bytes:
    if form == "zip":
        members = []
        for part in parts:
            mode = KINDS[part.kind] | (0o755 if part.kind == "program" else 0o644)
            name = part.name + "/" if part.kind == "folder" and not part.name.endswith("/") else part.name
            members.append((name, mode, part.content.encode()))
        return zip_of(*members)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz" if form == "tar.gz" else "w") as archive:
        for part in parts:
            info = tarfile.TarInfo(part.name)
            info.type = TAR_KINDS[part.kind]
            info.mode = 0o6755 if part.kind == "program" else 0o644
            if part.kind in {"link", "hard"}:
                info.linkname = part.content
            else:
                info.size = len(part.content)
            archive.addfile(info, io.BytesIO(part.content.encode()))
    return out.getvalue()


def expected(parts: list[Part], form: str) -> Entries:
    """The tree of an archive that is accepted: no two of its members can be at odds then."""
    tree: Entries = {}
    for part in parts:
        path = part.path
        above = path.rpartition("/")[0]
        while above:
            tree[above] = ("folder", "")
            above = above.rpartition("/")[0]
        if not path:
            continue
        if part.kind == "hard":
            tree[path] = tree[Part("", part.content, "").path]
        else:
            # In a zip the slash is another way to say so.
            is_folder = part.kind == "folder" or (form == "zip" and part.name.endswith("/"))
            content = part.content if part.kind == "link" else part.content.encode()
            tree[path] = ("folder", "") if is_folder else (part.kind, content)
    return tree


def found(folder: str) -> Entries:
    """The tree in a folder, looked at without following links."""
    tree: Entries = {}
    for where, folders, files in os.walk(folder):
        for name in folders + files:
            path = os.path.join(where, name)
            status = os.lstat(path)
            relative = os.path.relpath(path, folder)
            if stat.S_ISLNK(status.st_mode):
                tree[relative] = ("link", os.readlink(path))
            elif stat.S_ISDIR(status.st_mode):
                tree[relative] = ("folder", "")
            else:
                assert stat.S_ISREG(status.st_mode)
                assert stat.S_IMODE(status.st_mode) in {0o644, 0o755}
                kind = "program" if status.st_mode & 0o111 else "file"
                tree[relative] = (kind, Path(path).read_bytes())
    return tree


class Ground:
    """A folder to unpack into, among others that must stay as they are."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.folder = os.path.join(root, "a", "action")
        os.makedirs(self.folder)
        for path in ("a/outside/victim", "outside/victim", "victim", "a/a", "a/b/c"):
            os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
            Path(root, path).write_text("as it was", "utf-8")
        self._before = self._others()

    def _others(self) -> list[tuple[str, int, int, int, int]]:
        """All but what is in the folder: a write, a new name, a permission or a link count would be seen."""
        seen = []
        for where, folders, files in os.walk(self.root):
            if where == self.folder:
                folders.clear()
                continue
            for name in [*files, *folders]:
                path = os.path.join(where, name)
                if path != self.folder:
                    status = os.lstat(path)
                    seen.append(
                        (path, status.st_mode, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
                    )
        return seen

    def check_outside(self) -> None:
        assert self._others() == self._before

    def check_links(self) -> None:
        """The kernel's own word: no link of what was accepted leads outside, but those of an environment."""
        links = {path: target for path, (kind, target) in found(self.folder).items() if kind == "link"}
        absolute = any(str(target).startswith("/") for target in links.values())
        for path, target in links.items():
            if path.startswith("virtualenv/") and absolute:
                continue
            link = os.path.join(self.folder, path)
            end = os.path.realpath(link)
            assert end == self.folder or end.startswith(self.folder + "/"), (path, target, end)
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                os.stat(link)  # a circle would be another error


@contextlib.contextmanager
def ground() -> Iterator[Ground]:
    root = tempfile.mkdtemp(prefix="groundhog-archives-", dir=MEMORY)
    try:
        yield Ground(root)
    finally:
        shutil.rmtree(root)


def unpacked(data: bytes, folder: str) -> None:
    """Without process or sandbox: what they would keep from happening must not happen here."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        extract(io.BytesIO(data), descriptor, "single", LIMITS)
    finally:
        os.close(descriptor)


@THOROUGH
@given(parts=MEMBERS, form=FORMATS)
def test_any_members(parts: list[Part], form: str) -> None:
    assume(form != "zip" or all(part.kind != "hard" for part in parts))
    # A NUL would end the name in a tar's header; there it is another name.
    assume(form == "zip" or not any("\0" in part.name + part.content for part in parts))
    with ground() as place:
        try:
            unpacked(packed(parts, form), place.folder)
        except RefusedError:
            place.check_outside()
            return
        place.check_outside()
        place.check_links()
        assert found(place.folder) == expected(parts, form)


LINKS = st.dictionaries(
    st.sampled_from(["a/b", "a/c", "a/d", "b"]),
    st.one_of(
        st.sampled_from(["..", "b/..", "c/..", "d/..", "b", "c", "d", "../b", "x"]),
        st.lists(st.sampled_from(["..", "..", "a", "b", "c", "d"]), min_size=1, max_size=4).map("/".join),
    ),
    min_size=2,
    max_size=4,
)


@settings(THOROUGH, max_examples=5 * EXAMPLES)
@given(links=LINKS)
def test_links_lead_where_the_kernel_says(links: dict[str, str]) -> None:
    """Refused if one leads outside, by its text or in truth, or in a circle; not if all lead to something."""
    tree = Tree(ArchiveLimits())
    with ground() as place:
        for path, target in links.items():
            tree.add(path, Kind.LINK, target)
            link = os.path.join(place.folder, path)
            os.makedirs(os.path.dirname(link), exist_ok=True)
            os.symlink(target, link)
        outside, ends = False, set()
        for path, target in links.items():
            text = os.path.normpath(os.path.join("/1/2/3/4", os.path.dirname(path), target)) + "/"
            end = os.path.realpath(os.path.join(place.folder, path)) + "/"
            outside |= not text.startswith("/1/2/3/4/") or not end.startswith(place.folder + "/")
            ends.add(errno_of(os.path.join(place.folder, path)))
    if outside or errno.ELOOP in ends:
        with pytest.raises(RefusedError):
            list(tree.links())
    elif ends == {0}:
        assert {"/".join(path): target for path, target in tree.links()} == links


def errno_of(path: str) -> int:
    try:
        os.stat(path)
    except OSError as error:
        return error.errno or 0
    return 0


@st.composite
def sound_trees(draw: st.DrawFn) -> list[Part]:
    """Members that no archive may be refused for: each name once, links to what is there."""
    paths = draw(st.lists(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=4), max_size=10))
    parts: list[Part] = []
    taken: dict[str, str] = {}
    for steps in paths:
        name = "/".join(steps)
        above = ["/".join(steps[:depth]) for depth in range(1, len(steps))]
        if name in taken or any(taken.get(path, "folder") != "folder" for path in above):
            continue
        taken.update(dict.fromkeys(above, "folder"))
        files = [part.name for part in parts if part.kind in {"file", "program"}]
        kind = draw(st.sampled_from(["file", "program", "folder", "link", "hard"]))
        content = draw(st.text("xyz", max_size=5))
        if kind in {"link", "hard"} and not files:
            kind = "file"
        if kind == "hard":
            content = draw(st.sampled_from(files))
        if kind == "link":
            target = draw(st.sampled_from([path for path in taken if taken[path] != "link"]))
            content = os.path.relpath(target, os.path.dirname(name) or ".")
        if kind == "folder":
            content = ""
        taken[name] = "file" if kind in {"program", "hard"} else kind
        parts.append(Part(kind, draw(st.sampled_from(["", "./"])) + name, content))
    return parts


@THOROUGH
@given(parts=sound_trees(), form=FORMATS)
def test_sound_archives_are_accepted(parts: list[Part], form: str) -> None:
    assume(form != "zip" or all(part.kind != "hard" for part in parts))
    with ground() as place:
        if parts:
            unpacked(packed(parts, form), place.folder)
            assert found(place.folder) == expected(parts, form)
        place.check_outside()
        place.check_links()


@st.composite
def broken_archives(draw: st.DrawFn) -> bytes:
    """Archives, sound or not, of which some bytes are others, or missing."""
    parts = draw(MEMBERS)
    form = draw(FORMATS)
    parts = [part for part in parts if part.kind != "hard" or form != "zip"]
    data = bytearray(packed(parts, form) if parts else zip_of(("a", stat.S_IFREG | 0o644, b"x")))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data) - 1))
        data[at] = draw(st.integers(0, 255))
    if draw(st.booleans()):
        del data[draw(st.integers(1, len(data))) :]
    return bytes(data)


@THOROUGH
@given(data=broken_archives())
def test_any_bytes(data: bytes) -> None:
    with ground() as place:
        accepted = True
        try:
            unpacked(data, place.folder)
        except READER_ERRORS:
            accepted = False
        place.check_outside()
        if accepted:
            place.check_links()
            found(place.folder)  # nothing but files, folders and links, and no set-user-ID


@WHOLE
@given(
    data=st.one_of(
        broken_archives(),
        st.builds(packed, st.lists(KNOTS, min_size=1, max_size=4), FORMATS),
        st.builds(packed, sound_trees().filter(bool), st.sampled_from(["tar", "tar.gz"])),
    )
)
@pytest.mark.kernel
def test_the_process_accepts_the_same_and_leaves_nothing(data: bytes) -> None:
    with ground() as place, ground() as other:
        try:
            unpacked(data, other.folder)
        except READER_ERRORS as why:
            said = f"cannot be unpacked: {why}" if isinstance(why, RefusedError) else "it is broken"
            with pytest.raises(ConfigError, match=re.escape(said)):
                Unpacker().unpack(data, Path(place.folder), "single", limits=LIMITS)
            assert os.listdir(place.folder) == []
        else:
            Unpacker().unpack(data, Path(place.folder), "single", limits=LIMITS)
            assert found(place.folder) == found(other.folder)
        place.check_outside()


def test_the_ground_tells() -> None:
    """What the properties rest on: a write outside, and a link that leads there, are seen."""
    with ground() as place:
        os.symlink("../../outside", os.path.join(place.folder, "l"))
        with pytest.raises(AssertionError):
            place.check_links()
        place.check_outside()
        Path(place.folder, "l", "evil").write_text("x", "utf-8")
        with pytest.raises(AssertionError):
            place.check_outside()
