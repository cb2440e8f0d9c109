"""Runs a Python handler: an interpreter with our launcher."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from groundhog.runners.command import Command, base_env, launched

if TYPE_CHECKING:
    from groundhog.config import Function

_LAUNCHER = Path(__file__).parent / "bootstrap" / "launcher.py"

_MALLOC = {
    # Memory that a request frees stays with the allocator, so that the next one finds it instead of mapping
    # and faulting it in anew. Coding 700 KB in base64 takes 2.8 ms so, and 4.9 ms without; the restore copies
    # 780 pages instead of 180, which takes 0.3 ms more, but nobody waits for that.
    "glibc.malloc.mmap_threshold": 32 << 20,  # the largest that glibc takes
    "glibc.malloc.trim_threshold": 1 << 30,
    "glibc.malloc.top_pad": 16
    << 20,  # the heap is grown before the snapshot, by more than most requests need
}


def malloc_tunables(configured: str = "") -> str:
    """A value of ``GLIBC_TUNABLES``: ours, and whatever is configured already, which wins."""
    named = {part.partition("=")[0] for part in configured.split(":")}
    ours = [f"{name}={value}" for name, value in _MALLOC.items() if name not in named]
    return ":".join([*ours, *([configured] if configured else [])])


def command_for(function: Function) -> Command:
    """The launcher with the handler's file and entry."""
    assert function.path is not None  # noqa: S101 - Function.from_file sets it
    env = base_env(function)
    env["GLIBC_TUNABLES"] = malloc_tunables(env.get("GLIBC_TUNABLES", ""))
    interpreter = function.interpreter or (sys.executable,)
    return Command(
        argv=(*interpreter, str(_LAUNCHER), *launched(function)),
        env=env,
        cwd=str(function.cwd or function.path.parent),
        ack=function.ack,
    )
