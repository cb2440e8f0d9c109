"""What can be seen of a process from outside, and how two looks at it differ. See proc(5)."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
from dataclasses import dataclass, field
from pathlib import Path

from groundhog.audit.sockets import sockets

MAX_FILES = 20_000  # more than that in a folder are not looked at
_WRITABLE = os.O_WRONLY | os.O_RDWR
_STATUS = {
    "Name": "name",
    "Umask": "umask",
    "Uid": "user ids",
    "Gid": "group ids",
    "Groups": "groups",
    "CapPrm": "permitted capabilities",
    "CapEff": "effective capabilities",
    "CapBnd": "bounding capabilities",
    "NoNewPrivs": "no_new_privs",
    "Seccomp_filters": "seccomp filters",
    "VmLck": "locked memory",
    "Cpus_allowed_list": "processors",
    "Mems_allowed_list": "memory nodes",
}
_SIGNALS = {"SigIgn": "ignored signal", "SigCgt": "handled signal", "ShdPnd": "pending signal"}
_NICE, _POLICY = 16, 38  # fields of stat after the name


@dataclass(frozen=True)
class Left:
    """One thing that is not as it was."""

    kind: str
    what: str


@dataclass(frozen=True)
class View:
    """One look at a process."""

    descriptors: dict[int, str] = field(default_factory=dict)
    places: dict[int, str] = field(default_factory=dict)  # of sockets; they may change by themselves
    positions: dict[int, str] = field(default_factory=dict)
    threads: dict[int, str] = field(default_factory=dict)
    children: dict[int, str] = field(default_factory=dict)
    timers: tuple[str, ...] = ()
    signals: frozenset[tuple[str, str]] = frozenset()
    settings: dict[str, str] = field(default_factory=dict)


def look(pid: int) -> View:
    """Look at a process; what cannot be read, or is gone meanwhile, is left out."""
    proc = Path(f"/proc/{pid}")
    status = _fields(_read(proc / "status"))
    descriptors, positions = _descriptors(proc)
    return View(
        descriptors=descriptors,
        places=_places(proc, descriptors),
        positions=positions,
        threads={int(task.name): _read(task / "comm").strip() for task in _entries(proc / "task")},
        children=_descendants(pid, status.get("TracerPid", "0")),
        timers=tuple(_read(proc / "timers").split("ID: ")[1:]),
        signals=_signals(status),
        settings=_settings(proc, status),
    )


def differences(before: View, after: View) -> list[Left]:
    """What is in the one and not in the other, in words."""
    left = [
        *_compared(
            "descriptor",
            before.descriptors,
            after.descriptors,
            ("opened", "closed", "replaced"),
            after.places,
        ),
        *_moved(before, after),
        *_compared("thread", before.threads, after.threads, ("started", "ended", "renamed")),
        *_compared("child process", before.children, after.children, ("started", "ended", "executed")),
    ]
    left += [Left("timer", f"armed: {_first_line(timer)}") for timer in after.timers[len(before.timers) :]]
    left += [Left(kind, f"{name}: set") for kind, name in sorted(after.signals - before.signals)]
    left += [Left(kind, f"{name}: no longer") for kind, name in sorted(before.signals - after.signals)]
    for name, value in after.settings.items():
        old = before.settings.get(name)
        if old is not None and old != value:
            left.append(Left("setting", f"{name}: {value}, was {old}"))
    return left


def _compared(
    kind: str,
    before: dict[int, str],
    after: dict[int, str],
    verbs: tuple[str, str, str],
    places: dict[int, str] | None = None,
) -> list[Left]:
    came, went, changed = verbs
    where = {key: f" ({place})" for key, place in (places or {}).items()}
    left = [
        Left(kind, f"{came} {key}: {after[key]}{where.get(key, '')}")
        for key in sorted(after.keys() - before.keys())
    ]
    left += [Left(kind, f"{went} {key}: {before[key]}") for key in sorted(before.keys() - after.keys())]
    left += [
        Left(kind, f"{changed} {key}: {after[key]}, was {before[key]}")
        for key in sorted(after.keys() & before.keys())
        if after[key] != before[key]
    ]
    return left


def _moved(before: View, after: View) -> list[Left]:
    return [
        Left("descriptor", f"moved {fd}: {after.positions[fd]}, was {old} ({before.descriptors[fd]})")
        for fd, old in sorted(before.positions.items())
        if fd in after.positions
        and after.positions[fd] != old
        and before.descriptors.get(fd) == after.descriptors.get(fd)
    ]


def _first_line(text: str) -> str:
    return text.partition("\n")[0]


def _read(path: Path) -> str:
    with contextlib.suppress(OSError):
        return path.read_bytes().decode("utf-8", "replace")  # lines end at "\n" alone: names may have others
    return ""


def _link(path: Path) -> str:
    with contextlib.suppress(OSError):
        return str(path.readlink())
    return "unreadable"


def _entries(folder: Path) -> list[Path]:
    with contextlib.suppress(OSError):
        return sorted(folder.iterdir(), key=lambda entry: int(entry.name))
    return []


def _fields(text: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in text.split("\n"))
    return {name: " ".join(value.split()) for name, _, value in pairs}


def _descriptors(proc: Path) -> tuple[dict[int, str], dict[int, str]]:
    targets, positions = {}, {}
    for entry in _entries(proc / "fd"):
        fd = int(entry.name)
        target = _link(entry)
        if target == "unreadable":
            continue  # closed since
        info = _fields(_read(proc / "fdinfo" / entry.name))
        flags = int(info.get("flags", "0"), 8)
        is_file = target.startswith("/") and not target.startswith("/dev/")
        targets[fd] = target + (" for writing" if is_file and flags & _WRITABLE else "")
        if "pos" in info:
            positions[fd] = f"position {info['pos']}, flags {info.get('flags', '')}"
    return targets, positions


def _places(proc: Path, descriptors: dict[int, str]) -> dict[int, str]:
    inodes = {fd: target[8:-1] for fd, target in descriptors.items() if target.startswith("socket:[")}
    known = sockets(proc) if inodes else {}
    return {fd: known[inode] for fd, inode in inodes.items() if inode in known}


def _descendants(pid: int, tracer: str) -> dict[int, str]:
    """All that have its tracer, which follows descendants, also those that left their parent and session."""
    found = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == pid:
            continue
        status = _fields(_read(folder / "status"))
        if tracer != "0" and status.get("TracerPid") == tracer:
            words = _read(folder / "cmdline").replace("\0", " ").strip()
            found[int(folder.name)] = words or f"[{status.get('Name', '')}]"
    return found


def _signals(status: dict[str, str]) -> frozenset[tuple[str, str]]:
    found = set()
    for name, kind in _SIGNALS.items():
        mask = int(status.get(name, "0"), 16)
        found |= {(kind, _signal_name(number)) for number in range(1, 65) if mask >> (number - 1) & 1}
    return frozenset(found)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _settings(proc: Path, status: dict[str, str]) -> dict[str, str]:
    settings = {words: status[name] for name, words in _STATUS.items() if name in status}
    for name, words in (("cwd", "working directory"), ("root", "root directory"), ("exe", "program")):
        settings[words] = _link(proc / name)
    for line in _read(proc / "limits").splitlines()[1:]:
        name, _, values = line.partition("  ")
        settings[name.lower()] = " ".join(values.split())
    for name in ("oom_score_adj", "personality", "timerslack_ns", "coredump_filter"):
        settings[name] = _read(proc / name).strip()
    numbers = _read(proc / "stat").rpartition(")")[2].split()
    if len(numbers) > _POLICY:
        settings["nice value"] = numbers[_NICE]
        settings["scheduling policy"] = numbers[_POLICY]
    return settings


Files = dict[str, tuple[int, int, int, int]]


@dataclass(frozen=True)
class Folder:
    """Where files are looked for."""

    path: Path
    own: bool  # what changes there is the function's doing: nobody else writes there
    deep: bool  # with all that is below it

    def files(self, root: str = "") -> Files | None:
        """What is there: size, time of the last change, inode and mode; None when it is too much.

        ``root``: where the process that is looked at has its file systems.
        """
        found: Files = {}
        todo = [f"{root}{self.path}"]
        while todo:
            try:
                entries = list(os.scandir(todo.pop()))
            except OSError:
                continue
            for entry in entries:
                with contextlib.suppress(OSError):
                    status = entry.stat(follow_symlinks=False)
                    is_folder = stat.S_ISDIR(status.st_mode)
                    # A folder's own time only says that its contents changed.
                    changed = 0 if is_folder else status.st_ctime_ns
                    size = 0 if is_folder else status.st_size
                    found[entry.path.removeprefix(root)] = (size, changed, status.st_ino, status.st_mode)
                    if self.deep and is_folder:
                        todo.append(entry.path)
            if len(found) > MAX_FILES:
                return None
        return found


def changed_files(before: Files | None, after: Files | None) -> list[Left]:
    """What was created, deleted or changed."""
    if before is None or after is None:
        return []
    left = [Left("file", f"created {path}") for path in sorted(after.keys() - before.keys())]
    left += [Left("file", f"deleted {path}") for path in sorted(before.keys() - after.keys())]
    left += [
        Left("file", f"changed {path}")
        for path in sorted(after.keys() & before.keys())
        if after[path] != before[path]
    ]
    return left
