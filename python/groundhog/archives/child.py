"""The process that unpacks one archive. It says in one line of JSON what became of it: see `main`."""

from __future__ import annotations

import json
import os
import sys

from groundhog.archives import members, sandbox
from groundhog.archives.extraction import extract
from groundhog.archives.order import MIB, Order, RefusedError, WriteError

_LONGEST = 1000


def main() -> None:
    """Carry out the order in the first argument.

    Prints ``{"done": ""}``, ``{"refused": why}`` for an archive that is not unpacked, or ``{"unsafe": why}``
    where the process could not be shut in, and did not look at it.
    """
    order = Order.from_json(sys.argv[1])
    with open(order.archive, "rb", closefd=False) as archive:
        members.load_formats()
        try:
            sandbox.enter(order)
        except sandbox.SandboxError as error:
            _say("unsafe", str(error))
            return
        try:
            extract(archive, order.folder, order.single, order.limits, order.program)
        except (RefusedError, WriteError) as error:
            _say("refused", str(error))
        except MemoryError:
            _say("refused", f"to read it takes more than {order.limits.memory // MIB} MiB of memory")
        except Exception as error:  # noqa: BLE001 - whatever a broken archive makes its reader raise
            _say("refused", f"it is broken: {str(error) or type(error).__name__}")
        else:
            _say("done", "")


def _say(what: str, why: str) -> None:
    os.write(1, json.dumps({what: why[:_LONGEST]}).encode() + b"\n")
