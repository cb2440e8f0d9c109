"""No function makes namespaces of its own: in a user namespace a child would have every capability again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from groundhog import Function, Pool

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Source = Callable[[str, str], Path]

pytestmark = [pytest.mark.kernel, pytest.mark.usefixtures("no_leaks")]

HANDLER = r"""
import ctypes, errno, os, signal

libc = ctypes.CDLL(None, use_errno=True)
UNSHARE, CLONE, CLONE3, SETNS = 272, 56, 435, 308
FLAGS = {
    "mount": 0x20000, "cgroup": 0x2000000, "uts": 0x4000000, "ipc": 0x8000000, "user": 0x10000000,
    "pid": 0x20000000, "net": 0x40000000, "time": 0x80,
}

def said(result):
    return "done" if result >= 0 else errno.errorcode[ctypes.get_errno()]

def call(number, *arguments):
    return libc.syscall(number, *(ctypes.c_long(argument) for argument in arguments))

def cloned(flags):
    pid = call(CLONE, flags | signal.SIGCHLD, 0, 0, 0, 0)
    if pid == 0:
        os._exit(0)
    if pid > 0:
        os.waitpid(pid, 0)
    return said(pid)

def cloned_by_structure(flags):
    arguments = (ctypes.c_uint64 * 8)(flags, 0, 0, 0, signal.SIGCHLD)
    pid = libc.syscall(CLONE3, arguments, ctypes.c_long(64))
    if pid == 0:
        os._exit(0)
    if pid > 0:
        os.waitpid(pid, 0)
    return said(pid)

def entered(name):
    fd = os.open(f"/proc/self/ns/{name}", os.O_RDONLY)
    try:
        return said(call(SETNS, fd, 0))
    finally:
        os.close(fd)

def tried():
    found = {}
    for name, flags in FLAGS.items():
        for made in (flags, flags | FLAGS["user"]):
            if name != "time":  # whose flag means something else to clone
                found[f"clone {name} {made:x}"] = cloned(made)
            found[f"clone3 {name} {made:x}"] = cloned_by_structure(made)
        found[f"setns {name}"] = entered({"mount": "mnt"}.get(name, name))
    for name, flags in FLAGS.items():  # the user's last, and whatever succeeds stays
        found[f"unshare {name}"] = said(call(UNSHARE, flags))
    found["unshare user, net"] = said(call(UNSHARE, FLAGS["user"] | FLAGS["net"]))
    return found

def main(params):
    if not params["in_child"]:
        return tried()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, repr(tried()).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as answer:
        found = eval(answer.read())
    os.waitpid(child, 0)
    return found
"""


@pytest.mark.parametrize("in_child", [False, True])
@pytest.mark.parametrize("jail", ["namespace", "landlock"])
async def test_none_is_made_or_entered(source: Source, jail: str, *, in_child: bool) -> None:
    async with Pool(Function.from_file(source("handler.py", HANDLER)), jail=jail) as pool:
        found = (await pool.invoke({"in_child": in_child})).value
    assert isinstance(found, dict)
    assert len(found) > 30
    assert {way: what for way, what in found.items() if what not in {"EPERM", "ENOSYS"}} == {}
