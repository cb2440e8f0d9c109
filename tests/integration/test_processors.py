"""Processors that a request sets to those that it has already: nothing tells until there are more of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.kernel

GROUPS = Path("/sys/fs/cgroup/cpuset")
HANDLER = """
import os

def main(params):
    if params.get("set"):
        os.sched_setaffinity(0, os.sched_getaffinity(0))
    return {"pid": os.getpid(), "processors": sorted(os.sched_getaffinity(0))}
"""
# As a server in a container that gets another processor.
SERVER = """
import asyncio, json, os, pathlib, sys
import groundhog

group, handler, processors = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
(group / "cgroup.procs").write_text(str(os.getpid()))

async def serve():
    fn = groundhog.Function.from_file(handler, warmup=[{}])
    async with groundhog.Pool(fn, workers=1, isolation="request") as pool:
        before = (await pool.invoke({"set": True})).value
        await pool.invoke({})
        # Restored: one that is under way would set what was there at the snapshot.
        while pool.stats().workers != {"clean": 1}:
            await asyncio.sleep(0.001)
        (group / "cpuset.cpus").write_text(processors)
        return [before, (await pool.invoke({})).value]

print(json.dumps(asyncio.run(serve())))
(group.parent / "cgroup.procs").write_text(str(os.getpid()))
"""


@pytest.fixture
def group() -> Iterator[Path]:
    """A control group for processors, with one of them."""
    mine = sorted(os.sched_getaffinity(0))
    if os.geteuid() != 0 or not (GROUPS / "cpuset.mems").exists() or len(mine) == 1:
        pytest.skip("needs root, two processors, and control groups for them")
    made = GROUPS / f"groundhog-test-{os.getpid()}"
    made.mkdir()
    (made / "cpuset.mems").write_text((GROUPS / "cpuset.mems").read_text())
    (made / "cpuset.cpus").write_text(str(mine[0]))
    yield made
    made.rmdir()


@pytest.mark.may_skip("control groups of the first version are there on some machines, and root's alone")
def test_processors_that_come_later_are_everyones(group: Path, tmp_path: Path) -> None:
    mine = sorted(os.sched_getaffinity(0))[:2]
    handler = tmp_path / "handler.py"
    handler.write_text(HANDLER)
    words = [sys.executable, "-c", SERVER, str(group), str(handler), ",".join(map(str, mine))]
    done = subprocess.run(words, capture_output=True, check=True, text=True, timeout=60)
    before, after = json.loads(done.stdout)
    assert before["processors"] == mine[:1]
    assert after == {"pid": before["pid"], "processors": mine}
