"""A function that does a bit of everything that leaves state behind, and says what it finds of it."""

import contextlib
import mmap
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

scratch = Path(tempfile.gettempdir())
cache = {}
kept = []
shared = mmap.mmap(-1, 4096)
log = (scratch / "soak.log").open("a")
pair = socket.socketpair()
begun = {
    "threads": threading.active_count(),
    "descriptors": len(os.listdir("/proc/self/fd")),
    "mask": os.umask(0o022),
    "directory": os.getcwd(),
    "limit": resource.getrlimit(resource.RLIMIT_CORE),
    "nice": os.nice(0),
    "name": Path("/proc/self/comm").read_text(),
    "modules": len(sys.modules),
}
os.umask(begun["mask"])


def found():
    """Name everything that is not as it was."""
    mask = os.umask(0o022)
    os.umask(mask)
    now = {
        "threads": threading.active_count(),
        "descriptors": len(os.listdir("/proc/self/fd")),
        "mask": mask,
        "directory": os.getcwd(),
        "limit": resource.getrlimit(resource.RLIMIT_CORE),
        "nice": os.nice(0),
        "name": Path("/proc/self/comm").read_text(),
        "modules": len(sys.modules),
    }
    left = [name for name in begun if now[name] != begun[name]]
    left += ["cache"] * bool(cache) + ["kept"] * bool(kept)
    left += ["shared memory"] * (shared[:4096] != bytes(4096))
    left += ["environment"] * ("SOAK" in os.environ)
    left += ["files"] * (
        [path.name for path in scratch.iterdir() if path.name.startswith("soak")] != ["soak.log"]
    )
    left += ["log"] * (os.fstat(log.fileno()).st_size != 0 or log.tell() != 0)
    left += ["signal action"] * (signal.getsignal(signal.SIGUSR1) is not signal.SIG_DFL)
    left += ["timer"] * (signal.getitimer(signal.ITIMER_REAL) != (0.0, 0.0))
    pair[0].setblocking(False)
    with contextlib.suppress(BlockingIOError):
        left += ["socket"] * bool(pair[0].recv(100))
    try:
        os.waitpid(-1, os.WNOHANG)
        left.append("child")
    except ChildProcessError:
        pass
    return left


def heap(secret):
    kept.append([secret] * 10_000)


def globals_(secret):
    cache[secret] = secret * 10


def map_memory(secret):
    region = mmap.mmap(-1, 1 << 20)
    region.write(secret.encode() * 100)
    kept.append(region)


def share_memory(secret):
    shared[:8] = secret.encode()


def environment(secret):
    os.environ["SOAK"] = secret


def write_file(secret):
    (scratch / f"soak-{secret}").write_text(secret)


def write_log(secret):
    log.write(secret)
    log.flush()


def open_files(_secret):
    kept.extend(tempfile.TemporaryFile() for _ in range(3))


def thread(_secret):
    threading.Thread(target=time.sleep, args=(600,), daemon=True).start()


def child(_secret):
    kept.append(subprocess.Popen(["sleep", "600"]))


def fork(_secret):
    if os.fork() == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        time.sleep(600)


def action(_secret):
    signal.signal(signal.SIGUSR1, lambda *_: None)


def timer(_secret):
    signal.setitimer(signal.ITIMER_REAL, 1000)


def mask(_secret):
    os.umask(0o077)


def directory(_secret):
    os.chdir("/")


def limit(_secret):
    resource.setrlimit(resource.RLIMIT_CORE, (0, begun["limit"][1]))


def session(_secret):
    with contextlib.suppress(PermissionError):
        os.setsid()  # costs the process, whether it succeeds or not


def send(secret):
    pair[1].send(secret.encode())


def print_(secret):
    print(secret * 100)
    print(secret, file=sys.stderr)


def import_(_secret):
    import fractions  # noqa: F401


def recurse(secret, depth=200):
    if depth:
        recurse(secret, depth - 1)


ACTIONS = {
    each.__name__: each
    for each in (
        heap, globals_, map_memory, share_memory, environment, write_file, write_log, open_files, thread, child, fork,
        action, timer, mask, directory, limit, send, print_, import_, recurse,
    )
}  # fmt: skip


def main(params):
    if params.get("name") == "actions":
        return {"actions": sorted(ACTIONS)}
    left = found()
    for name in params["actions"]:
        ACTIONS[name](params["secret"])
    if params.get("retire"):
        session(params["secret"])
    return {"left": left}
