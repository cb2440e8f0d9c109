"""One virtual machine, from boot to power-off: qemu's emulation, so that any host can run any kernel."""

from __future__ import annotations

import os
import selectors
import subprocess
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

QEMU = "qemu-system-x86_64"
CHUNK = 65536


def command(kernel: Path, initramfs: Path, *, memory_mib: int, cpus: int) -> list[str]:
    """The command line that boots the kernel with its console on standard output."""
    # Emulated, not KVM, which may be absent or unable to run a stock kernel: all hosts give one result.
    # oops=panic: a kernel that stumbled is not one to go on testing with.
    return [
        QEMU,
        *("-machine", "q35,accel=tcg", "-cpu", "max", "-m", str(memory_mib), "-smp", str(cpus)),
        *("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"),
        *("-kernel", str(kernel), "-initrd", str(initramfs)),
        *("-append", "console=ttyS0 rdinit=/init panic=-1 oops=panic loglevel=4"),
        *("-serial", "stdio"),
    ]


def boot(arguments: list[str], on_line: Callable[[str], None], *, limit_seconds: float) -> bool:
    """Run a machine until it stops, passing on each line of its console.

    Returns:
        Whether it stopped by itself within the limit; if not, it is killed.
    """
    deadline = time.monotonic() + limit_seconds
    with (
        subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as machine,
        selectors.DefaultSelector() as selector,
    ):
        try:
            return _follow(machine, selector, on_line, deadline)
        finally:
            machine.kill()


def _follow(
    machine: subprocess.Popen[bytes],
    selector: selectors.BaseSelector,
    on_line: Callable[[str], None],
    deadline: float,
) -> bool:
    assert machine.stdout is not None
    selector.register(machine.stdout, selectors.EVENT_READ)
    pending = b""
    while selector.select(timeout=max(0.0, deadline - time.monotonic())):
        chunk = os.read(machine.stdout.fileno(), CHUNK)
        *lines, pending = (pending + chunk).split(b"\n")
        for line in lines:
            on_line(line.decode(errors="replace").replace("\r", ""))
        if not chunk:
            if pending:
                on_line(pending.decode(errors="replace"))
            return True
        if time.monotonic() > deadline:  # a console that never falls silent
            break
    return False
