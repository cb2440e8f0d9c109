"""Who may read a log: by its permissions, and those of the folders in which it lies."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from groundhog.cli import logs
from groundhog.platforms import log_readers
from groundhog.platforms.log_readers import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator

US = os.geteuid()
OWNER = Reader(US, set(), privileged=False)
GROUP = Reader(US + 1, {os.getegid()}, privileged=False)
OTHER = Reader(US + 1, set(), privileged=False)
ROOT = Reader(US + 1, set(), privileged=True)


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that everybody may enter, as all above it."""
    with tempfile.TemporaryDirectory(dir="/tmp") as made:
        path = Path(made)
        path.chmod(0o755)
        yield path


@pytest.fixture
def log_file(folder: Path) -> Path:
    path = folder / "log"
    path.touch()
    return path


@pytest.mark.parametrize(
    ("reader", "mode", "may"),
    [
        (OWNER, 0o400, True),
        (OWNER, 0o044, False),
        (GROUP, 0o040, True),
        (GROUP, 0o604, False),
        (OTHER, 0o004, True),
        (OTHER, 0o660, False),
        (ROOT, 0o000, True),
    ],
)
def test_permissions_of_the_file(log_file: Path, reader: Reader, mode: int, *, may: bool) -> None:
    log_file.chmod(mode)
    assert reader.may_read(log_file) is may


@pytest.mark.parametrize(("mode", "may"), [(0o711, True), (0o744, False)])
def test_permissions_of_its_folder(log_file: Path, mode: int, *, may: bool) -> None:
    log_file.chmod(0o644)
    log_file.parent.chmod(mode)
    assert OTHER.may_read(log_file) is may


@pytest.mark.parametrize(("jail", "privileged"), [("namespace", False), ("auto", False), ("none", True)])
def test_root_keeps_its_capabilities_without_a_jail(
    monkeypatch: pytest.MonkeyPatch, jail: str, *, privileged: bool
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert Reader.of(jail, None).privileged is privileged
    assert Reader.of(jail, 65534) == Reader(65534, Reader.of(jail, 65534).groups, privileged=False)


def warned(descriptor: int, caplog: pytest.LogCaptureFixture) -> bool:
    logs.configure()
    log_readers.warn([descriptor], OWNER)
    return "functions can read this log" in caplog.text


def test_a_file_is_told_of(log_file: Path, caplog: pytest.LogCaptureFixture) -> None:
    with log_file.open("a") as opened:
        assert warned(opened.fileno(), caplog)
    assert str(log_file) in caplog.text


def test_a_named_pipe_is_told_of(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    os.mkfifo(folder / "fifo")
    descriptor = os.open(folder / "fifo", os.O_RDWR)
    try:
        assert warned(descriptor, caplog)
    finally:
        os.close(descriptor)


def test_a_pipe_has_no_name(caplog: pytest.LogCaptureFixture) -> None:
    ends = os.pipe()
    try:
        assert not warned(ends[1], caplog)
    finally:
        for descriptor in ends:
            os.close(descriptor)


def test_a_file_that_has_lost_its_name(log_file: Path, caplog: pytest.LogCaptureFixture) -> None:
    with log_file.open("a") as opened:
        log_file.unlink()
        assert not warned(opened.fileno(), caplog)
        log_file.touch()  # another one
        assert not warned(opened.fileno(), caplog)
