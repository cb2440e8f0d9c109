"""Trials by an unprivileged supervisor: `Nobody` runs this module as a program, which forks for each trial.

The fork becomes uid and gid 65534 without groups, capabilities or a way to get any (`no_new_privs`), as a
container platform would start it. It drops by itself instead of being started by setpriv(1), because the
interpreter may lie in a folder that nobody else may enter.
"""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from groundhog.audit.trials import Outcome, Trial, run_traced

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Self

NOBODY = 65534
PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 4, 24, 38


def _prctl(option: int, argument: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, ctypes.c_ulong(argument), 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"prctl({option}, {argument}): {os.strerror(number)}")


def _status(name: str) -> str:
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(line.split(":", 1)[1].strip() for line in lines if line.startswith(name + ":"))


def drop() -> None:
    """Give up every privilege, and check that none is left."""
    if os.geteuid() == 0:
        last = int(Path("/proc/sys/kernel/cap_last_cap").read_text(encoding="ascii"))
        for capability in range(last + 1):
            _prctl(PR_CAPBSET_DROP, capability)
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    _prctl(PR_SET_NO_NEW_PRIVS, 1)
    # As after an exec: changing ids made the process undumpable, and its own /proc unreadable to it.
    _prctl(PR_SET_DUMPABLE, 1)
    if os.getuid() == 0 or int(_status("CapPrm"), 16) or int(_status("CapEff"), 16):
        raise PermissionError("privileges are left after dropping them")


class Nobody:
    """Runs trials without privileges, one after another. Close it to end its process.

    ``prefix``: a command that runs the one which follows it, such as unshare(1).
    """

    def __init__(self, prefix: Sequence[str] = ()) -> None:
        self._program = subprocess.Popen(
            [*prefix, sys.executable, "-m", "groundhog.audit.dropped"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._trials = cast("IO[str]", self._program.stdin)
        self._answers = cast("IO[str]", self._program.stdout)

    def run(self, trial: Trial) -> Outcome:
        """`run_traced`, by a supervisor without privileges.

        Raises:
            RuntimeError: It could not be run.

        """
        try:
            self._trials.write(trial.to_json() + "\n")
            self._trials.flush()
        except BrokenPipeError:
            answer = ""
        else:
            answer = self._answers.readline()
        if not answer:
            raise RuntimeError(f"the unprivileged supervisor ended: exit code {self._program.wait()}")
        failure, outcome = json.loads(answer)
        if failure:
            raise RuntimeError(failure)
        return Outcome.from_json(outcome)

    def close(self) -> None:
        """End it."""
        self._program.communicate()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _answer(failure: str, outcome: str = "") -> None:
    sys.stdout.write(json.dumps([failure, outcome]) + "\n")
    sys.stdout.flush()


def _run(trial: str) -> None:
    try:
        drop()
        outcome = run_traced(Trial.from_json(trial)).to_json()
    except Exception as error:  # noqa: BLE001 - whoever asked is told
        _answer(f"{type(error).__name__}: {error}")
    else:
        _answer("", outcome)


def main() -> None:
    """Run each trial, a line of JSON, in a process of its own; print what came of it as a line."""
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _run(line)
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        if status != 0:  # it has not answered
            _answer(f"the unprivileged supervisor ended: wait status {status}")


if __name__ == "__main__":
    main()
