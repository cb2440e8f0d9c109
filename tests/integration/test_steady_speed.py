"""Restored requests are no slower than the last warm-up request, however old the snapshot is."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from groundhog import Function, Pool
from groundhog.bench.paired import measure

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = [pytest.mark.kernel, pytest.mark.long, pytest.mark.usefixtures("no_leaks")]

STEP = """
  const step{i} = (x) => {{
    let a = x + {i}, b = 1, c = {i} % 7;
    for (let k = 0; k < 40; k++) {{
      table[k] = (table[k] || 0) * 0.5 + Math.sqrt(a * a + b * {i} + k);
      a = (a * 31 + table[(k * ({i} + 2)) % 40]) % 1009; b += c & k ? 2 : 1; c = (c * 17 + k) % 23;
    }}
    return a + b + c;
  }};"""


def closures(count: int) -> str:
    """A function as encoders of pictures are written: functions within a function, made anew by each call.

    Their optimised code is held by nothing else, so that a collection of the whole heap frees it.
    """
    steps = "".join(STEP.format(i=i) for i in range(1, count + 1))
    calls = " ".join(f"sum += step{i}(round);" for i in range(1, count + 1))
    encoder = f"const table = [];{steps}\n  return (round) => {{ let sum = 0; {calls} return sum; }};"
    return f"""
const encoder = () => {{
  {encoder}
}};

exports.main = ({{ rounds }}) => {{
  const encode = encoder();
  let sum = 0;
  for (let round = 0; round < rounds; round++) sum += encode(round);
  return {{ sum }};
}};
"""


@pytest.mark.alone
def test_restored_requests_of_node_run_compiled_code(source: Callable[[str, str], Path]) -> None:
    """Several times slower where they have to compile it again: no noise of a machine is like that."""
    function = Function.from_file(source("handler.js", closures(100)))
    off, hot = measure(function, {"rounds": 20}, ["off", "hot"], requests=60, warmup=100)
    assert hot.request < 2 * off.request


REDUCER_WAITS_S = 8
"""After V8's kMemoryReducerStartDelayMs."""
COLLECTED = """
const v8 = require('v8');
v8.setFlagsFromString('--expose-gc');
const heap = Array.from({ length: 4000 }, () => new Array(2000).fill(0));
require('vm').runInNewContext('gc')(); // what the memory reducer takes as its sign to come back later
v8.setFlagsFromString('--trace-gc');

exports.main = async () => {
  const kept = [];
  for (let turn = 0; turn < 3000; turn++) {
    kept.push(new Array(200).fill(turn));
    await new Promise(setImmediate);
  }
  return {};
};
"""


async def test_requests_of_node_do_not_collect_since_the_snapshot_is_old(
    source: Callable[[str, str], Path],
) -> None:
    """The timer of the memory reducer has elapsed in each of them, and they are not idle."""
    async with Pool(Function.from_file(source("handler.js", COLLECTED), warmup=[{}])) as pool:
        await pool.invoke({})
        # It is time that has to pass.
        await asyncio.sleep(REDUCER_WAITS_S + 1)
        for _ in range(50):
            reply = await pool.invoke({})
            assert "Mark-Compact" not in reply.stdout
