"""What children of functions leave to whoever inherits them: zombies, with names that requests choose."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.framework.commands import NO_CERTIFICATES

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.kernel

REQUESTS = 20
FORGED = "\rTracerPid: 1"
"""A name that is, to whoever takes "\\r" for the end of a line, one more line about the process."""
LIMIT_S = 30
ORPHANS = """
import ctypes, os, pathlib

SET_NAME = 15

def seen(secret):
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            if f"({secret})".encode() in stat.read_bytes():
                yield stat.parent.name
        except OSError:
            pass

def main(args):
    if "look_for" in args:
        return {"seen": list(seen(args["look_for"]))}
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        child = os.fork()
        if child == 0:
            ctypes.CDLL(None).prctl(SET_NAME, args["name"].encode(), 0, 0, 0)
            os._exit(0)
        if args.get("first"):  # it ends before its parent does
            os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
        os._exit(0)
    os.waitpid(pid, 0)
    os.close(write)
    os.read(read, 1)  # the end: the other one has ended, too
    if args["dies"]:
        os._exit(1)
    return {}
"""
DAEMONS = """
import os, time

def main(args):
    for number in range(args["daemons"]):
        pid = os.fork()
        if pid == 0:
            if os.fork() == 0:
                time.sleep(number / 1000)
            os._exit(0)
        os.waitpid(pid, 0)
    time.sleep(args["daemons"] / 1000)
    return {}
"""
BURIER = """
import asyncio, sys
from groundhog import Function, Pool, orphans

async def main():
    async with Pool(Function.from_file(sys.argv[1])) as pool:
        asked = [asyncio.ensure_future(pool.invoke({"daemons": 200})) for _ in range(3)]
        asked.append(asyncio.ensure_future(pool.invoke({"daemons": 0})))  # once the third is put back
        while not all(each.done() for each in asked):
            orphans.bury()
            await asyncio.sleep(0)
        print(pool.stats().retirements)

with orphans.inherited():
    asyncio.run(main())
"""


def zombies(pid: int) -> list[str]:
    """The children of a process that nobody has waited for."""
    children = [
        child
        for listed in Path(f"/proc/{pid}/task").glob("*/children")
        for child in listed.read_text().split()
    ]
    return [child for child in children if Path(f"/proc/{child}/stat").read_text().split()[2] == "Z"]


@pytest.mark.parametrize(
    "within",
    [
        [],
        pytest.param(
            ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"],
            marks=[
                pytest.mark.may_skip("not every machine lets everybody make namespaces"),
                pytest.mark.skipif(
                    os.geteuid() != 0 or shutil.which("unshare") is None,
                    reason="only root makes namespaces everywhere, by unshare(1)",
                ),
            ],
        ),
    ],
    ids=["child", "process-1"],
)
def test_orphans_are_buried(source: Callable[[str, str], Path], within: list[str]) -> None:
    """Before the next request looks for them. Those of a process that ends take the container's numbers."""
    words = ["-m", "groundhog.cli", "serve", "--port", "0", str(source("orphans.py", ORPHANS))]
    with subprocess.Popen([*within, sys.executable, *words], stdout=subprocess.PIPE) as outer:
        try:
            assert outer.stdout is not None
            found = re.search(rb"http://[\d.:]+", outer.stdout.readline())
            assert found is not None
            with httpx.Client(base_url=found[0].decode(), timeout=LIMIT_S, verify=NO_CERTIFICATES) as client:

                def ask(request: dict[str, Any]) -> Any:
                    return client.post("/", json=request).json()

                for name in (*(f"secret{number}" for number in range(REQUESTS)), *[FORGED] * REQUESTS):
                    assert ask({"name": name, "dies": False}) == {}
                    assert ask({"look_for": name}) == {"seen": []}
                assert "ended" in ask({"name": "secret", "dies": True})["error"]
                ends = time.monotonic() + LIMIT_S
                while seen := ask({"look_for": "secret"})["seen"]:
                    assert time.monotonic() < ends, seen
            children = Path(f"/proc/{outer.pid}/task/{outer.pid}/children")
            server = int(children.read_text().split()[0]) if within else outer.pid
            assert zombies(server) == []
            os.kill(server, signal.SIGTERM)
            assert outer.wait(LIMIT_S) == 0
        finally:
            outer.kill()


def test_domains_do_not_see_orphans_of_others(source: Callable[[str, str], Path]) -> None:
    """Which nothing restores between their requests."""
    options = ["--workers", "2", "--isolation", "domain", "--domain-header", "X-Domain", "--network", "none"]
    words = ["-m", "groundhog.cli", "serve", "--port", "0", *options]
    with subprocess.Popen(
        [sys.executable, *words, str(source("orphans.py", ORPHANS))], stdout=subprocess.PIPE
    ) as server:
        try:
            assert server.stdout is not None
            found = re.search(rb"http://[\d.:]+", server.stdout.readline())
            assert found is not None
            with httpx.Client(base_url=found[0].decode(), timeout=LIMIT_S, verify=NO_CERTIFICATES) as client:

                def ask(domain: str, request: dict[str, Any]) -> Any:
                    return client.post("/", json=request, headers={"X-Domain": domain}).json()

                for number in range(REQUESTS):
                    name = f"secret{number}"
                    assert ask("one", {"name": name, "dies": False, "first": True}) == {}
                    assert ask("other", {"look_for": name}) == {"seen": []}
        finally:
            server.kill()


def test_who_buries_takes_nothing_from_tracers(source: Callable[[str, str], Path]) -> None:
    """Daemons that end while their request runs are children of the program, and are traced by its threads.

    These learn of the ends, or they would wait for them until a restore takes too long.
    """
    words = [sys.executable, "-c", BURIER, str(source("daemons.py", DAEMONS))]
    done = subprocess.run(words, capture_output=True, text=True, timeout=4 * LIMIT_S, check=False)
    assert (done.stdout, done.returncode) == ("{}\n", 0), done.stderr
