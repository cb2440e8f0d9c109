"""Which jail is chosen, whom a function becomes, and what it is given to write in."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path
from typing import Any

import pytest

from groundhog import Function
from groundhog.config import Jail, Limits, Network
from groundhog.errors import ConfigError, SpawnError, UnsupportedError
from groundhog.jail import Confinement, Restrictions, choose, ids_of
from groundhog.runners import command_for

BOTH = {"jails": {"namespace": None, "landlock": None}, "preferred_jail": "namespace"}
LESSER = {"jails": {"namespace": "namespaces: refused", "landlock": None}, "preferred_jail": "landlock"}
NEITHER = {
    "jails": {"namespace": "namespaces: refused", "landlock": "landlock: not there"},
    "preferred_jail": None,
}


@pytest.mark.parametrize(
    ("jail", "found", "means"),
    [
        (Jail.AUTO, BOTH, "namespace"),
        (Jail.AUTO, LESSER, "landlock"),
        (Jail.LANDLOCK, BOTH, "landlock"),
        (Jail.NONE, NEITHER, None),
    ],
)
def test_the_best_that_works_or_what_was_asked_for(jail: Jail, found: dict[str, object], means: str) -> None:
    assert choose(jail, found) == means


def test_nothing_less_than_what_was_asked_for() -> None:
    with pytest.raises(
        UnsupportedError, match="jail namespace does not work on this machine: namespaces: refused"
    ):
        choose(Jail.NAMESPACE, LESSER)
    with pytest.raises(UnsupportedError, match=r"namespaces: refused; landlock: not there.*--jail none"):
        choose(Jail.AUTO, NEITHER)


def test_an_unknown_jail_is_named() -> None:
    with pytest.raises(
        ConfigError, match="unknown jail 'cage': choose one of auto, namespace, landlock, none"
    ):
        Jail.parse("cage")


@pytest.mark.parametrize("jail", [Jail.AUTO, Jail.NAMESPACE])
def test_a_network_of_its_own_comes_with_namespaces(jail: Jail) -> None:
    found = {**BOTH, "networks": {"host": None, "none": None}}
    assert choose(jail, found, Network.NONE) == "namespace"


def test_no_lesser_jail_takes_the_place_of_one_with_a_network_of_its_own() -> None:
    lesser = {**LESSER, "networks": {"host": None, "none": "network-namespace: refused"}}
    with pytest.raises(UnsupportedError, match="jail namespace does not work on this machine: namespaces"):
        choose(Jail.AUTO, lesser, Network.NONE)
    partial = {**BOTH, "networks": {"host": None, "none": "network-namespace: refused"}}
    with pytest.raises(
        UnsupportedError,
        match=r"no function can have a network of its own on this machine: network-namespace: refused; see"
        r" `groundhog doctor`, or choose --network host: functions then reach what the machine reaches",
    ):
        choose(Jail.AUTO, partial, Network.NONE)
    assert choose(Jail.AUTO, partial, Network.HOST) == "namespace"


def test_an_unknown_network_is_named() -> None:
    with pytest.raises(ConfigError, match="unknown network 'wifi': choose one of host, none"):
        Network.parse("wifi")


@pytest.mark.parametrize("jail", ["landlock", "none"])
def test_other_jails_have_no_network_to_give(jail: str) -> None:
    with pytest.raises(ConfigError, match=f"network none needs the jail namespace, not {jail}"):
        Restrictions.of(jail, "none", None, None)


def test_only_root_may_choose_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert ids_of(None) is None
    assert ids_of(1000) is None
    with pytest.raises(ConfigError, match="only root can run a function as another user"):
        ids_of(1001)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert ids_of(4_000_000) == (4_000_000, 4_000_000)


def test_a_function_may_write_where_functions_do(tmp_path: Path) -> None:
    handler = tmp_path / "code" / "handler.py"
    handler.parent.mkdir()
    handler.write_text("def main(params): return params")
    function = Function.from_file(handler, env={"HOME": "/home/of", "TMPDIR": "/scratch"}, cwd=tmp_path)
    made = Confinement.of(
        function, command_for(function), Limits(scratch_bytes=5, scratch_files=6), "namespace", None
    )
    cell = made.cell()
    assert set(cell.arguments["private"]) == {
        "/tmp",  # noqa: S108
        "/var/tmp",  # noqa: S108
        "/home/of",
        "/scratch",
        str(tmp_path),
        str(handler.parent),
    }
    assert cell.arguments["most_written"] == (5, 6)
    assert cell.env == {}


def test_a_folder_of_its_own_goes_with_the_process() -> None:
    cell = Confinement("landlock").cell()
    other = Confinement("landlock").cell()
    assert cell.scratch is not None
    assert cell.scratch != other.scratch
    folder = Path(cell.env["TMPDIR"])
    assert folder.parent == cell.scratch
    assert cell.scratch.stat().st_mode & 0o777 == 0o111, "nobody can list it"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert cell.arguments["private"] == (str(folder),)
    locked = folder / "a" / "b"
    locked.mkdir(parents=True)
    (locked / "file").write_text("x")
    locked.chmod(0)
    locked.parent.chmod(0o500)
    cell.clear()
    other.clear()
    assert not cell.scratch.exists()


def test_nothing_is_asked_for_without_a_jail() -> None:
    assert Confinement().cell().arguments == {}
    assert Confinement(ids=(7, 8)).cell().arguments == {"ids": (7, 8)}


def landlock(ids: tuple[int, int] | None = None) -> Confinement:
    return Confinement(means="landlock", ids=ids)


def test_where_no_private_folder_can_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    with pytest.raises(SpawnError, match=r"no private folder .* can be made: .*No such file .* TMPDIR"):
        landlock().cell()


def test_a_private_folder_that_cannot_be_given_away_is_not_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("os.chown", refuse)
    with pytest.raises(SpawnError, match="Operation not permitted"):
        landlock((1, 1)).cell()
    assert list(tmp_path.iterdir()) == []


def test_folders_are_removed_from_a_disk_that_has_no_room_for_another_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    cell = landlock().cell()
    deep = Path(cell.env["TMPDIR"], "a", "b", "c")
    deep.mkdir(parents=True)
    (deep / "file").write_text("x")
    monkeypatch.setattr("os.rename", refuse)
    cell.clear()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_a_link_that_takes_the_place_of_a_folder_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, depth: int
) -> None:
    """A process outside of the jail, of the function's user, may do that just when it is removed, by root."""
    outside = tmp_path / "outside"
    outside.mkdir(0o755)
    (outside / "file").write_text("not the function's")
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    cell = landlock().cell()
    assert cell.scratch is not None
    cell.scratch.chmod(0o700)
    above = Path(cell.env["TMPDIR"], *"abc"[:depth])
    above.mkdir(parents=True, exist_ok=True)
    inode = above.stat().st_ino
    (above / "exchanged").mkdir()
    scandir, exchanged = os.scandir, []

    def list_and_exchange(folder: int | str) -> Any:
        entries = list(scandir(folder))
        path = Path(f"/proc/self/fd/{folder}" if isinstance(folder, int) else folder)
        if path.stat().st_ino == inode:
            here = path / "exchanged"
            here.rmdir()
            here.symlink_to(outside)
            exchanged.append(here)
        return contextlib.nullcontext(entries)

    monkeypatch.setattr("os.scandir", list_and_exchange)
    with pytest.raises(OSError, match="Not a directory"):
        cell.clear()
    assert exchanged
    assert (outside / "file").read_text() == "not the function's"
    assert outside.stat().st_mode & 0o777 == 0o755
    monkeypatch.undo()
    cell.clear()
