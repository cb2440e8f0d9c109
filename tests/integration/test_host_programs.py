"""Programs in which there is a pool go on with what they do: they fork, and wait for any child of theirs."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.kernel

LIMIT = 60.0  # seconds; what waits in vain waits for as long as the program lives

FORKS = """
import os, signal, threading
from groundhog._core import Tracee

forks = []
def fork():
    while len(forks) < 150:
        pid = os.fork()
        if pid == 0:  # it has what was open in that moment for as long as it lives
            signal.pause()
        forks.append(pid)
thread = threading.Thread(target=fork)
thread.start()
while thread.is_alive():
    with Tracee.spawn(["sleep", "1000"], fds={}, trusted=True) as tracee:
        assert tracee.alive
for pid in forks:
    os.kill(pid, signal.SIGKILL)
"""

WAITS = """
import os, signal, threading
from groundhog._core import Tracee

{begin}
(ready, output), (given, _held) = os.pipe(), os.pipe()
for _ in range(3):
    with Tracee.spawn(["sh", "-c", "echo; read line"], fds={{0: given, 1: output}}, trusted=True) as tracee:
        os.read(ready, 1)
        tracee.snapshot()
        for _ in range(20):
            tracee.restore(verify=True)
"""

BY_A_HANDLER = """
def reap(*_):
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass
signal.signal(signal.SIGCHLD, reap)
"""

BY_A_THREAD = """
def reap():
    while True:
        try:
            os.waitpid(-1, os.WUNTRACED)
        except ChildProcessError:
            os.sched_yield()
threading.Thread(target=reap, daemon=True).start()
"""

KEEPS_A_PORT = """
import os, signal, socket, sys
from groundhog._core import Tracee

code = '''
import socket, sys
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
sys.stdin.readline()
'''
(ready, output), (given, _held) = os.pipe(), os.pipe()
with Tracee.spawn([sys.executable, "-c", code], fds={0: given, 1: output}, trusted=True) as tracee:
    port = int(os.read(ready, 10))
    tracee.snapshot()
    tracee.restore(verify=True)
    if (pid := os.fork()) == 0:
        signal.pause()
    tracee.restore(verify=True)
# Not with SO_REUSEADDR, by which create_server would share it.
socket.socket().bind(("127.0.0.1", port))
os.kill(pid, signal.SIGKILL)
"""

FORKS_AND_STARTS = """
import os, signal, sys, threading
from groundhog._core import Tracee

def snapshot():
    (ready, output), (given, _held) = os.pipe(), os.pipe()
    with Tracee.spawn(["sh", "-c", "echo; read line"], fds={0: given, 1: output}, trusted=True) as tracee:
        os.read(ready, 1)
        tracee.snapshot()
        for _ in range(5):
            tracee.restore(verify=True)

done = threading.Event()
def go_on():
    while not done.is_set():
        snapshot()
thread = threading.Thread(target=go_on)
thread.start()
for _ in range(30):
    if (pid := os.fork()) == 0:
        snapshot()
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
done.set()
thread.join()
"""


def run(program: str) -> None:
    command = [sys.executable, "-W", "ignore", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False)
    assert done.returncode == 0, done.stderr


def test_a_process_starts_while_the_program_forks() -> None:
    run(FORKS)


@pytest.mark.parametrize("begin", [BY_A_HANDLER, BY_A_THREAD], ids=["by_a_handler", "by_a_thread"])
def test_a_process_is_reverted_in_a_program_that_waits_for_any_child(begin: str) -> None:
    run(WAITS.format(begin=begin))


def test_a_fork_of_the_program_keeps_nothing_of_a_function() -> None:
    run(KEEPS_A_PORT)


def test_a_fork_of_the_program_starts_processes_of_its_own() -> None:
    run(FORKS_AND_STARTS)
