"""Folders that tell whose they are, and what is removed of those whose process is gone."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from groundhog import temporary

LEAVES = "from groundhog import temporary; print(temporary.folder('action'))"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def left() -> Path:
    """One of a process that is gone, with something in it that its writer has locked."""
    said = subprocess.run([sys.executable, "-c", LEAVES], capture_output=True, text=True, check=True)
    folder = Path(said.stdout.strip())
    (folder / "locked").mkdir()
    (folder / "locked/file").write_text("left")
    (folder / "locked").chmod(0)
    return folder


@pytest.mark.usefixtures("place")
def test_what_a_process_has_left_is_removed() -> None:
    gone, own = left(), temporary.folder("action")
    assert own.stat().st_mode & 0o777 == 0o700
    temporary.remove_left()
    assert not gone.exists()
    assert own.exists()


def test_what_is_not_known_to_be_left_stays(place: Path) -> None:
    gone = left()
    _, _, kind, whose, _ = ["", *gone.name.split("-")]
    namespace, pid, started = whose.split(".")
    kept = [
        place / f"groundhog-{kind}-{int(namespace) + 1}.{pid}.{started}-x",  # in another container
        place / f"groundhog-{kind}-{namespace}.{os.getpid()}.{temporary._started(os.getpid())}-x",
        place / f"groundhog-{kind}-x",
        place / f"others-{whose}-x",
    ]
    for path in kept:
        path.mkdir()
    target = place / "target"
    target.mkdir()
    link = place / f"groundhog-{kind}-{whose}-link"
    link.symlink_to(target)
    file = place / f"groundhog-{kind}-{whose}-file"
    file.write_text("")
    temporary.remove_left()
    assert not gone.exists()
    assert all(path.exists() for path in [*kept, target, link, file])


def test_one_that_has_the_number_of_another(place: Path) -> None:
    namespace = temporary._namespace()
    reused = place / f"groundhog-action-{namespace}.{os.getpid()}.1-x"
    reused.mkdir()
    temporary.remove_left()
    assert not reused.exists()


def test_nothing_is_removed_while_nobody_can_look(monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    """Others may have taken all descriptors for a moment, and the folder's process runs."""
    own, look = temporary.folder("action"), Path.read_bytes

    def read_bytes(path: Path) -> bytes:
        if path.parts[1] == "proc":
            raise OSError(errno.EMFILE, "Too many open files")
        return look(path)

    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    temporary.remove_left()
    assert own.exists()
    with pytest.raises(OSError, match="Too many open files"):
        temporary.folder("action")
    assert list(place.iterdir()) == [own]
