"""Victims are compiled once for all workers, and anew when something changed."""

from __future__ import annotations

import os
import re
import threading
from typing import TYPE_CHECKING

import pytest

from groundhog.audit import workshop as shipped
from tests.framework import workshop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Make = Callable[..., Path]

COMPILER = """#!/bin/sh
echo compiled >> {log}
case " $* " in *" -d "*) mkdir -p "$2"; target=$2/Class ;; *) target=$2 ;; esac
[ ! -e {fail} ] && cat "$3" > "$target" && chmod +x "$target"
"""


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One line for each time that the compiler runs, which copies its source."""
    folder = tmp_path / "bin"
    folder.mkdir()
    log = tmp_path / "log"
    compiler = folder / "gcc"
    compiler.write_text(COMPILER.format(log=log, fail=tmp_path / "fail"))
    compiler.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    log.touch()
    return log


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "victim.c"
    path.write_text("one")
    return path


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """``make(source)``: what a new workshop makes of it."""
    opened = []

    def make(source: Path, option: str = "-o") -> Path:
        made = workshop.SharedWorkshop(tmp_path / "cache", tmp_path / "crates")
        opened.append(made)
        target = made._folder / "victim"
        made._compile(("gcc", option), target, [source])
        return target

    yield make
    for each in opened:
        each.close()


def compiled(log: Path) -> int:
    return len(log.read_text().splitlines())


def test_each_workshop_has_a_copy(make: Make, source: Path, log: Path) -> None:
    one, other = make(source), make(source)
    assert one != other
    assert one.read_text() == other.read_text() == "one"
    assert os.access(one, os.X_OK)
    assert compiled(log) == 1


def test_a_folder_of_classes(make: Make, source: Path, log: Path) -> None:
    assert [(make(source, "-d") / "Class").read_text() for _ in range(2)] == ["one", "one"]
    assert compiled(log) == 1


def test_what_changed_is_compiled_anew(make: Make, source: Path, log: Path, tmp_path: Path) -> None:
    make(source)
    source.write_text("two")
    assert make(source).read_text() == "two"
    os.utime(tmp_path / "bin" / "gcc", ns=(0, 0))
    make(source)
    assert compiled(log) == 3


def test_what_the_crates_have_compiled_is_taken(make: Make, source: Path, log: Path, tmp_path: Path) -> None:
    (tmp_path / "crates").mkdir()
    theirs = tmp_path / "crates" / "victim"
    theirs.write_text("theirs")
    for path in (source, tmp_path / "bin" / "gcc"):
        os.utime(path, (1, 1))
    os.utime(theirs, (theirs.stat().st_mtime + 10,) * 2)
    assert make(source).read_text() == "theirs"
    assert compiled(log) == 0
    source.write_text("newer")
    os.utime(source, (theirs.stat().st_mtime + 10,) * 2)
    assert make(source).read_text() == "newer"


def test_the_crates_compile_with_the_same_options() -> None:
    """So that what they have compiled is what would be compiled here."""
    source = (
        workshop.TARGET.parent / "crates/groundhog-engine/tests/isolation/harness/workshop.rs"
    ).read_text()
    flags = re.search(r"const FLAGS: [^=]*= \[(.*?)\]", source, re.DOTALL)
    assert flags is not None
    # `-I`, before the folder with the headers, where other victims of the crates are that include them.
    assert set(re.findall(r'"(.*?)"', flags[1])) - {"-I"} == {*shipped.C_FLAGS, *shipped.WARNINGS["c"]}


def test_what_failed_is_tried_again(make: Make, source: Path, log: Path, tmp_path: Path) -> None:
    (tmp_path / "fail").touch()
    with pytest.raises(RuntimeError, match="gcc failed for a victim"):
        make(source, "-d")
    (tmp_path / "fail").unlink()
    assert (make(source, "-d") / "Class").read_text() == "one"
    assert compiled(log) == 2


def test_two_at_once(make: Make, source: Path, log: Path) -> None:
    made: list[Path] = []
    threads = [threading.Thread(target=lambda: made.append(make(source))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [path.read_text() for path in made] == ["one"] * 4
    assert compiled(log) == 1


def test_headers_count(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: Path) -> None:
    folder = tmp_path / "sources"
    folder.mkdir()
    monkeypatch.setattr(workshop, "SOURCES", folder)
    before = workshop._key(("gcc", "-o"), [source])
    (folder / "victim.h").write_text("#define NEW")
    assert workshop._key(("gcc", "-o"), [source]) != before
    assert workshop._key(("gcc", "-g", "-o"), [source]) != before
    assert compiled(log) == 0
    assert list(shipped.SOURCES.rglob("*.h")), "there are headers to look for"
