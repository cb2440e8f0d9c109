"""What runtimes do with files, sockets, threads and children in requests is complete, and costs no process.

Calls that hand on pages of files are refused where a request could write the file, or another thread could
put such a one in its place; each runtime then copies.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from groundhog import Function, Pool
from tests.framework import programs
from tests.framework.observers import Retirements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from _pytest.mark.structures import ParameterSet

    from groundhog.worker.engine import RestoreReport

pytestmark = [pytest.mark.kernel, pytest.mark.long, pytest.mark.timeout(300)]
REQUESTS = 4
WRITTEN = "xyz"

FUNCTIONS: dict[str, Callable[..., Function]] = {
    "python": lambda **more: Function.from_file(programs.PROGRAMS / "python/files.py", **more),
    "node": lambda **more: Function.from_file(programs.PROGRAMS / "nodejs/files.js", **more),
    "go": lambda **more: Function.from_command(programs.go("files"), **more),
    "go, http": lambda **more: Function.from_command(programs.go("files", "served"), **more),
    "java": lambda **more: Function.from_command(programs.java("Copies"), **more),
}

FILES = "a name or a file that is open for writing: private files are looked at after the request"
PAGES = "pages of a file may be handed on: whether a request could write the file is looked up"
NAMES = "a socket may get a name in a folder"
THREADS = "a new thread sets what is its own; whether it is new, a seccomp program does not see"
SIGNALS = "signals may wait, or change alternate stacks"
CHILDREN = "a child puts its descriptors and signals in order before it executes a program"
GAPS = "its number lies among those of the snapshot, where a program does not know which are in use"
ADVICE = "flags of mappings show in no list of mappings"
STOPS = {
    **dict.fromkeys(("openat", "ftruncate", "chmod", "fchmod", "utimensat"), FILES),
    **dict.fromkeys(("mkdir", "mkdirat", "rmdir", "unlink", "unlinkat", "rename"), FILES),
    **dict.fromkeys(("sendfile", "splice"), PAGES),
    "bind": NAMES,
    **dict.fromkeys(("set_robust_list", "prctl", "sigaltstack"), THREADS),
    "exit": "a thread of the snapshot would be held there",
    **dict.fromkeys(("rt_sigaction", "rt_sigreturn", "tgkill", "restart_syscall"), SIGNALS),
    **dict.fromkeys(("close", "close_range", "dup2", "dup3", "fcntl", "ioctl", "set_tid_address"), CHILDREN),
    **dict.fromkeys(("connect", "listen", "setsockopt", "shutdown", "epoll_ctl"), GAPS),
    "madvise": ADVICE,
    "fadvise64": "how the kernel reads ahead in an open file shows nowhere",
}
"""At which calls such requests are stopped, and why."""


class Restores(Retirements):
    """At which calls requests were stopped, too."""

    def __init__(self) -> None:
        super().__init__()
        self.stops: set[str] = set()

    def on_restore(self, report: RestoreReport) -> None:
        self.stops.update(report.stops)


@pytest.fixture
def found() -> Iterator[Path]:
    """A file in a private folder that is there before the function."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        path = Path(folder, "found")
        path.write_bytes(os.urandom(1 << 20))
        path.chmod(0o644)
        yield path


def unwritable(found: Path) -> Path:  # noqa: ARG001 - as the others
    """A file where no function may write."""
    return Path("/usr/bin/env").resolve()


def own(found: Path) -> Path:
    """One that the request writes."""
    return found.with_name("own")


def as_found(found: Path) -> Path:
    return found


def is_slow(runtime: str, place: Callable[[Path], Path]) -> bool:
    return runtime == "go, http" or (runtime in {"java", "node"} and place is not as_found)


def tries() -> list[ParameterSet]:
    """Every runtime in each place. The JVM and Node take seconds, so that one place of theirs is quick; to
    compile HTTP for Go takes half a minute.
    """
    return [
        pytest.param(
            runtime,
            place,
            id=f"{runtime}-{place.__name__}",
            marks=[pytest.mark.slow] if is_slow(runtime, place) else [],
        )
        for runtime in FUNCTIONS
        for place in (unwritable, as_found, own)
    ]


@pytest.mark.parametrize(("runtime", "place"), tries())
async def test_files_arrive_complete(runtime: str, place: Callable[[Path], Path], found: Path) -> None:
    source = place(found)
    payload: dict[str, Any] = {"source": str(source)}
    expected = WRITTEN.encode() * 100_000
    if place is own:
        payload["write"] = WRITTEN
    else:
        expected = source.read_bytes()
    restores = Restores()
    answers = []
    function = FUNCTIONS[runtime](warmup=[payload])
    async with Pool(function, workers=1, jail="namespace", observer=restores, verify=True) as pool:
        for _ in range(REQUESTS):
            reply = await pool.invoke(payload)
            assert isinstance(reply.value, dict)
            assert "digests" in reply.value, (reply.value, reply.stderr)
            answers.append(reply.value)
    digest = hashlib.sha256(expected).hexdigest()
    for answer in answers:
        wrong = {way for way, arrived in answer["digests"].items() if arrived != digest}
        assert wrong == set()
        assert len(answer["digests"]) >= (6 if runtime == "go" else 7)
    assert restores.messages == []
    assert restores.stops <= STOPS.keys()
    assert own(found).exists() is False
