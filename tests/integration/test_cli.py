"""Commands that end by themselves, in processes of their own, over the real engine."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.framework.commands import groundhog, served

if TYPE_CHECKING:
    from collections.abc import Callable

    Source = Callable[[str, str], Path]

pytestmark = pytest.mark.kernel
ROOT = Path(__file__).parents[2]
HANDLER = "calls = []\ndef main(params):\n    calls.append(1)\n    return {'calls': len(calls)}\n"


@pytest.fixture
def handler(source: Source) -> str:
    return str(source("handler.py", HANDLER))


@pytest.mark.parametrize(
    "strategy", [[], ["--strategy", "hot"], ["--strategy", "classic"], ["--strategy", "copy"]]
)
def test_invoke_shows_every_restore(handler: str, strategy: list[str]) -> None:
    result = groundhog("invoke", handler, "-n", "5", "--json", "--verify", *strategy)
    assert result.returncode == 0, result.stderr
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["value"] for line in lines] == [{"calls": 1}] * 5
    for line in lines:
        assert line["restore"]["verified"]
        assert line["restore"]["duration"] > 0
        assert line["restore"]["phases"]
        assert not strategy or line["restore"]["strategy"] == strategy[1]


WRITES_AND_WAITS = """
import socket, tempfile, time

def main(params):
    open(tempfile.gettempdir() + "/written", "w").write("secret")
    socket.create_connection(("127.0.0.1", params["port"]))
    time.sleep(60)
"""


@pytest.mark.parametrize("jail", ["landlock", "namespace"])
@pytest.mark.parametrize(
    ("number", "then", "after_ms"),
    [
        *((number, None, 0) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)),
        *((signal.SIGHUP, signal.SIGHUP, moment) for moment in (1, 2, 4, 8)),
        (signal.SIGTERM, signal.SIGTERM, 2),
        *((signal.SIGINT, then, moment) for then in (signal.SIGTERM, signal.SIGHUP) for moment in (1, 4, 8)),
    ],
)
def test_ended_by_a_signal_it_leaves_nothing(
    source: Source,
    tmp_path: Path,
    number: signal.Signals,
    then: signal.Signals | None,
    after_ms: int,
    jail: str,
) -> None:
    """Of a terminal that is closed two come, one by the kernel, one by the shell. Others interrupt a command
    first, and do not wait long.
    """
    handler = str(source("waits.py", WRITES_AND_WAITS))
    (scratch := tmp_path / "scratch").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as told:
        told.settimeout(60)
        payload = json.dumps({"port": told.getsockname()[1]})
        command = [sys.executable, "-m", "groundhog.cli", "invoke", handler, "--payload", payload]
        command += ["--jail", jail]
        environment = os.environ | {"TMPDIR": str(scratch)}
        with subprocess.Popen(command, env=environment) as running, told.accept()[0]:
            running.send_signal(number)
            if then is not None:
                time.sleep(after_ms / 1000)  # the moment is what is tried
                running.send_signal(then)
            running.wait(timeout=60)
    # Where two come, the kernel may give the second to another thread, which is faster.
    assert running.returncode in {128 + number, 128 + (then or number)}
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1, 2)])
def test_nothing_else_gets_the_number_of_an_output_that_was_closed(
    closed: tuple[int, ...], tmp_path: Path
) -> None:
    """It could be a socket, or a file of ours, and get what functions print."""
    numbers = tmp_path / "numbers"
    code = (
        f"import os\nfor number in {closed}: os.close(number)\n"
        "from groundhog.cli import logs, main\nmain(['--version'])\nlogs.configure()\n"
        f"names = [os.readlink(f'/proc/self/fd/{{n}}') for n in {closed}]\n"
        f"open({str(numbers)!r}, 'w').write(repr(set(names)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert numbers.read_text() == "{'/dev/null'}"


def test_invoke_without_isolation_counts_on(handler: str) -> None:
    result = groundhog("invoke", handler, "-n", "3", "--json", "--isolation", "off")
    assert [json.loads(line)["value"]["calls"] for line in result.stdout.splitlines()] == [1, 2, 3]


def test_a_strategy_that_the_machine_lacks(handler: str) -> None:
    """Forced by name it is an error, never a reason to take another."""
    result = groundhog("invoke", handler, "--strategy", "hot", env={"GROUNDHOG_WITHOUT": "write-protect"})
    assert result.returncode == 1
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    line = result.stderr.splitlines()[-1]
    assert line.startswith("groundhog: ")
    assert "hot" in line


def test_doctor_agrees_with_what_is_used(handler: str) -> None:
    said = json.loads(groundhog("doctor", "--json").stdout)
    assert said["usable"]
    used = json.loads(groundhog("invoke", handler, "--json").stdout)["restore"]["strategy"]
    assert used == said["strategy"]


def test_doctor_on_a_machine_without_ptrace() -> None:
    result = groundhog("doctor", env={"GROUNDHOG_WITHOUT": "ptrace"})
    assert result.returncode == 1
    assert "cannot be isolated" in result.stdout


@pytest.mark.parametrize(
    ("limit", "count"),
    [(resource.RLIMIT_SIGPENDING, 0), (resource.RLIMIT_NOFILE, 24)],
    ids=["signals", "files"],
)
def test_doctor_tries_what_is_used(limit: int, count: int) -> None:
    """Where each thing works by itself, and there is too little of something for all of them."""
    limited = (
        "import os, resource, sys\n"
        f"resource.setrlimit({limit}, ({count}, {count}))\n"
        "os.execv(sys.executable, [sys.executable, '-m', 'groundhog.cli', 'doctor'])\n"
    )
    words = [sys.executable, "-c", limited]
    result = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 1, result.stdout
    assert "Functions cannot be isolated on this machine." in result.stdout
    assert "A small program could not be started and reverted: " in result.stdout
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("def main(:\n", "SyntaxError"),
        ("import nowhere_to_be_found\ndef main(p): return {}\n", "nowhere_to_be_found"),
        ("def other(p): return {}\n", "main"),
        ("import os\nos._exit(7)\ndef main(p): return {}\n", "7"),
    ],
)
@pytest.mark.parametrize("command", [["serve", "--port", "0"], ["invoke"]])
def test_a_handler_that_does_not_load(source: Source, command: list[str], text: str, named: str) -> None:
    result = groundhog(command[0], str(source("handler.py", text)), *command[1:])
    assert result.returncode == 1
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    assert result.stderr.splitlines()[-1].startswith("groundhog: ")
    assert named in result.stderr.splitlines()[-1]


def test_a_node_handler_that_does_not_load(source: Source) -> None:
    result = groundhog("invoke", str(source("handler.js", "exports.main = (;\n")))
    assert result.returncode == 1
    assert "SyntaxError" in result.stderr.splitlines()[-1]


def test_a_port_in_use(handler: str) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        result = groundhog("serve", handler, "--port", str(other.getsockname()[1]))
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1
    assert "--port" in result.stderr


def test_a_port_is_free_again_at_once(handler: str) -> None:
    with served("serve", handler) as server:
        port = server.url.rsplit(":", 1)[1]
        server.client.post("/", json={})
        assert server.stop() == 0
    with socket.create_server(("127.0.0.1", int(port))):
        pass


BUFFERED = pytest.mark.parametrize("unbuffered", ["", "1"])


@BUFFERED
def test_a_reader_that_goes_away(handler: str, unbuffered: str) -> None:
    """As in ``groundhog invoke ... | head -1``."""
    command = [sys.executable, "-m", "groundhog.cli", "invoke", handler, "-n", "50", "--json"]
    env = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert json.loads(process.stdout.readline())["n"] == 1
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait() == 1


@BUFFERED
@pytest.mark.parametrize("options", [[], ["--json"]])
def test_output_that_cannot_be_written(handler: str, options: list[str], unbuffered: str) -> None:
    command = [sys.executable, "-m", "groundhog.cli", "invoke", handler, *options]
    with open("/dev/full", "w", encoding="utf-8") as full:  # noqa: PTH123 - a device
        result = subprocess.run(
            command,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
            check=False,
        )
    assert result.returncode == 1
    assert result.stderr == "groundhog: input or output: No space left on device\n"


def test_without_an_output(handler: str) -> None:
    command = f"exec {sys.executable} -m groundhog.cli invoke {handler} >&-"
    result = subprocess.run(["/bin/sh", "-c", command], stderr=subprocess.PIPE, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("command", ["doctor", "invoke"])
@pytest.mark.parametrize(("without", "unknown"), [("nonsense", "nonsense"), ("a, soft-dirty,b,", "a, b")])
def test_features_that_there_are_not(handler: str, command: str, without: str, unknown: str) -> None:
    words = [command, "--json"] if command == "doctor" else [command, handler]
    result = groundhog(*words, env={"GROUNDHOG_WITHOUT": without})
    assert result.returncode == 0
    warning = f"groundhog: GROUNDHOG_WITHOUT names {unknown}, but there are only ptrace, inspection, "
    assert result.stderr.startswith(warning)
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_output_in_any_encoding(source: Source, encoding: str) -> None:
    handler = source(
        "handler.py",
        "import os\ndef main(params):\n    os.write(2, '\u2744'.encode())\n"
        "    return {'a': '\u00b5\u2744\\ud800'}\n",
    )
    env = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": encoding}
    for options in [], ["--json"]:
        command = [sys.executable, "-m", "groundhog.cli", "invoke", str(handler), *options]
        result = subprocess.run(command, capture_output=True, check=False, env=env)
        assert result.returncode == 0, result.stderr
        assert b"Traceback" not in result.stderr
        line = json.loads(result.stdout.decode(encoding).splitlines()[0])
        assert (line["value"] if options else line) == {"a": "\u00b5\u2744\ud800"}
        assert options or b"restore" in result.stdout


def test_the_demonstration_shows_what_it_says(tmp_path: Path) -> None:
    picture = tmp_path / "demo.svg"
    command = [sys.executable, str(ROOT / "examples" / "demo.py"), "--requests", "3", "--svg", str(picture)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.count("leaked") == 4
    assert result.stdout.count("clean") == 4
    text = picture.read_text("utf-8")
    assert text.startswith("<svg")
    assert "url(http" not in text
