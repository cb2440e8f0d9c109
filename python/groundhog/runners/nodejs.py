"""Runs a Node handler: node with our launcher."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from groundhog.runners.command import Command, base_env, launched

if TYPE_CHECKING:
    from groundhog.config import Function

_LAUNCHER = Path(__file__).parent / "bootstrap" / "launcher.js"

_OPTIONS = (
    # A young generation that one request does not fill. By default the first 8 MB that a request allocates
    # make V8 collect: that takes it 2 ms, and each object moved dirties pages.
    "--min-semi-space-size=16",
    "--max-semi-space-size=32",
    # No collection of the whole heap before that. V8 begins with a limit near what is in use, and a snapshot
    # shortly before it would have every request collect, and compile its hot code again.
    "--initial-old-space-size=256",
    # Nor one because the function has been idle for eight seconds: by the clock it has, in every request,
    # once the snapshot is older than that.
    "--no-memory-reducer",
    # Each thread is stopped and has its registers read at every restore: one helper for V8 instead of four.
    # (--single-threaded-gc would save that one, too, but slows small requests by a third.)
    "--v8-pool-size=1",
)


def command_for(function: Function) -> Command:
    """The launcher with the handler's file and entry."""
    assert function.path is not None  # noqa: S101 - Function.from_file sets it
    node = function.interpreter or (shutil.which("node") or "node", *_OPTIONS)
    return Command(
        argv=(*node, str(_LAUNCHER), *launched(function)),
        env=base_env(function),
        cwd=str(function.cwd or function.path.parent),
        ack=function.ack,
    )
