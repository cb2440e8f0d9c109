"""Memory written and made to look clean: protected by a userfaultfd of its own, which an engine may track by, too."""

import contextlib
import ctypes
import fcntl
import mmap
import os
import struct

SYS_USERFAULTFD, USER_MODE_ONLY, API = 323, 1, 0xAA
UFFDIO_API, UFFDIO_WRITEPROTECT = 0xC018AA3F, 0xC018AA06

libc = ctypes.CDLL(None, use_errno=True)
memory = mmap.mmap(-1, 8 * mmap.PAGESIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
memory.write(b"s" * len(memory))
address = ctypes.addressof(ctypes.c_char.from_buffer(memory))


def hide():
    faults = libc.syscall(SYS_USERFAULTFD, os.O_CLOEXEC | os.O_NONBLOCK | USER_MODE_ONLY)
    if faults < 0:
        return
    # Where nobody tracks so, there is nothing to protect.
    with contextlib.suppress(OSError):
        fcntl.ioctl(faults, UFFDIO_API, struct.pack("<QQQ", API, 0, 0))
        fcntl.ioctl(faults, UFFDIO_WRITEPROTECT, struct.pack("<QQQ", address, len(memory), 1))
    os.close(faults)


def main(params):
    changed = len(memory) - memory[:].count(b"s")
    secret = params["secret"].encode()
    memory[mmap.PAGESIZE : mmap.PAGESIZE + len(secret)] = secret
    hide()
    return {"changed": changed}
