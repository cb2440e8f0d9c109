"""Hooks that run right after a restore, in real processes."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest

from groundhog import Function, Limits, Pool
from groundhog.observer import Endings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Source = Callable[[str, str], Path]

pytestmark = [pytest.mark.kernel, pytest.mark.long, pytest.mark.usefixtures("no_leaks")]

PYTHON = """
import os, random, threading, time
from groundhog.hooks import register_after_restore

runs = []

@register_after_restore
async def hook():
    if os.path.exists("late"):
        threading.Event().wait()
    if os.path.exists("bad"):
        raise ValueError("no credentials")
    print("of a hook")
    runs.append((time.monotonic(), random.random()))

def main(params):
    at, drawn = runs[-1]
    return {"runs": len(runs), "at": at, "drawn": [drawn, random.random()], "pid": os.getpid()}
"""
NODE = """
const fs = require('fs');
const runs = [];

globalThis[Symbol.for('groundhog.hooks')].registerAfterRestore(async () => {
  await new Promise((resolve) => setTimeout(resolve, 1));
  if (fs.existsSync('late')) await new Promise(() => setInterval(() => {}, 1000));
  if (fs.existsSync('bad')) throw new TypeError('no credentials');
  console.log('of a hook');
  runs.push([Number(process.hrtime.bigint()) / 1e9, Math.random()]);
});

exports.main = () => {
  const [at, drawn] = runs[runs.length - 1];
  return { runs: runs.length, at, drawn: [drawn, Math.random()], pid: process.pid };
};
"""
KINDS = {"handler.py": PYTHON, "handler.js": NODE}


def function(source: Source, name: str) -> Function:
    path = source(name, KINDS[name])
    return Function.from_file(path, cwd=path.parent)


async def until_clean(pool: Pool) -> None:
    while pool.next_pid is None:  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0.001)


async def replies(pool: Pool, count: int) -> list[tuple[float, Any]]:
    """When each request was sent, to a clean process, and its reply."""
    made = []
    for _ in range(count):
        await until_clean(pool)
        made.append((time.monotonic(), await pool.invoke({})))
    return made


@pytest.mark.parametrize("hooks", ["lazy", "eager"])
@pytest.mark.parametrize("name", KINDS)
async def test_they_have_run_before_the_request_comes(source: Source, name: str, hooks: str) -> None:
    async with Pool(function(source, name), hooks=hooks) as pool:
        made = await replies(pool, 20)
        assert pool.stats().retirements.keys() <= {"superseded"}
    assert [reply.value["at"] < sent for sent, reply in made] == [hooks == "eager"] * 20
    assert {reply.value["runs"] for _, reply in made} == {1}, "what they did is reverted with the request"
    assert {reply.stdout for _, reply in made} == {"of a hook\n"}


@pytest.mark.parametrize("name", KINDS)
async def test_they_draw_other_numbers_than_any_request(source: Source, name: str) -> None:
    """Theirs come with a line of their own, the request's with that."""
    async with Pool(function(source, name), hooks="eager") as pool:
        made = await replies(pool, 30)
    drawn = [number for _, reply in made for number in reply.value["drawn"]]
    assert len(set(drawn)) == 60


@pytest.mark.parametrize("name", KINDS)
async def test_requests_that_come_at_once_wait_for_them(source: Source, name: str) -> None:
    async with Pool(function(source, name), hooks="eager") as pool:
        made = await asyncio.gather(*(pool.invoke({}) for _ in range(20)))
    assert {reply.value["runs"] for reply in made} == {1}


@pytest.mark.parametrize("fault", ["bad", "late"])
@pytest.mark.parametrize("name", KINDS)
async def test_one_that_fails_costs_the_process_and_no_request(source: Source, name: str, fault: str) -> None:
    made, seen = function(source, name), Endings()
    assert made.cwd is not None
    limits = Limits(hooks_timeout_s=0.5, start_timeout_s=5)
    async with Pool(made, hooks="eager", jail="none", limits=limits, observer=seen) as pool:
        await until_clean(pool)
        (made.cwd / fault).touch()
        first = (await pool.invoke({})).value
        while not isinstance(told := await seen.events.get(), str):
            pass
        (made.cwd / fault).unlink()
        # The next start may have come to the fault, too, and is tried again.
        while pool.next_pid is None:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.001)
        second = (await pool.invoke({})).value
    assert (first["runs"], second["runs"]) == (1, 1)
    assert first["pid"] != second["pid"]
    expected = {
        "bad": "hook-failed: a hook after the restore failed: ",
        "late": "hooks-timeout: the function's hooks after the restore took longer than 0.5 s",
    }
    assert told.startswith(expected[fault])
