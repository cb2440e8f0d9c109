"""A test marked `alone` runs while no other test does, whichever worker of pytest-xdist it is given to.

Workers are processes that know nothing of each other, so they agree by locks on two files:

- `gate` is held for a moment by whoever wants to begin, and by a test that runs alone until it has ended;
- `running` is shared by all tests that run, and held exclusively by one that runs alone.

One that waits for the others to end holds the gate, so that no other test begins before it.
"""

from __future__ import annotations

import contextlib
import fcntl
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

INPUT = "groundhog_locks"  # what the controller tells its workers: the folder of the files


@contextlib.contextmanager
def _locked(file: IO[bytes], how: int) -> Iterator[None]:
    fcntl.flock(file, how)
    try:
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)


class Controller:
    """Makes the files, and removes them."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="groundhog-locks-")

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker, before it starts."""
        node.workerinput[INPUT] = self._folder.name

    def pytest_unconfigure(self) -> None:
        """The workers have ended."""
        self._folder.cleanup()


class Turns:
    """Lets the tests of one worker begin."""

    def __init__(self, folder: Path) -> None:
        self._gate = (folder / "gate").open("wb")
        self._running = (folder / "running").open("wb")

    # Outside of everything else: a test that waits is not under way, and its limit of time has not begun.
    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Wait for the turn of a test, and run it."""
        with contextlib.ExitStack() as held:
            with contextlib.ExitStack() as gate:
                gate.enter_context(_locked(self._gate, fcntl.LOCK_EX))
                if item.get_closest_marker("alone"):
                    held.enter_context(_locked(self._running, fcntl.LOCK_EX))
                    held.push(gate.pop_all())
                else:
                    held.enter_context(_locked(self._running, fcntl.LOCK_SH))
            return (yield)

    def pytest_unconfigure(self) -> None:
        """The last test has ended."""
        self._gate.close()
        self._running.close()


def pytest_configure(config: pytest.Config) -> None:
    """Take the part that this process has; without workers there is nothing to agree on."""
    told: dict[str, Any] | None = getattr(config, "workerinput", None)
    if told is not None:
        config.pluginmanager.register(Turns(Path(told[INPUT])))
    elif getattr(config.option, "numprocesses", None):
        config.pluginmanager.register(Controller())
