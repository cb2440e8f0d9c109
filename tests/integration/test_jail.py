"""Files that a function writes: as ever for it, gone for the next request, and never outside."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import textwrap
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from groundhog import Function, Pool, StateMismatch, Tracee
from groundhog.audit.dropped import NOBODY
from groundhog.config import Limits
from groundhog.errors import ConfigError
from tests.framework.commands import groundhog

if TYPE_CHECKING:
    from collections.abc import Callable

    Source = Callable[[str, str], Path]

# ruff: noqa: S108, ASYNC220, ASYNC240, S607 - real files and programs are the point
pytestmark = [pytest.mark.kernel, pytest.mark.usefixtures("no_leaks")]
JAILS = ["namespace", "landlock"]

HANDLER = """
import os, pathlib, tempfile

def main(params):
    said = {}
    for folder in params["folders"]:
        folder = folder or tempfile.gettempdir()
        try:
            path = pathlib.Path(folder, params["name"])
            said[folder] = "there" if path.exists() else "wrote"
            path.write_text("secret")
            assert path.read_text() == "secret"
        except OSError as error:
            said[folder] = error.strerror
    return {"said": list(said.values())}
"""


# Says who it is, and whether it finds the file that it leaves.
SHELL = r"""
echo '{"ok":true}' >&3
while read -r line; do
    file=${TMPDIR:-/tmp}/groundhog-shell-$1-$$
    if [ -e $file ]; then said=there; else said=new; fi
    echo x >$file
    printf '{"uid": %s, "gid": %s, "file": "%s"}\n' $(id -u) $(id -g) $said >&3
done
"""


def name_of(tmp_path: Path) -> str:
    return f"groundhog-{tmp_path.name}-{os.getpid()}"


async def asked(pool: Pool, tmp_path: Path, *folders: str) -> list[str]:
    reply = await pool.invoke({"folders": folders, "name": name_of(tmp_path)})
    assert isinstance(reply.value, dict)
    said: list[str] = reply.value["said"]
    return said


async def test_a_function_writes_as_ever_and_leaves_nothing(source: Source, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    cwd = tmp_path / "cwd"
    cwd.mkdir()
    function = Function.from_file(source("code/handler.py", HANDLER), env={"HOME": str(home)}, cwd=cwd)
    places = ["/tmp", "/var/tmp", "/dev/shm", str(home), str(cwd), str(tmp_path / "code")]
    async with Pool(function, jail="namespace", verify=True) as pool:
        for _ in range(5):
            assert (
                await asked(pool, tmp_path, *places, "/etc", "/usr")
                == ["wrote"] * 6 + ["Read-only file system"] * 2
            )
        assert pool.stats().retirements == {}
    assert [place for place in places if Path(place or "/tmp", name_of(tmp_path)).exists()] == []


# Says what it finds in its own folder, which it may not write in at first, and what may be done there.
LETS_ITSELF_WRITE = """
import os, pathlib, tempfile

def main(params):
    here = pathlib.Path(__file__).parent
    left = pathlib.Path(tempfile.gettempdir(), params["name"])
    found = [oct(here.stat().st_mode), sorted(os.listdir(here)), left.exists()]
    left.write_text("secret")
    if params["opens"]:
        here.chmod(0o755)
        (here / "left").write_text("secret")
    return {"found": found}
"""


@pytest.mark.parametrize("jail", JAILS)
async def test_a_function_lies_in_a_folder_that_nobody_may_write_in(
    source: Source, tmp_path: Path, jail: str
) -> None:
    handler = source("code/handler.py", LETS_ITSELF_WRITE)
    handler.parent.chmod(0o555)
    async with Pool(Function.from_file(handler), jail=jail, verify=True) as pool:
        for opens in (False, True, False, True, False):
            # By Landlock nothing is written there anyway.
            payload = {"name": name_of(tmp_path), "opens": opens and jail == "namespace"}
            value = (await pool.invoke(payload)).value
            assert value == {"found": ["0o40555", ["handler.py"], False]}
        assert pool.stats().retirements == {}


async def test_an_engine_that_is_named_shuts_it_in_as_well(source: Source, tmp_path: Path) -> None:
    function = Function.from_file(source("handler.py", HANDLER))
    async with Pool(function, jail="namespace", engine=Tracee) as pool:
        for _ in range(2):
            assert await asked(pool, tmp_path, str(tmp_path)) == ["wrote"]
    assert not Path(tmp_path, name_of(tmp_path)).exists()


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"private": ["/tmp"]}, "private"),
        ({"most_written": (1, 1)}, "most_written"),
        ({"jail": "landlock", "private": ["/tmp"], "most_written": (1, 1)}, "most_written"),
    ],
)
def test_what_a_jail_would_not_apply_is_refused(options: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=f"^{named} needs (a|the) jail"):
        Tracee.spawn(["true"], **options)


async def test_landlock_leaves_it_a_folder(source: Source, tmp_path: Path) -> None:
    function = Function.from_file(source("handler.py", HANDLER))
    async with Pool(function, jail="landlock", verify=True) as pool:
        for _ in range(5):
            assert await asked(pool, tmp_path, "", "/var/tmp", str(tmp_path)) == [
                "wrote",
                "Permission denied",
                "Permission denied",
            ]
        assert pool.stats().retirements == {}


# Leaves a file, and tells how many it finds of those that others have left.
PRIES = r"""
echo '{"ok":true}' >&3
while read -r line; do
    echo secret >$TMPDIR/groundhog-secret
    case $line in *wait*) read -r never <$FIFO;; esac
    beside=$(find ${TMPDIR%/groundhog-scratch-*}/groundhog-scratch-* -name groundhog-secret 2>/dev/null)
    printf '{"found": %d}\n' $(echo "$beside" | grep -v "^$TMPDIR/" | grep -c secret) >&3
done
"""


@pytest.mark.parametrize("uid", [None, NOBODY])
async def test_requests_at_the_same_time_see_nothing_of_each_other_s_files(uid: int | None) -> None:
    """By namespaces nobody sees another one's folders; by Landlock they lie beside each other."""
    if uid is not None and os.geteuid() != 0:
        pytest.skip("only root can choose the user of a function")
    with tempfile.TemporaryDirectory(prefix="groundhog-test-") as folder:
        fifo = Path(folder, "fifo")
        os.mkfifo(fifo)
        Path(folder).chmod(0o755)
        fifo.chmod(0o644)
        function = Function.from_command(["/bin/sh", "-c", PRIES], cwd="/", env={"FIFO": str(fifo)})
        async with Pool(function, 2, jail="landlock", uid=uid) as pool:
            waits = asyncio.create_task(pool.invoke({"a": "wait"}))
            with await asyncio.to_thread(fifo.open, "w") as answer:  # there is its file now
                assert (await pool.invoke({})).value == {"found": 0}
                answer.write("go\n")
            assert (await waits).value == {"found": 0}


async def test_without_a_jail_files_stay(source: Source, tmp_path: Path) -> None:
    function = Function.from_file(source("handler.py", HANDLER))
    async with Pool(function, jail="none") as pool:
        assert await asked(pool, tmp_path, str(tmp_path)) == ["wrote"]
        assert await asked(pool, tmp_path, str(tmp_path)) == ["there"]


# Some file systems never make a folder smaller, and tell in how many pieces a file lies.
GROWS = """
import errno, fcntl, pathlib, tempfile

folder = pathlib.Path(tempfile.mkdtemp())
(folder / "file").write_text("kept")
size = folder.stat().st_size
FS_IOC_FIEMAP = 0xC020660B

def main(params):
    grown = folder.stat().st_size - size
    for number in range(300):
        (folder / f"{number:0100}").touch()
    with open(folder / "file") as file:
        try:
            fcntl.ioctl(file, FS_IOC_FIEMAP, bytearray(4096))
            told = "pieces"
        except OSError as error:
            told = errno.errorcode[error.errno]
    return {"grown": grown, "told": told}
"""


@pytest.mark.parametrize("jail", JAILS)
async def test_a_folder_is_no_larger_than_before(source: Source, jail: str) -> None:
    function = Function.from_file(source("handler.py", GROWS))
    async with Pool(function, jail=jail) as pool:
        answers = [(await pool.invoke({})).value for _ in range(3)]
    assert answers == [{"grown": 0, "told": "ENOTSUP"}] * 3


@pytest.mark.parametrize("jail", JAILS)
async def test_what_the_warm_up_wrote_is_put_back(source: Source, tmp_path: Path, jail: str) -> None:
    text = """
import os, pathlib, tempfile
log = pathlib.Path(tempfile.gettempdir(), "log")
log.write_text("begun")

def main(params):
    seen = log.read_text()
    if params.get("remove"):
        log.unlink()
    else:
        log.write_text(seen + params.get("name", ""))
    return {"seen": seen}
"""
    function = Function.from_file(
        source("handler.py", text), warmup=[{"name": "-warm"}], env={"TMPDIR": str(tmp_path)}
    )
    async with Pool(function, jail=jail, verify=True) as pool:
        for params in ({"name": "ada"}, {"remove": True}, {"name": "bob"}):
            assert (await pool.invoke(params)).value == {"seen": "begun-warm"}
        assert pool.stats().retirements == {}
    assert list(tmp_path.glob("log")) == []


# Appends to a file that it had before its first request.
LOGS = r"""
log=${TMPDIR:-/tmp}/groundhog-log-$1
echo begun >$log
echo '{"ok":true}' >&3
while read -r line; do
    echo asked >>$log
    printf '{"lines": %d}\n' $(wc -l <$log) >&3
done
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can choose the user of a function")
@pytest.mark.may_skip("an unprivileged run cannot become somebody else")
@pytest.mark.parametrize("jail", JAILS)
async def test_what_another_user_wrote_before_is_put_back(jail: str, tmp_path: Path) -> None:
    function = Function.from_command(["/bin/sh", "-c", LOGS, "sh", name_of(tmp_path)], cwd="/")
    async with Pool(function, jail=jail, uid=NOBODY, verify=True) as pool:
        for _ in range(3):
            assert (await pool.invoke({})).value == {"lines": 2}
        assert pool.stats().retirements == {}


# Writes so much, and says what became of it.
FILLS = """
import tempfile
def main(params):
    try:
        with tempfile.NamedTemporaryFile(delete=False) as file:
            file.write(b"x" * params["size"])
    except OSError as error:
        return {"error": error.strerror}
    return {"error": None}
"""


async def test_a_full_disk_is_the_function_s_own_trouble(source: Source) -> None:
    function = Function.from_file(source("handler.py", FILLS))
    async with Pool(function, jail="namespace", limits=Limits(scratch_bytes=1 << 20)) as pool:
        for _ in range(3):
            assert (await pool.invoke({"size": 2 << 20})).value == {"error": "No space left on device"}
            assert (await pool.invoke({"size": 1000})).value == {"error": None}
        assert pool.stats().retirements == {}


def test_the_command_line_says_how_much_may_be_written(source: Source) -> None:
    handler = source("handler.py", FILLS)
    said = {
        size: groundhog(
            "invoke", str(handler), "--tmp-size", size, "--payload", '{"size": 3000000}', "--json"
        )
        for size in ("2", "4")
    }
    values = {size: json.loads(done.stdout)["value"] for size, done in said.items()}
    assert values == {"2": {"error": "No space left on device"}, "4": {"error": None}}


@pytest.mark.parametrize("jail", JAILS)
async def test_no_other_process_of_its_user_can_be_reached(source: Source, jail: str) -> None:
    text = """
import os, signal
def main(params):
    said = []
    for way in ("mem", "fd/0", "environ", "cwd"):
        try:
            os.open(f"/proc/{params['pid']}/{way}", os.O_RDWR if way == "mem" else os.O_RDONLY)
            said.append(way)
        except OSError:
            pass
    try:
        os.kill(params["pid"], signal.SIGWINCH)
        said.append("signal")
    except OSError:
        pass
    return {"reached": said}
"""
    function = Function.from_file(source("handler.py", text))
    with subprocess.Popen(["sleep", "600"], stdin=subprocess.DEVNULL) as other:
        async with Pool(function, jail="none") as pool:
            reached = (await pool.invoke({"pid": other.pid})).value["reached"]
            assert "environ" in reached, "without a jail it can"
        async with Pool(function, jail=jail) as pool:
            assert (await pool.invoke({"pid": other.pid})).value == {"reached": []}
            assert (await pool.invoke({"pid": os.getpid()})).value == {"reached": []}
        other.kill()


@pytest.mark.parametrize(("jail", "refused"), [("namespace", []), ("landlock", [29, 64, 68, 240])])
async def test_what_outlives_a_process_is_not_made(source: Source, jail: str, refused: list[int]) -> None:
    """Keys never; System V objects and queues only where they go with a namespace of the process's own."""
    text = """
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
def main(params):
    said = {}
    calls = {
        248: (b"user", b"secret", b"x", 1, -4), 29: (4242, 4096, 0o1600), 64: (4242, 1, 0o1600),
        68: (4242, 0o1600), 240: (b"secret", 0o102, 0o600, None),
    }
    for number in params["calls"]:
        done = libc.syscall(number, *calls[number])
        said[str(number)] = "made" if done >= 0 else errno.errorcode[ctypes.get_errno()]
    return said
"""
    function = Function.from_file(source("handler.py", text))
    async with Pool(function, jail=jail) as pool:
        assert (await pool.invoke({"calls": [248, *refused]})).value == {
            "248": "ENOSYS",
            **{str(number): "EPERM" for number in refused},
        }
        assert pool.stats().retirements == {}
        made = [number for number in (29, 64, 68, 240) if number not in refused]
        for _ in range(2 if made else 0):
            said = (await pool.invoke({"calls": made})).value
            assert said == {str(number): "made" for number in made}, "each in a namespace of its own"


async def test_no_other_process_is_rescheduled(source: Source) -> None:
    text = """
import os, subprocess
def main(params):
    said = []
    for way in (
        lambda: os.sched_setaffinity(params["pid"], {0}),
        lambda: os.setpriority(os.PRIO_PROCESS, params["pid"], 15),
        lambda: os.sched_setscheduler(params["pid"], os.SCHED_BATCH, os.sched_param(0)),
    ):
        try:
            way()
            said.append("done")
        except PermissionError:
            said.append("refused")
    with subprocess.Popen(["sleep", "60"]) as child:
        os.sched_setaffinity(child.pid, {0})
        os.setpriority(os.PRIO_PROCESS, child.pid, 15)
        said.append(os.getpriority(os.PRIO_PROCESS, child.pid))
        child.kill()
    return {"said": said}
"""
    function = Function.from_file(source("handler.py", text))
    with subprocess.Popen(["sleep", "600"], stdin=subprocess.DEVNULL) as other:
        before = os.sched_getaffinity(other.pid)
        async with Pool(function, jail="namespace") as pool:
            for _ in range(2):
                said = (await pool.invoke({"pid": other.pid})).value
                assert said == {"said": ["refused", "refused", "refused", 15]}
            assert pool.stats().retirements.keys() <= {"superseded"}
        assert os.sched_getaffinity(other.pid) == before
        assert os.getpriority(os.PRIO_PROCESS, other.pid) == os.getpriority(os.PRIO_PROCESS, 0)
        other.kill()


async def test_a_server_s_socket_in_a_private_folder(source: Source, tmp_path: Path) -> None:
    text = """
import socket
def main(params):
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(params["path"])
        return {"said": client.recv(100).decode()}
"""
    path = tmp_path / "db.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        async with Pool(Function.from_file(source("handler.py", text)), jail="namespace") as pool:
            for _ in range(3):
                asked = asyncio.create_task(pool.invoke({"path": str(path)}))
                client, _ = await asyncio.to_thread(server.accept)
                client.sendall(b"hello")
                client.close()
                assert (await asked).value == {"said": "hello"}
            assert pool.stats().retirements == {}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can choose the user of a function")
@pytest.mark.may_skip("an unprivileged run cannot become somebody else")
@pytest.mark.parametrize("jail", [*JAILS, "none"])
async def test_a_function_runs_as_another_user(jail: str, tmp_path: Path) -> None:
    own = name_of(tmp_path)  # tests of other jails run at the same time
    function = Function.from_command(["/bin/sh", "-c", SHELL, "sh", own], cwd="/")
    async with Pool(function, jail=jail, uid=NOBODY, verify=True) as pool:
        for number in range(3):
            kept = "there" if jail == "none" and number else "new"
            assert (await pool.invoke({})).value == {"uid": NOBODY, "gid": NOBODY, "file": kept}
        assert pool.stats().retirements == {}
    left = list(Path(tempfile.gettempdir()).glob(f"groundhog-shell-{own}-*"))
    for file in left:
        file.unlink()
    assert bool(left) == (jail == "none")


async def test_one_may_not_become_another_without_rights(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    pool = Pool(Function.from_file(source("handler.py", HANDLER)), uid=0)
    with pytest.raises(ConfigError, match="only root can run a function as another user"):
        await pool.start()
    assert pool.pids == []


def invoked(handler: Path, *options: str, without: str = "") -> subprocess.CompletedProcess[str]:
    payload = json.dumps({"folders": [""], "name": f"groundhog-invoked-{os.getpid()}"})
    env = {"GROUNDHOG_WITHOUT": without}
    return groundhog("invoke", str(handler), "--payload", payload, "-n", "2", "--json", *options, env=env)


def answers(done: subprocess.CompletedProcess[str]) -> list[list[str]]:
    assert done.returncode == 0, done.stderr
    return [json.loads(line)["value"]["said"] for line in done.stdout.splitlines()]


def test_the_command_line_shuts_functions_in(source: Source) -> None:
    handler = source("handler.py", HANDLER)
    assert answers(invoked(handler)) == [["wrote"], ["wrote"]]
    assert answers(invoked(handler, without="namespaces")) == [["wrote"], ["wrote"]]
    assert answers(invoked(handler, "--jail", "landlock")) == [["wrote"], ["wrote"]]
    try:
        assert answers(invoked(handler, "--jail", "none")) == [["wrote"], ["there"]]
    finally:
        Path(tempfile.gettempdir(), f"groundhog-invoked-{os.getpid()}").unlink()


@pytest.mark.parametrize(
    ("options", "without", "named"),
    [
        ((), "namespaces,landlock", "no jail for functions works on this machine"),
        (("--jail", "namespace"), "namespaces", "the jail namespace does not work on this machine"),
        (("--jail", "landlock"), "landlock", "the jail landlock does not work on this machine"),
    ],
)
def test_a_jail_that_is_missing_is_an_error(
    source: Source, options: tuple[str, ...], without: str, named: str
) -> None:
    done = invoked(source("handler.py", HANDLER), *options, without=without)
    assert done.returncode == 1
    assert done.stdout == ""
    assert named in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("folder", ["/dev/shm", "/tmp"])
def test_where_our_own_temporary_files_are_decides_nothing(folder: str) -> None:
    """Private folders cannot be laid over all of them: what works is tried where they can."""
    code = (
        "import glob, json, os, tempfile, groundhog\n"
        "jails = groundhog.capabilities()['jails']\n"
        "left = glob.glob(f'{tempfile.gettempdir()}/groundhog-jail-{os.getpid()}*')\n"
        "print(json.dumps({'jails': jails, 'left': left}))"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "TMPDIR": folder}, check=True, capture_output=True
    ).stdout
    assert json.loads(said) == {"jails": {"namespace": None, "landlock": None}, "left": []}


def test_the_supervisor_may_be_anybody() -> None:
    """One without rights makes the same jails: tried in a process that gives up its own."""
    done = subprocess.run(
        [sys.executable, "-c", SUPERVISOR, SHELL], capture_output=True, text=True, check=False, cwd="/"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["namespace", "new", "new", "landlock", "new", "new"]


SUPERVISOR = """
import asyncio, sys
from groundhog import Function, Pool
from groundhog.audit import dropped

async def main():
    function = Function.from_command(["/bin/sh", "-c", sys.argv[1]], cwd="/")
    for jail in ("namespace", "landlock"):
        print(jail)
        async with Pool(function, jail=jail, verify=True) as pool:
            for _ in range(2):
                print((await pool.invoke({})).value["file"])
            assert pool.stats().retirements == {}, pool.stats()

dropped.drop()
asyncio.run(main())
"""


LARGE = r"""
truncate -s 65M "$TMPDIR/large"
echo '{"ok":true}' >&3
while read -r line; do echo '{}' >&3; done
"""


async def test_what_is_not_kept_is_not_said_to_be_verified() -> None:
    """More than is kept: requests that write nothing are served, but nobody vouches for the files."""
    function = Function.from_command(["/bin/sh", "-c", LARGE], cwd="/", env={"TMPDIR": tempfile.gettempdir()})
    async with Pool(function, jail="namespace") as pool:
        for _ in range(3):
            assert (await pool.invoke({})).value == {}
        assert pool.stats().retirements == {}
    with pytest.raises(StateMismatch, match="held more than is kept to be compared"):
        async with Pool(function, jail="namespace", verify=True):
            pass


def test_a_file_that_cannot_be_put_back_keeps_the_snapshot_from_being_taken() -> None:
    """Open for writing since the warm-up, and closed to everybody else: its contents would be a request's."""
    done = subprocess.run(
        [sys.executable, "-c", LOCKED, LOCKING], capture_output=True, text=True, check=False, cwd="/"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["0o600 taken", "0o200 refused", "0o0 refused"]


LOCKING = r"""
umask 000; exec 4<>"$TMPDIR/log"; chmod $MODE "$TMPDIR/log"
echo '{"ok":true}' >&3
while read -r line; do echo '{}' >&3; done
"""
LOCKED = """
import asyncio, sys
from groundhog import Function, Pool, SnapshotRefusedError
from groundhog.audit import dropped

async def main():
    for mode in (0o600, 0o200, 0):
        function = Function.from_command(["/bin/sh", "-c", sys.argv[1]], cwd="/", env={"MODE": f"{mode:o}"})
        try:
            async with Pool(function, jail="namespace") as pool:
                print(oct(mode), "taken")
        except SnapshotRefusedError as error:
            assert "open for writing on a file that cannot be opened to be put back" in str(error), error
            print(oct(mode), "refused")

import os, tempfile
dropped.drop()
os.environ["TMPDIR"] = tempfile.mkdtemp()
asyncio.run(main())
"""


# Which terminals it finds, and what passes through one of its own.
TERMINALS = """
import os

def main(params):
    found = sorted(os.listdir("/dev/pts"))
    maker, terminal = os.openpty()
    os.write(maker, b"typed\\n")
    with open(os.ttyname(terminal), "rb", buffering=0) as again:
        return {"found": found, "read": again.read(9).decode(), "theirs": os.path.exists(params["path"])}
"""


async def test_terminals_of_others_are_not_there(source: Source) -> None:
    """Whoever is the same user may open them, such as a request that runs at the same time."""
    with contextlib.ExitStack() as held:
        path = "/dev/pts/0"
        while path.endswith("/0"):  # a number that the function's own may have
            maker, terminal = os.openpty()
            held.callback(os.close, maker)
            held.callback(os.close, terminal)
            path = os.ttyname(terminal)
        async with Pool(Function.from_file(source("handler.py", TERMINALS)), jail="namespace") as pool:
            for _ in range(2):
                reply = await pool.invoke({"path": path})
                assert reply.value == {"found": ["ptmx"], "read": "typed\n", "theirs": False}
            assert pool.stats().retirements == {}


# When the kernel noted last that one of its own was used, which it does once in eight seconds at most.
TERMINAL_TIMES = """
import fcntl, os, struct

PLACE, TIOCSPTLCK, TIOCGPTPEER = "/dev/pts/ptmx", 0x40045431, 0x5441

def main(params):
    found = os.stat(PLACE)
    if params["uses"]:
        maker = os.open(PLACE, os.O_RDWR | os.O_NOCTTY)
        fcntl.ioctl(maker, TIOCSPTLCK, struct.pack("i", 0))
        terminal = fcntl.ioctl(maker, TIOCGPTPEER, os.O_RDWR | os.O_NOCTTY)
        os.write(terminal, b"shown\\n")
        os.read(maker, 100)
    return [found.st_atime, found.st_mtime]
"""


async def test_nothing_tells_that_a_terminal_was_used(source: Source) -> None:
    """In containers, where `/dev/ptmx` is a link there, all that a function opens are made so."""
    steps = 8  # seconds
    async with Pool(Function.from_file(source("handler.py", TERMINAL_TIMES)), jail="namespace") as pool:
        first = await pool.invoke({"uses": False})
        await asyncio.sleep(steps + 1)
        assert (await pool.invoke({"uses": True})).value == first.value
        later = await pool.invoke({"uses": False})
        assert pool.stats().retirements == {"kernel-state": 1}
        assert later.value != first.value, "it is another process"


@pytest.mark.may_skip("only root can mount")
def test_the_console_of_a_container_is_not_there(source: Source) -> None:
    """It is a terminal that is mounted over a file."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount")
    text = "import os\ndef main(params):\n    return {'tty': os.isatty(os.open(params['path'], os.O_RDWR))}\n"
    program = [sys.executable, "-m", "groundhog.cli", "invoke", "--json", str(source("handler.py", text))]
    maker, terminal = os.openpty()
    mounts = 'mount --bind "$1" "$2" && shift 2 && exec "$@"'

    def finds_it(place: Path, jail: str) -> bool:
        asked = ["--payload", json.dumps({"path": str(place)}), "--jail", jail]
        shell = ["unshare", "--mount", "sh", "-c", mounts, "sh", os.ttyname(terminal), str(place)]
        done = subprocess.run([*shell, *program, *asked], check=True, capture_output=True, text=True)
        return '"tty": true' in done.stdout

    with tempfile.TemporaryDirectory(dir="/var") as folder:  # not a private one
        place = Path(folder, "console")
        place.touch()
        place.parent.chmod(0o755)
        assert finds_it(place, "none"), "it proves nothing"
        assert not finds_it(place, "namespace")
    os.close(maker)
    os.close(terminal)


@pytest.mark.may_skip("only root can mount")
@pytest.mark.parametrize("hidden", [False, True])
def test_a_folder_below_which_something_is_mounted_cannot_be_written(
    source: Source, tmp_path: Path, *, hidden: bool
) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can mount")
    handler = source("mounted.py", HANDLER)
    place, above = tmp_path / "lies in" / "below", tmp_path / "lies in"
    place.mkdir(parents=True)
    folders = ["/var/tmp", str(above), *([] if hidden else [str(place)])]
    asked = json.dumps({"name": f"left-{os.getpid()}", "folders": folders})
    over = 'mount -t tmpfs none "$2" &&' if hidden else ""
    mounting = f'mount -t tmpfs none "$1" && {over} HOME=$2 && export HOME && shift 2 && exec "$@"'
    command = [sys.executable, "-m", "groundhog.cli", "invoke", str(handler), "--payload", asked]
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", mounting, "sh", str(place), str(above), *command, "--json"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    found = ["wrote", "wrote"] if hidden else ["wrote", "Read-only file system", "Read-only file system"]
    assert answers(done) == [found], done.stderr
    assert "below which something is mounted" in done.stderr  # of /tmp, in any case
    assert (json.dumps({"path": str(above)})[1:-1] in done.stderr) != hidden


@pytest.mark.parametrize("jail", [*JAILS, "none"])
async def test_without_memory_the_kernel_ends_functions_first(source: Source, jail: str) -> None:
    """And not the supervisor, which is larger than one that fills files in memory, and its children."""
    text = """
        import subprocess

        def main(params):
            path = "/proc/self/oom_score_adj"
            return {"self": int(open(path).read()), "child": int(subprocess.check_output(["cat", path]))}
        """
    own = Path("/proc/self/oom_score_adj")
    ours = own.read_text()
    async with Pool(Function.from_file(source("hungry.py", textwrap.dedent(text))), jail=jail) as pool:
        for _ in range(2):
            assert (await pool.invoke({})).value == {"self": 1000, "child": 1000}
    assert own.read_text() == ours


CHILD_WITH_A_FILE = """\
import mmap, os, tempfile, time
ready, tell = os.pipe()
def main(params):
    if params.get("fork") and os.fork() == 0:
        with tempfile.NamedTemporaryFile() as file:
            file.truncate(1 << 20)
            memory = mmap.mmap(file.fileno(), 0)
        memory[::4096] = b"x" * 256
        os.write(tell, b"x")
        time.sleep(60)
    if params.get("fork"):
        os.read(ready, 1)
    return {"pid": os.getpid()}
"""


async def test_who_looks_at_a_child_s_memory_costs_nothing(source: Source) -> None:
    """A monitor does, and what the child had mapped goes with it."""
    handler = Function.from_file(source("forks.py", CHILD_WITH_A_FILE), warmup=[{}])
    looked_at, done = [0], threading.Event()

    def look() -> None:
        while not done.is_set():
            with contextlib.suppress(OSError):
                pid = looked_at[0]
                for child in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split():
                    Path(f"/proc/{child}/smaps").read_bytes()

    looking = [threading.Thread(target=look) for _ in range(2)]
    async with Pool(handler, 1) as pool:
        for thread in looking:
            thread.start()
        try:
            for _ in range(60):
                looked_at[0] = (await pool.invoke({"fork": True})).value["pid"]
        finally:
            done.set()
            for thread in looking:
                thread.join()
        assert set(pool.stats().retirements) <= {"superseded"}
