"""The supervisor's side: starts the process that unpacks, waits for it, and clears up behind it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import math
import os
import select
import shutil
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundhog.archives.order import ArchiveLimits, Order
from groundhog.config import Jail, Limits
from groundhog.errors import ConfigError, PoolClosedError, UnsupportedError
from groundhog.jail import choose, ids_of, machine

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_SAID = 64 * 1024
_PACKAGES = str(Path(__file__).parents[2])
# Isolated, without other packages; ours are looked for last, so that nothing beside them takes the place of a
# module of the standard library.
_CHILD = "import sys; sys.path.append(sys.argv.pop(1)); from groundhog.archives import child; child.main()"
_SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


class Unpacker:
    """Unpacks archives as a function's user, and as little able to do anything else as the machine allows.

    Args:
        jail: what the function is shut in by. The process that unpacks does not enter that jail, in which
            nothing that is written stays, but one of its own: see `sandbox`.
        uid: the user that the function runs as; None: ours.
        deadline_s: how long it may take, in seconds.
    """

    def __init__(
        self,
        jail: Jail | str = Jail.AUTO,
        uid: int | None = None,
        *,
        deadline_s: float = Limits().start_timeout_s,
    ) -> None:
        self._jail = Jail.parse(jail)
        self._uid = uid
        self._deadline_s = deadline_s
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = False

    def hand_over(self, *paths: Path) -> None:
        """Make files that we have written the function's user's. Raises ConfigError when we may not."""
        ids = ids_of(self._uid)
        if ids is not None:
            try:
                for path in paths:
                    os.chown(path, *ids, follow_symlinks=False)
            except OSError as error:
                raise ConfigError(
                    f"the action's code cannot be given to user {self._uid}: {error.strerror}"
                ) from None

    def unpack(
        self,
        data: bytes,
        folder: Path,
        single: str,
        *,
        program: str | None = None,
        limits: ArchiveLimits | None = None,
    ) -> None:
        """Unpack an archive into an empty folder, which becomes the function's user's; wait until it is done.

        ``single``: the name of the file that it is, if it is no archive. ``program``: a file to be made
        executable. Raises ConfigError when it is refused, UnsupportedError when it cannot be done safely
        here: the folder is empty then. PoolClosedError when it was stopped, by somebody who cares for nothing
        of it any more: what is in the folder is left. ValueError: it was not empty before.
        """
        with _opened(folder) as descriptor:
            if _names(descriptor):  # which a failure would remove
                raise ValueError(f"{folder} is not empty")
            try:
                self._fill(descriptor, data, single, program, limits or ArchiveLimits())
            except PoolClosedError:
                raise
            except BaseException as error:
                left = _empty(descriptor)
                if left is not None and isinstance(error, ConfigError):
                    raise ConfigError(f"{error}; some of it is still in {folder}: {left}") from None
                raise

    def stop(self) -> None:
        """Let nothing be unpacked any more; what is under way is refused, and left as it is: to remove it may
        take longer than anybody waits then.
        """
        with self._lock:
            self._stopped = True
            if self._process is not None:
                self._process.kill()

    def _fill(
        self, folder: int, data: bytes, single: str, program: str | None, limits: ArchiveLimits
    ) -> None:
        means, ids = _means(self._jail), ids_of(self._uid)
        try:
            if ids is not None:
                os.fchown(folder, *ids)
            with _sealed(data) as archive:
                order = Order(
                    archive=archive,
                    folder=folder,
                    parent=os.getpid(),
                    seconds=math.ceil(self._deadline_s),
                    single=single,
                    program=program,
                    means=means,
                    ids=ids,
                    limits=limits,
                )
                self._run(order)
        except OSError as error:  # of ours: whatever the process meets, it says
            where = f": {error.filename}" if error.filename else ""
            raise _refused(f"{error.strerror}{where}") from None

    def _run(self, order: Order) -> None:
        ends = time.monotonic() + self._deadline_s
        with self._lock:
            if self._stopped:
                raise PoolClosedError("the server is ending")
            process = self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-X", "utf8", "-c", _CHILD, _PACKAGES, order.to_json()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd="/",
                pass_fds=(order.archive, order.folder),
                bufsize=0,
                start_new_session=True,  # signals of a terminal are for us
            )
        try:
            said = _listen(process, ends)
        finally:
            with self._lock:
                self._process = None
            process.kill()
            process.wait()
            assert process.stdout is not None  # noqa: S101 - it is a pipe
            process.stdout.close()
        if self._stopped:
            raise PoolClosedError("the server is ending")
        if said is None:
            raise _refused(
                f"it took more than {self._deadline_s:g} s; if it needs longer, raise --start-timeout"
            )
        _judge(said, process.returncode)


def _means(jail: Jail) -> str | None:
    """What shuts the process in: whatever works here, since which one makes no difference to anybody.

    Raises UnsupportedError when nothing does, and the user did not ask for just that.
    """
    found = machine()
    for means in (Jail.LANDLOCK, Jail.NAMESPACE):
        if found["jails"][means.value] is None:
            return str(means)
    return choose(jail, found)


@contextlib.contextmanager
def _opened(folder: Path) -> Iterator[int]:
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise _refused(f"{error.strerror}: {folder}") from None
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _sealed(data: bytes) -> Iterator[int]:
    """A file in memory that nobody can change."""
    descriptor = os.memfd_create("groundhog-archive", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        left = memoryview(data)
        while left:
            left = left[os.write(descriptor, left) :]
        os.lseek(descriptor, 0, os.SEEK_SET)
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _SEALS)
        yield descriptor
    finally:
        os.close(descriptor)


def _listen(process: subprocess.Popen[bytes], ends: float) -> bytes | None:
    """What a process says until it ends, or the beginning of that; None if it has not ended in time."""
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    pipe = process.stdout.fileno()
    poll = select.poll()
    poll.register(pipe, select.POLLIN)
    said = b""
    while (left := ends - time.monotonic()) > 0:
        if not poll.poll(left * 1000):
            continue
        piece = os.read(pipe, _MOST_SAID)
        if len(said) < _MOST_SAID:
            said += piece
        if not piece:
            try:
                process.wait(max(0.0, ends - time.monotonic()))
            except subprocess.TimeoutExpired:
                return None
            return said
    return None


def _judge(said: bytes, code: int) -> None:
    """Return if the process says that it is done; else raise what that means."""
    lines = said.decode("utf-8", "replace").splitlines()
    last = lines[-1] if lines else ""
    try:
        outcome: Any = json.loads(last)
    except ValueError:
        outcome = None
    if code == 0 and outcome == {"done": ""}:
        return
    if isinstance(outcome, dict) and "refused" in outcome:
        raise _refused(str(outcome["refused"]))
    if isinstance(outcome, dict) and "unsafe" in outcome:
        raise UnsupportedError(
            "no archive can be unpacked safely on this machine: the process that would do it cannot be shut"
            f" in ({outcome['unsafe']}); see `groundhog doctor`"
        )
    how = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
    raise _refused(f"the process that unpacks it ended ({how}): {last[:200] or 'it said nothing'}")


def _refused(why: str) -> ConfigError:
    return ConfigError(f"the action's archive cannot be unpacked: {why}")


def _names(folder: int) -> list[str]:
    with os.scandir(folder) as entries:
        return [entry.name for entry in entries]


def _empty(folder: int) -> str | None:
    """Remove all that a folder holds, and follow no link; why something is left, if it is."""
    try:
        for name in _names(folder):
            if stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
                shutil.rmtree(f"/proc/self/fd/{folder}/{name}")
            else:
                os.unlink(name, dir_fd=folder)
    except OSError as error:
        return error.strerror or str(error)
    return None
