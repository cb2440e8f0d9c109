"""`groundhog bench` through the real command line; what the figures are is not a test's business."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from typing import TYPE_CHECKING

import pytest

from groundhog import Function, InitError, Limits, _core
from groundhog.audit.processes import MARK
from groundhog.bench import micro
from groundhog.bench.lane import Lane
from tests.framework.commands import groundhog, left_behind

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = [pytest.mark.kernel, pytest.mark.long]


def bench(*arguments: str) -> str:
    command = [sys.executable, "-m", "groundhog.cli", "bench", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=100).stdout


def test_the_figures_are_well_formed() -> None:
    lines = [json.loads(line) for line in bench("--requests", "20", "--warm", "5", "--json").splitlines()]
    machine, rows = lines[0]["machine"], lines[1:]
    assert machine["memcpy_seconds_per_page"] > 0
    modes = {(row["function"], row["mode"]) for row in rows}
    assert {("hello", "off"), ("json_documents", "off")} < modes
    for row in rows:
        assert row["requests"] == 20
        assert row["request"] > 0
        assert (row["restore"] is None) == (row["mode"] == "off")
        if row["restore"] is not None:
            assert row["dirty_pages"] > 0
            assert sum(row["phases"].values()) > 0


def test_restores_of_many_shapes_are_measured() -> None:
    text = bench("micro", "--quick")
    tables = [line for line in text.splitlines() if "restore µs" in line]
    assert [line.split(" | ")[0].strip("| ") for line in tables] == list(micro.SWEEPS)
    points = [json.loads(line) for line in bench("micro", "--quick", "--json").splitlines()[1:]]
    assert len(points) == 2 * len(micro.SWEEPS)
    dirty = [point["dirty_pages"] for point in points if point["sweep"] == "dirty pages"]
    assert 0 < dirty[0] < dirty[1]
    assert all(point["restore"] > 0 and point["phases"] for point in points)


def test_a_steady_function_takes_no_tracking_fault() -> None:
    """With hot pages nothing is protected that every request writes; the published way protects it all."""
    rows = [json.loads(line) for line in bench("--requests", "100", "--json").splitlines()[1:]]
    hello = {row["mode"]: row for row in rows if row["function"] == "hello"}
    if "hot" not in hello:
        pytest.fail("the strategy hot does not work on this machine; see groundhog doctor")
    assert hello["hot"]["tracking_faults"] < 1
    assert hello["hot"]["page_faults"] < 2
    assert hello["classic"]["tracking_faults"] > 20
    assert hello["classic"]["page_faults"] > 20


def test_a_function_of_ones_own_is_measured(source: Callable[[str, str], Path]) -> None:
    handler = source("own.py", "def main(params):\n    return {'sum': sum(range(params['n']))}\n")
    out = bench(str(handler), "--payload", '{"n": 10}', "--requests", "10", "--mode", "copy", "--mode", "off")
    assert "own copy" in out
    assert "memcpy of a page" in out


def test_one_that_maps_much_is_measured_as_a_pool_would_run_it(source: Callable[[str, str], Path]) -> None:
    """Not watched for such calls: each would stop it."""
    text = "import mmap\ndef main(_):\n    [mmap.mmap(-1, 8192).close() for _ in range(50)]\n    return {}\n"
    strategy = str(_core.capabilities()["preferred"])
    lane = Lane(Function.from_file(source("maps.py", text)), {}, strategy, 5)
    try:
        lane.step()
        assert lane.report is not None
        assert lane.report.stops.get("mmap", 0) < 50
        assert lane.report.layout_calls < 50
    finally:
        lane.close()


MODES = pytest.mark.parametrize("mode", ["off", "copy"])


@MODES
@pytest.mark.parametrize(
    ("text", "how"), [("sys.exit(3)", "exited 3"), ("os.kill(os.getpid(), 9)", "killed")]
)
@pytest.mark.parametrize("warm", ["0", "1"])
def test_a_function_that_ends(
    source: Callable[[str, str], Path], mode: str, text: str, how: str, warm: str
) -> None:
    handler = source("dies.py", f"import os, sys\ndef main(params):\n    {text}\n")
    result = groundhog("bench", str(handler), "--mode", mode, "--warm", warm, "--quick")
    assert result.returncode == 1
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("groundhog: function process ")
    assert f"(mode {mode}) ended ({how}" in line


def test_a_function_that_ends_after_its_answer(source: Callable[[str, str], Path]) -> None:
    """Then the next request is written to a pipe that nobody reads."""
    text = (
        "import os, signal\ndef main(params):\n    signal.signal(signal.SIGALRM, signal.SIG_DFL)\n"
        "    signal.setitimer(signal.ITIMER_REAL, 0.001)\n    return {}\n"
    )
    result = groundhog("bench", str(source("dies.py", text)), "--mode", "off", "--requests", "100000")
    assert result.returncode == 1
    assert result.stdout == ""
    assert "(mode off) ended (killed by signal 14)" in result.stderr


@MODES
def test_a_function_that_does_not_load_is_not_waited_for(
    source: Callable[[str, str], Path], mode: str
) -> None:
    handler = source("hangs.py", "import time\ntime.sleep(1000)\ndef main(params):\n    return {}\n")
    with pytest.raises(InitError, match=rf"\(mode {mode}\) did not start within 0\.5 s"):
        Lane(Function.from_file(handler), {}, mode, 0, Limits(start_timeout_s=0.5))


@MODES
def test_a_function_that_does_not_answer_is_not_waited_for(
    source: Callable[[str, str], Path], mode: str
) -> None:
    handler = source("hangs.py", "import time\ndef main(params):\n    time.sleep(1000)\n")
    result = groundhog("bench", str(handler), "--mode", mode, "--timeout", "0.5")
    assert result.returncode == 1
    assert result.stdout == ""
    assert f"(mode {mode}) did not answer within 0.5 s" in result.stderr


@MODES
def test_nothing_is_left_of_a_measurement_that_is_ended(
    source: Callable[[str, str], Path], tmp_path: Path, mode: str
) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    handler = source(
        "hangs.py",
        f"import time\nopen({str(fifo)!r}, 'w').close()\ntime.sleep(1000)\n"
        "def main(params):\n    return {}\n",
    )
    mark = uuid.uuid4().hex
    command = [sys.executable, "-m", "groundhog.cli", "bench", str(handler), "--mode", mode]
    with subprocess.Popen(command, env={**os.environ, MARK: mark}) as process:
        fifo.read_bytes()  # the function is loading
        process.terminate()
    assert left_behind(mark) == []


def test_what_makes_a_function_slow_is_said(source: Callable[[str, str], Path]) -> None:
    text = (
        "import time\nstate = {}\n"
        "def main(params):\n"
        "    if not state:\n"
        "        time.sleep(0.02)\n"
        "        state['warm'] = bytearray(8 << 20)\n"
        "    state['warm'][:] = b'x' * len(state['warm'])\n"
        "    return {}\n"
    )
    said = bench(str(source("slow.py", text)), "--requests", "10")
    assert "times as long as after 30 warm-up requests" in said
    assert "Give --warmup" in said
    assert "A request writes" in said
    quiet = bench(str(source("quiet.py", "def main(params):\n    return {}\n")), "--requests", "10")
    assert "warm-up requests" not in quiet
