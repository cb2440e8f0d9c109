"""Foreign programs that speak ActionLoop, untraced: what counts as having loaded."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

import groundhog
from groundhog import Function, Limits, Pool
from groundhog.testing import FakeEngine

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Source = Callable[[str, str], Path]

pytestmark = pytest.mark.usefixtures("no_leaks")

LOOP = """
import json, os, sys
{before}
out = os.fdopen(3, "wb")
while line := sys.stdin.readline():
    value = json.loads(line)["value"]
    out.write(json.dumps({{"got": value}}).encode() + b"\\n")
    out.flush()
"""
ACKNOWLEDGES = 'os.write(3, b\'{"ok": true}\\n\') if "OW_WAIT_FOR_ACK" in os.environ else None'


def command(source: Source, before: str) -> list[str]:
    return [sys.executable, str(source("loop.py", LOOP.format(before=before)))]


async def answers(function: Function, limits: Limits | None = None) -> None:
    engine = FakeEngine()
    async with Pool(function, limits=limits, engine=engine) as pool:
        for number in range(3):
            assert (await pool.invoke(number)).value == {"got": number}
    assert engine.alive == 0
    assert len(engine.processes) == 1


@pytest.mark.parametrize("before", [ACKNOWLEDGES, "", "import time; time.sleep(0.1)"])
async def test_auto(source: Source, before: str) -> None:
    await answers(Function.from_command(command(source, before)))


async def test_auto_with_other_threads(source: Source) -> None:
    before = "import threading; threading.Thread(target=threading.Event().wait, daemon=True).start()"
    await answers(Function.from_command(command(source, before)))


async def test_required(source: Source) -> None:
    await answers(Function.from_command(command(source, ACKNOWLEDGES), ack="require"))


async def test_required_and_not_given(source: Source) -> None:
    function = Function.from_command(command(source, ""), ack="require")
    with pytest.raises(groundhog.InitError, match=r"did not say that it has loaded within 0\.3 s"):
        await answers(function, Limits(start_timeout_s=0.3))


async def test_told_by_its_first_answer(source: Source) -> None:
    function = Function.from_command(command(source, ""), ack="none", warmup=[{"warm": 1}])
    await answers(function)


async def test_a_program_that_says_no(source: Source) -> None:
    before = 'os.write(3, b\'{"ok": false, "error": "no database"}\\n\'); sys.exit(1)'
    with pytest.raises(groundhog.InitError, match=r"^no database$"):
        await answers(Function.from_command(command(source, before)))


async def test_a_program_that_talks_first(source: Source) -> None:
    with pytest.raises(groundhog.InitError, match=r"expected the acknowledgement .* got 'hello'"):
        await answers(Function.from_command(command(source, r"os.write(3, b'hello\n')")))


async def test_a_program_that_ends(source: Source) -> None:
    with pytest.raises(groundhog.InitError) as caught:
        await answers(Function.from_command(command(source, "sys.exit('no licence')")))
    assert str(caught.value).endswith("ended (exited 1) before it was ready; the last it wrote: no licence")


async def test_a_program_that_closes_its_answer_pipe(source: Source) -> None:
    before = ACKNOWLEDGES + "; os.close(3); sys.stdin.read()"
    function = Function.from_command(command(source, before), ack="require")
    with pytest.raises(groundhog.GroundhogError, match="closed its answer pipe"):
        await answers(function)


async def test_a_program_that_waits_for_something_else(source: Source) -> None:
    before = "import threading; threading.Event().wait()"
    with pytest.raises(groundhog.InitError, match="neither acknowledged nor read a request within"):
        await answers(Function.from_command(command(source, before)), Limits(start_timeout_s=0.2))


async def test_a_program_that_cannot_be_started(source: Source) -> None:
    path = source("broken", "#!/no/such/interpreter\n")
    path.chmod(0o755)
    with pytest.raises(groundhog.GroundhogError):
        await answers(Function.from_command([path]))
