"""`groundhog audit` over the real engine, by its command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import groundhog as package
from groundhog.audit.function import UNSEEN
from groundhog.audit.processes import MARK
from groundhog.audit.workshop import python_for_everyone
from tests.framework.commands import groundhog, left_behind

if TYPE_CHECKING:
    from collections.abc import Callable

    Source = Callable[[str, str], Path]

pytestmark = pytest.mark.kernel
NOBODY = 65534
HANDLER = """
import mmap, os, signal, subprocess, tempfile, threading

names = []
block = child = None


def main(params):
    global block, child
    names.append(params["name"])
    block = bytearray(params.get("grow", 0))
    if params.get("descriptor"):
        os.open("/etc/passwd", os.O_RDONLY)
        signal.signal(signal.SIGUSR1, lambda *_: None)
    if params.get("child"):
        child = subprocess.Popen(["sh", "-c", "echo ready; read never"], stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, start_new_session=True)
        child.stdout.readline()
        threading.Thread(target=signal.pause, daemon=True).start()
    for _ in range(params.get("mappings", 0)):
        mmap.mmap(-1, 1 << 20).close()
    if params.get("directory"):
        os.chdir("/")
    if params.get("session"):
        try:
            os.setsid()
        except PermissionError:
            pass
    if params.get("exit"):
        os._exit(3)
    if params.get("file"):
        with open("left.txt", "a") as file:
            file.write(params["name"])
    return {"names": list(names)}
"""


def write_payloads(folder: Path, *payloads: Any) -> str:
    path = folder / "payloads.jsonl"
    path.write_text("".join(json.dumps(payload) + "\n" for payload in payloads))
    return str(path)


def audited(
    source: Source, folder: Path, *payloads: Any, code: int = 0, jail: str = "auto"
) -> dict[str, Any]:
    """The report of an audit of the handler, which lies in that folder and runs there."""
    handler = source("handler.py", HANDLER)
    words = ("audit", str(handler), "--payloads", write_payloads(folder, *payloads), "--json", "--jail", jail)
    result = groundhog(*words)
    assert result.returncode == code, result.stderr + result.stdout
    report: dict[str, Any] = json.loads(result.stdout)
    return report


def told(request: dict[str, Any]) -> list[tuple[str, str]]:
    return [(left["kind"], left["what"]) for left in request["sight"]["left"]]


class TestFunction:
    def test_a_leak_is_named_and_gone_with_isolation(self, source: Source, tmp_path: Path) -> None:
        report = audited(source, tmp_path, {"name": "ada"}, {"name": "grace"})
        assert report["clean"]
        assert report["leaks_without_isolation"] == [{"request": 2, "text": "ada", "source": 1}]
        assert report["leaks_with_isolation"] == []
        assert report["answers_changed_by_isolation"] == [2]
        assert report["unstable_answers"] == []
        answers = [json.loads(request["said"]["answer"])["names"] for request in report["requests"]]
        assert answers == [["ada"], ["grace"], ["grace"], ["ada"]]
        assert all(request["verified"] and request["restore"]["verified"] for request in report["requests"])

    def test_memory_and_layout_by_mapping(self, source: Source, tmp_path: Path) -> None:
        report = audited(source, tmp_path, {"name": "ada", "grow": 64 << 20})
        sight = report["requests"][0]["sight"]
        assert sight["unseen"] == ""
        assert any(change["name"] == "[heap]" and change["pages"] for change in sight["memory"])
        added = [change for change in sight["layout"] if change["what"] == "added"]
        assert max(change["end"] - change["start"] for change in added) >= 64 << 20

    def test_a_process_that_gives_way_to_a_better_one_has_left_nothing(
        self, source: Source, tmp_path: Path
    ) -> None:
        """As soon as it has been reverted it is ended: what is seen of it then is no remains."""
        report = audited(source, tmp_path, *[{"name": "ada", "mappings": 20}] * 20)
        calls = [request["restore"]["layout_calls"] for request in report["requests"]]
        assert calls[0] >= 20
        assert calls[-1] == 0, "another process has served the last one, which is not watched"
        assert report["clean"]

    def test_descriptors_and_signals(self, source: Source, tmp_path: Path) -> None:
        report = audited(source, tmp_path, {"name": "ada", "descriptor": True}, {"name": "grace"})
        left = told(report["requests"][0])
        assert ("handled signal", "SIGUSR1: set") in left
        assert any(what.endswith(": /etc/passwd") for kind, what in left if kind == "descriptor")
        assert not any("/etc/passwd" in what for _, what in told(report["requests"][1]))

    def test_children_and_threads(self, source: Source, tmp_path: Path) -> None:
        report = audited(source, tmp_path, {"name": "ada", "child": True})
        request = report["requests"][0]
        left = told(request)
        assert any(
            what.endswith(": sh -c echo ready; read never") for kind, what in left if kind == "child process"
        )
        assert any(what.startswith("started") for kind, what in left if kind == "thread")
        assert request["restore"]["children_killed"] == 1
        assert request["restore"]["threads_ended"] == 1

    def test_a_retirement_has_its_reason(self, source: Source, tmp_path: Path) -> None:
        report = audited(source, tmp_path, {"name": "ada", "session": True}, {"name": "grace"})
        request = report["requests"][0]
        assert "it called setsid" in request["retired"]
        assert report["requests"][1]["said"]["answer"] == '{"names": ["grace"]}'

    def test_a_setting_is_named_and_put_back(self, source: Source, tmp_path: Path) -> None:
        report = audited(source, tmp_path, {"name": "ada", "directory": True}, {"name": "grace"})
        request = report["requests"][0]
        assert ("setting", f"working directory: /, was {tmp_path}") in told(request)
        assert request["retired"] is None
        assert request["restore"]["attributes_reverted"] == 1
        assert report["clean"]

    def test_a_function_that_ends(self, source: Source, tmp_path: Path) -> None:
        report = audited(source, tmp_path, {"name": "ada", "exit": True}, {"name": "grace"})
        request = report["requests"][0]
        assert request["retired"].startswith("exited: ")
        assert request["sight"]["unseen"]
        assert report["unstable_answers"] == []
        assert report["clean"]

    def test_a_file_that_stays_is_reported(self, source: Source, tmp_path: Path) -> None:
        payloads = ({"name": "ada", "file": True}, {"name": "grace"})
        report = audited(source, tmp_path, *payloads, code=1, jail="none")
        path = tmp_path / "left.txt"
        assert report["requests"][0]["remains"] == [{"kind": "file", "what": f"changed {path}"}]
        assert report["requests"][1]["remains"] == []
        assert not report["clean"]

    def test_files_elsewhere_are_not_called_gone(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        home = tmp_path / "home"
        (home / "below").mkdir(parents=True)
        monkeypatch.setenv("HOME", str(home))
        text = """
import pathlib

def main(params):
    for folder in (pathlib.Path.home(), pathlib.Path.home() / "below"):
        (folder / "left.txt").write_text("x")
    return {}
"""
        (tmp_path / "code").mkdir()
        handler = tmp_path / "code" / "elsewhere.py"
        handler.write_text(text)
        words = (str(handler), "--payloads", write_payloads(tmp_path, {}), "--json", "--jail", "none")
        report = json.loads(groundhog("audit", *words).stdout)
        assert ("file (anybody's)", f"changed {home / 'left.txt'}") in told(report["requests"][0])
        assert UNSEEN in report["notes"]

    def test_folders_deeper_than_the_stack_are_removed(
        self, source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        text = """
import os, tempfile

def main(params):
    os.chdir(tempfile.gettempdir())
    for _ in range(0 if os.path.exists("in") else 1500):
        os.mkdir("in")
        os.chdir("in")
    return {}
"""
        machine = tmp_path / "tmp"
        machine.mkdir()
        monkeypatch.setenv("TMPDIR", str(machine))
        words = (str(source("deep.py", text)), "--payloads", write_payloads(tmp_path, {}), "--jail", "none")
        result = groundhog("audit", *words)
        assert "Traceback" not in result.stderr
        assert not list(machine.glob("groundhog-*"))

    def test_a_file_in_a_jail_is_reported_and_gone(self, source: Source, tmp_path: Path) -> None:
        report = audited(source, tmp_path, {"name": "ada", "file": True}, {"name": "grace"})
        assert ("file", f"created {tmp_path / 'left.txt'}") in told(report["requests"][0])
        assert report["requests"][0]["remains"] == []
        assert report["clean"]

    def test_a_command_and_a_page_for_people(self, tmp_path: Path) -> None:
        victims = Path(package.__file__).parent / "audit" / "victims" / "python"
        payloads = write_payloads(tmp_path, {"secret": "Qada"}, {"secret": "Qgrace"})
        page = tmp_path / "report.html"
        program = [sys.executable, str(victims / "loop.py"), str(victims / "module_cache.py")]
        words = ("audit", "--payloads", payloads, "--html", str(page), "--", *program)
        result = groundhog(*words, cwd=tmp_path)
        assert result.returncode == 0, result.stderr
        sentence = "request 2's answer contained 'Qada' from request 1"
        assert f"without isolation, {sentence}" in result.stdout
        assert "verified: nothing is left in the process" in result.stdout
        assert sentence.replace("'", "&#x27;") in page.read_text()

    def test_a_function_that_does_not_start(self, source: Source, tmp_path: Path) -> None:
        handler = source("broken.py", "import nothing_like_it\ndef main(params): return {}\n")
        result = groundhog("audit", str(handler), "--payloads", write_payloads(tmp_path, {}))
        assert result.returncode == 1
        assert "nothing_like_it" in result.stderr
        assert "Traceback" not in result.stderr

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            ([], "nothing to audit: name a TARGET, or give --self-test"),
            (["HANDLER"], "no requests to audit it with: give --payloads F.jsonl"),
            (["HANDLER", "--payloads", "EMPTY"], "has no requests"),
            (["HANDLER", "--self-test"], "--self-test has targets and payloads of its own"),
            (["--self-test", "--jail", "auto"], "--self-test takes no --jail: each victim has its own"),
            (["--self-test", "--network", "none"], "--self-test takes no --network"),
            (["--self-test", "--only", "no such"], "no victim matches 'no such'"),
        ],
    )
    def test_misuse(self, source: Source, words: list[str], message: str) -> None:
        names = {"HANDLER": source("handler.py", HANDLER), "EMPTY": source("empty.jsonl", "")}
        result = groundhog("audit", *(str(names.get(word, word)) for word in words))
        assert result.returncode == 2
        assert message in result.stderr

    def test_a_page_that_cannot_be_written(self, source: Source, tmp_path: Path) -> None:
        payloads = write_payloads(tmp_path, {"name": "ada"})
        handler = str(source("handler.py", HANDLER))
        words = ("audit", handler, "--payloads", payloads, "--html", str(tmp_path / "no" / "x.html"))
        result = groundhog(*words, cwd=tmp_path)
        assert result.returncode == 1
        assert "x.html cannot be written: No such file or directory" in result.stderr

    def test_a_page_with_half_a_character(self, source: Source, tmp_path: Path) -> None:
        payloads = write_payloads(tmp_path, {"name": "ada"})
        handler = str(source("handler.py", "def main(args):\n    return {'half': chr(0xD800)}\n"))
        page = tmp_path / "x.html"
        result = groundhog("audit", handler, "--payloads", payloads, "--html", str(page), cwd=tmp_path)
        assert result.returncode == 0, result.stderr
        assert "ud800" in page.read_text()


class TestSelfTest:
    def test_every_language(self, tmp_path: Path) -> None:
        page = tmp_path / "report.html"
        words = ("--self-test", "--only", "count", "--requests", "5", "--json", "--html", str(page))
        result = groundhog("audit", *words)
        assert result.returncode == 0, result.stdout + result.stderr
        report = json.loads(result.stdout)
        found = {finding["language"]: finding for finding in report["findings"]}
        assert set(found) == {"c", "java", "node", "python"}
        for finding in found.values():
            assert (finding["verdict"], finding["answer"], finding["requests"]) == ("holds", "reverted", 5)
            assert finding["restore_us"] > 0
        assert report["summary"]["leaks"] == 0
        assert "<code>java Count</code>" in page.read_text()

    def test_what_is_only_retired_is_marked_so(self) -> None:
        result = groundhog("audit", "--self-test", "--only", "c-lock_lost")
        assert result.returncode == 0, result.stdout
        assert "retired" in result.stdout
        assert "holds (fd-changed)" in result.stdout
        assert "0 reverted, 1 only retired" in result.stdout

    def test_a_language_without_its_tools(self, tmp_path: Path) -> None:
        """Listed and counted; an error only where it is required."""
        env = {"PATH": str(tmp_path)}
        words = ("audit", "--self-test", "--only", "count", "--requests", "3")
        result = groundhog(*words, env=env)
        assert result.returncode == 0, result.stdout + result.stderr
        for tool in ("gcc", "javac", "node"):
            assert f"1 were not run: no {tool} here." in result.stdout
        assert "1 victims, " in result.stdout
        assert groundhog(*words, "--require", "java", env=env).returncode == 1

    def test_a_victim_that_does_not_compile(self, source: Source) -> None:
        """Its tool is here, so it is no excuse."""
        fake = source("bin/gcc", "#!/bin/sh\necho sorry >&2\nexit 1\n")
        fake.chmod(0o755)
        env = {"PATH": f"{fake.parent}:{os.environ['PATH']}"}
        result = groundhog("audit", "--self-test", "--only", "c-count", env=env)
        assert result.returncode == 1
        assert "sorry" in result.stdout
        assert "1 could not be run although what they need is here." in result.stdout

    @pytest.mark.parametrize("strategy", ["classic", "copy"])
    def test_a_strategy(self, strategy: str) -> None:
        words = ("--self-test", "--only", "c-globals", "--strategy", strategy, "--json")
        result = groundhog("audit", *words)
        assert result.returncode == 0, result.stdout
        assert json.loads(result.stdout)["machine"]["strategy"] == strategy


@pytest.mark.may_skip("only root can become another user; everybody else is unprivileged already")
class TestWithoutPrivileges:
    def test_beside_root(self) -> None:
        if os.geteuid() != 0:
            pytest.skip("not root")
        words = ("--self-test", "--only", "-globals", "--as-nobody", "--requests", "4", "--json")
        result = groundhog("audit", *words)
        assert result.returncode == 0, result.stdout
        findings = json.loads(result.stdout)["findings"]
        users = {(finding["language"], finding["user"]) for finding in findings}
        assert users == {("c", ""), ("c", "nobody"), ("node", ""), ("node", "nobody")}
        assert {finding["verdict"] for finding in findings} == {"holds"}

    def test_the_command_of_somebody_else(self) -> None:
        if os.geteuid() != 0:
            pytest.skip("not root")
        mark = uuid.uuid4().hex
        words = ("--self-test", "--only", "count", "--requests", "4", "--json")
        paths = [
            str(Path(package.__file__).parents[1]),
            *(path for path in sys.path if "site-packages" in path),
        ]
        done = subprocess.run(
            [python_for_everyone(), "-m", "groundhog.cli", "audit", *words],
            env={
                **os.environ,
                "PYTHONPATH": ":".join(paths),
                "TMPDIR": "/tmp",  # noqa: S108
                MARK: mark,
            },
            cwd="/",
            user=NOBODY,
            group=NOBODY,
            extra_groups=[],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert {finding["verdict"] for finding in json.loads(done.stdout)["findings"]} == {"holds"}
        assert left_behind(mark) == []
