"""Containers as platforms start them, by runc: an unprivileged user, no capability, only /tmp to write to.

In them is what this machine has, mounted read-only: its programs, this interpreter, the package under test.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT = Path(__file__).parents[2]
NOBODY = 65534
LIMIT_S = 60
SETS = ("bounding", "effective", "permitted", "inheritable", "ambient")
# What Docker hides and protects.
MASKED = ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/scsi", "/sys/firmware"]
READ_ONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]


def _folders() -> Iterator[Path]:
    yield from map(Path, ("/usr", "/etc", "/bin", "/lib", "/lib64", "/sbin"))
    # Not the whole checkout: who may enter that folder is its owner's business.
    yield from (ROOT / "python", ROOT / "examples", Path(sys.base_prefix), Path(sys.prefix))
    node = shutil.which("node")
    if node is not None:
        yield Path(node).resolve().parents[1]


def _mounts(rootfs: Path) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]},
        {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=1777"]},  # noqa: S108
    ]
    for folder in dict.fromkeys(_folders()):
        if folder.is_symlink():
            (rootfs / folder.relative_to("/")).symlink_to(folder.readlink())
        elif folder.exists():
            where = str(folder)
            made.append({"destination": where, "type": "bind", "source": where, "options": ["bind", "ro"]})
    return made


def run(
    folder: Path,
    command: Sequence[str],
    *,
    seccomp: Mapping[str, Any] | None,
    user: int = NOBODY,
    capabilities: Sequence[str] = (),
) -> subprocess.CompletedProcess[str]:
    """Run a command in a container of its own until it ends; `folder` is a new one for the bundle."""
    folder.mkdir()
    rootfs = folder / "rootfs"
    rootfs.mkdir()
    linux: dict[str, Any] = {
        "namespaces": [{"type": kind} for kind in ("pid", "ipc", "uts", "mount", "network")],
        "maskedPaths": MASKED,
        "readonlyPaths": READ_ONLY,
    }
    spec = {
        "ociVersion": "1.0.2",
        "process": {
            "user": {"uid": user, "gid": user},
            "args": [*command],
            "env": [f"PATH={os.environ['PATH']}", "HOME=/tmp"],
            "cwd": "/",
            "capabilities": {name: [*capabilities] for name in SETS},
            "noNewPrivileges": True,
        },
        "root": {"path": "rootfs", "readonly": True},
        "mounts": _mounts(rootfs),
        "linux": linux if seccomp is None else {**linux, "seccomp": seccomp},
    }
    (folder / "config.json").write_text(json.dumps(spec), "utf-8")
    name = f"groundhog-{uuid.uuid4().hex}"
    runc = ["runc", "--root", str(folder / "state")]
    try:
        return subprocess.run(
            [*runc, "run", "--bundle", str(folder), name],
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
    finally:  # after a timeout it would live on
        subprocess.run([*runc, "delete", "--force", name], capture_output=True, check=True)
