"""The process that unpacks, as its reader of archives would find it if an archive took it over."""

from __future__ import annotations

import json
import os
import re
import select
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from groundhog.archives.order import ArchiveLimits, Order
from groundhog.audit.dropped import NOBODY

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.kernel
ROOT = str(Path(__file__).parents[3] / "python")

# Shuts itself in, then tries what it should not be able to do; what came of it, in one line of JSON.
PROBE = """
import ctypes, json, os, signal, socket, sys
sys.path.insert(0, sys.argv[1])
from groundhog.archives import sandbox
from groundhog.archives.order import Order
order = Order.from_json(sys.argv[2])
outside = sys.argv[3]
folder = order.folder
before = os.open(outside, os.O_RDONLY | os.O_DIRECTORY)
os.close(before)
sandbox.enter(order)
libc = ctypes.CDLL(None, use_errno=True)

def made(path, **where):
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644, **where))

def call(number, *arguments):
    if libc.syscall(ctypes.c_long(number), *map(ctypes.c_long, arguments)) == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

def large(path):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT, dir_fd=folder)
    while os.write(fd, bytes(65536)):
        pass

tries = {
    "write a file": lambda: made("inside", dir_fd=folder),
    "make a folder": lambda: os.mkdir("folder", dir_fd=folder),
    "make a link": lambda: os.symlink(outside, "link", dir_fd=folder),
    "write a file elsewhere": lambda: made(os.path.join(outside, "evil")),
    "write a file above": lambda: made("../evil-above", dir_fd=folder),
    "write a file by a link": lambda: made("link/evil", dir_fd=folder),
    "make a folder elsewhere": lambda: os.mkdir(os.path.join(outside, "folder"), dir_fd=folder),
    "open a file of everybody": lambda: os.close(os.open("/etc/passwd", os.O_RDONLY)),
    "open a folder of everybody": lambda: os.close(os.open("/", os.O_RDONLY | os.O_DIRECTORY)),
    "link a file from elsewhere": lambda: os.link(
        os.path.join(outside, "victim"), "stolen", dst_dir_fd=folder, follow_symlinks=False
    ),
    "truncate": lambda: os.truncate(os.path.join(outside, "victim"), 0),
    "remove": lambda: os.unlink("inside", dir_fd=folder),
    "set permissions": lambda: os.chmod(os.path.join(outside, "victim"), 0o777),
    "a socket": lambda: socket.socket(socket.AF_INET),
    "a socket by name": lambda: socket.socket(socket.AF_UNIX),
    "fork": lambda: os.fork() or os._exit(0),
    "exec": lambda: os.execv("/bin/true", ["true"]),
    "signal its parent": lambda: os.kill(os.getppid(), 0),
    "trace its parent": lambda: call(101, 16, os.getppid(), 0, 0),
    "become root": lambda: os.setuid(0),
    "a user namespace": lambda: call(272, 0x10000000),
    "mount": lambda: call(165, 0, 0, 0, 0, 0),
    "change the root": lambda: os.chroot("."),
    "a limit": lambda: call(160, 9, 0),
    "more memory": lambda: bytearray(order.limits.memory),
    "a file beyond the limit": lambda: large("large"),
    "many open files": lambda: [os.open(".", os.O_PATH, dir_fd=folder) for _ in range(1000)],
}
said = {}
for name, attempt in tries.items():
    try:
        attempt()
        said[name] = "done"
    except (OSError, MemoryError) as error:
        said[name] = getattr(error, "strerror", None) or type(error).__name__
os.write(1, json.dumps(said).encode() + b"\\n")
os.read(0, 1)
"""
REFUSED = "Operation not permitted"


@pytest.fixture
def place() -> Iterator[Path]:
    """Folders that another user may enter."""
    with tempfile.TemporaryDirectory(prefix="groundhog-sandbox-") as root:
        Path(root).chmod(0o755)
        yield Path(root)


@pytest.mark.parametrize("ids", [None, pytest.param((NOBODY, NOBODY), id="nobody")])
@pytest.mark.parametrize("means", ["landlock", "namespace", None])
@pytest.mark.may_skip("an unprivileged run cannot become somebody else")
def test_all_that_it_can_do_is_write_into_its_folder(
    place: Path, means: str | None, ids: tuple[int, int] | None
) -> None:
    if ids is not None and os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    folder, outside = place / "folder", place / "outside"
    folder.mkdir(mode=0o700)
    outside.mkdir()
    outside.chmod(0o777)
    (outside / "victim").write_text("as it was")
    (outside / "victim").chmod(0o666)
    if ids is not None:
        os.chown(folder, *ids)
    said, status = probed(folder, outside, means, ids)

    uid, gid = ids or (os.geteuid(), os.getegid())
    assert status["Uid"] == [str(uid)] * 4
    assert status["Gid"] == [str(gid)] * 4
    if ids is not None:
        assert status["Groups"] == []
    assert {status[name][0] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {"0" * 16}
    assert (status["NoNewPrivs"], status["Seccomp"]) == (["1"], ["2"])

    allowed = {"write a file", "make a folder", "make a link"}
    by_rights = {
        "write a file elsewhere",
        "write a file above",
        "write a file by a link",
        "make a folder elsewhere",
        "open a file of everybody",
        "open a folder of everybody",
    }
    limited = {
        "more memory": "MemoryError",
        "a file beyond the limit": "File too large",
        "many open files": "Too many open files",
    }
    assert {name for name in allowed if said.pop(name) != "done"} == set()
    assert {name: said.pop(name) for name in limited} == limited
    rights = {name: said.pop(name) for name in by_rights}
    linked = said.pop("link a file from elsewhere")
    assert set(said.values()) == {REFUSED}, "by the list of system calls, whatever the means"
    assert len(said) == 14
    if means == "landlock":
        assert set(rights.values()) == {"Permission denied"}
        assert linked == "Invalid cross-device link"
    if means == "namespace":  # whose root the folder is
        assert rights["open a folder of everybody"] == rights["write a file above"] == "done"
        missing = by_rights - {"open a folder of everybody", "write a file above"}
        assert {rights[name] for name in missing} == {"No such file or directory"}
        assert (folder / "evil-above").exists()
        assert linked == "No such file or directory"
    if means is not None:
        assert [(path.name, path.read_text()) for path in outside.iterdir()] == [("victim", "as it was")]
        assert sorted(path.name for path in place.iterdir()) == ["folder", "outside"]
    else:
        assert rights["write a file elsewhere"] == "done", "or the test would show nothing"


def probed(
    folder: Path, outside: Path, means: str | None, ids: tuple[int, int] | None
) -> tuple[dict[str, str], dict[str, list[str]]]:
    """What a process in the sandbox could do, and what the kernel says of it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    limits = ArchiveLimits(bytes=1_000_000, memory=200 << 20)
    order = Order(0, descriptor, os.getpid(), 10, "single", means=means, ids=ids, limits=limits)
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", PROBE, ROOT, order.to_json(), str(outside)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=(descriptor,),
        text=True,
    )
    os.close(descriptor)
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        line = process.stdout.readline()
        lines = Path(f"/proc/{process.pid}/status").read_text("utf-8").splitlines()
        status = {name: value.split() for name, _, value in (line.partition(":") for line in lines)}
        _, trouble = process.communicate("x")
        assert process.returncode == 0, trouble
    said: dict[str, str] = json.loads(line)
    return said, status


# Starts a process that shuts itself in and then waits, says which it is, and waits itself.
PARENT = """
import json, os, subprocess, sys
order = {**json.loads(sys.argv[2]), "parent": os.getpid()}
code = (
    "import os, sys; sys.path.insert(0, sys.argv[1])\\n"
    "from groundhog.archives import sandbox; from groundhog.archives.order import Order\\n"
    "sandbox.enter(Order.from_json(sys.argv[2])); os.write(1, b'in\\\\n'); os.read(0, 1)\\n"
)
words = [sys.executable, "-I", "-S", "-c", code, sys.argv[1], json.dumps(order)]
child = subprocess.Popen(words, pass_fds=(order["folder"],), stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
child.wait()
"""


@pytest.mark.parametrize("means", ["landlock", "namespace", None])
def test_it_ends_with_its_parent(place: Path, means: str | None) -> None:
    """Whoever it has become: that takes the wish away from a process."""
    ids = (NOBODY, NOBODY) if os.geteuid() == 0 else None
    if ids is not None:
        os.chown(place, *ids)
    descriptor = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    order = Order(0, descriptor, 0, 10, "single", means=means, ids=ids)
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", PARENT, ROOT, order.to_json()],
        stdin=subprocess.PIPE,  # which stays open, so that the child waits
        stdout=subprocess.PIPE,
        pass_fds=(descriptor,),
        text=True,
    )
    os.close(descriptor)
    with process:
        assert process.stdout is not None
        child = os.pidfd_open(int(process.stdout.readline()))
        assert select.select([child], [], [], 0)[0] == [], "it lives"
        process.kill()
        assert select.select([child], [], [], 30)[0] == [child]
        os.close(child)


ENTERS = """
import json, os, sys
sys.path.insert(0, sys.argv[1])
from groundhog.archives import sandbox
from groundhog.archives.order import Order
exec(sys.argv[3])
try:
    sandbox.enter(Order.from_json(sys.argv[2]))
    print("entered")
except sandbox.SandboxError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("changed", "before", "why"),
    [
        (
            {},
            "import platform; platform.machine = lambda: 'sparc64'",
            "there is no list of system calls for the processor sparc64",
        ),
        ({"parent": 1}, "", "its parent has ended"),
        ({"means": "landlock", "folder": 99}, "", "a Landlock rule: Bad file descriptor"),
        ({"means": "namespace", "folder": 99}, "", "user, limits or folder: Bad file descriptor"),
        (
            {"means": "landlock"},
            "sandbox._OLDEST_LANDLOCK = 1000",
            r"Landlock: its version is \d+, but 1000 is needed",
        ),
    ],
)
def test_what_cannot_be_shut_in_is_told(changed: dict[str, Any], before: str, why: str) -> None:
    order = {**json.loads(Order(0, 0, os.getpid(), 10, "single").to_json()), **changed}
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", ENTERS, ROOT, json.dumps(order), before],
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.fullmatch(why + "\n", done.stdout)
