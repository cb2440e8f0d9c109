"""How two looks at a process differ, and looks at real ones."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from groundhog.audit import outside
from groundhog.audit.outside import Folder, Left, View, changed_files, differences, look
from groundhog.audit.sockets import address

if TYPE_CHECKING:
    import pytest

PROGRAM = """
import os, signal, sys, threading
if sys.argv[1] == "changed":
    os.chdir("/")
    os.umask(0o111)
    signal.signal(signal.SIGUSR1, lambda *_: None)
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    os.nice(3)
    kept = open(sys.argv[2], "w")
    threading.Thread(target=signal.pause, daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
"""


def view_of(how: str, path: Path) -> View:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, how, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=path.parent,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return look(process.pid)


def test_what_a_program_did_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "file"
    found = differences(view_of("clean", path), view_of("changed", path))
    told = {(left.kind, left.what) for left in found}
    assert {
        ("handled signal", "SIGUSR1: set"),
        ("ignored signal", "SIGUSR2: set"),
        ("setting", f"working directory: /, was {tmp_path}"),
        ("setting", f"nice value: {os.nice(0) + 3}, was {os.nice(0)}"),
    } <= told
    assert any(left.kind == "descriptor" and left.what.endswith(f"{path} for writing") for left in found)
    assert any(left.what.startswith("umask: 0111, was ") for left in found)
    # The first thread has another id, too: these were two processes.
    assert sum(left.what.startswith("started") for left in found if left.kind == "thread") == 2


def test_a_process_that_is_gone() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert look(process.pid).descriptors == {}


def test_every_kind_of_difference_has_its_words() -> None:
    before = View(
        {0: "pipe:[1]", 3: "/etc/a", 4: "/etc/b"},
        {},
        {3: "position 0", 4: "position 0"},
        {7: "main", 8: "gc"},
        {},
        (),
        frozenset({("pending signal", "SIGINT")}),
        {"umask": "0022", "cwd": "/"},
    )
    after = View(
        {0: "pipe:[2]", 3: "/etc/a", 5: "/etc/c"},
        {},
        {3: "position 9", 5: "position 0"},
        {7: "other"},
        {9: "sleep 5"},
        ("0\nsignal: 14",),
        frozenset(),
        {"umask": "0077", "nice": "1"},
    )
    assert differences(before, after) == [
        Left("descriptor", "opened 5: /etc/c"),
        Left("descriptor", "closed 4: /etc/b"),
        Left("descriptor", "replaced 0: pipe:[2], was pipe:[1]"),
        Left("descriptor", "moved 3: position 9, was position 0 (/etc/a)"),
        Left("thread", "ended 8: gc"),
        Left("thread", "renamed 7: other, was main"),
        Left("child process", "started 9: sleep 5"),
        Left("timer", "armed: 0"),
        Left("pending signal", "SIGINT: no longer"),
        Left("setting", "umask: 0077, was 0022"),
    ]
    assert differences(before, before) == []


def test_files_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    for name in ("kept", "changed", "deleted"):
        (tmp_path / "deep" / name).write_text("old")
    folder = Folder(tmp_path, own=True, deep=True)
    before = folder.files()
    assert changed_files(before, folder.files()) == []
    (tmp_path / "deep" / "changed").write_text("new text")
    (tmp_path / "deep" / "deleted").unlink()
    (tmp_path / "deep" / "created").symlink_to("/")
    assert [left.what.replace(f"{tmp_path}/deep/", "") for left in changed_files(before, folder.files())] == [
        "created created",
        "deleted deleted",
        "changed changed",
    ]


def test_a_shallow_look_does_not_go_down(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    folder = Folder(tmp_path, own=False, deep=False)
    before = folder.files()
    (tmp_path / "deep" / "file").write_text("x")
    assert changed_files(before, folder.files()) == []


def test_a_folder_with_too_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outside, "MAX_FILES", 2)
    for name in "abc":
        (tmp_path / name).touch()
    assert Folder(tmp_path, own=True, deep=True).files() is None
    assert changed_files(None, {}) == []


def test_sockets_have_their_places(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as local:
        local.bind(str(tmp_path / "socket"))
        local.listen()
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            seen = look(os.getpid())
            assert seen.places[server.fileno()] == f"tcp listening on 127.0.0.1:{port}"
            assert seen.places[local.fileno()] == f"unix listening on {tmp_path}/socket"
            mine = client.getsockname()[1]
            assert seen.places[client.fileno()] == f"tcp 127.0.0.1:{mine} to 127.0.0.1:{port}"
            words = [left.what for left in differences(View(), seen)]
            fd = server.fileno()
            assert f"opened {fd}: {seen.descriptors[fd]} ({seen.places[fd]})" in words


def test_addresses_of_both_families() -> None:
    assert address("0100007F:1F90") == "127.0.0.1:8080"
    assert address("00000000000000000000000001000000:0050") == "[::1]:80"


def test_signals_have_their_names() -> None:
    real_time = signal.SIGRTMIN + 1
    mask = 1 << (signal.SIGTERM - 1) | 1 << (real_time - 1)
    assert outside._signals({"SigCgt": f"{mask:x}"}) == {
        ("handled signal", "SIGTERM"),
        ("handled signal", f"signal {real_time}"),
    }


def test_ones_own_process_can_be_looked_at() -> None:
    seen = look(os.getpid())
    assert seen.threads
    assert seen.settings["program"] == str(Path("/proc/self/exe").readlink())
