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
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT = Path(__file__).parents[2]
NOBODY = 65534
LIMIT_S = 60
OWN_MOUNTS = 3
"""The first ones, which every container has."""
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


class Image(NamedTuple):
    """An image that was built here."""

    rootfs: Path
    path: str
    """The variable with which it finds programs."""
    command: list[str]
    user: str


def build(folder: Path) -> Image:
    """Build the image of `packaging/container`, on a base of Debian packages: there are no images here."""
    storage = folder / "storage.conf"
    storage.write_text(
        f'[storage]\ndriver = "vfs"\ngraphroot = "{folder}/graph"\nrunroot = "{folder}/run"\n', "utf-8"
    )
    env = {**os.environ, "CONTAINERS_STORAGE_CONF": str(storage), "BUILDAH_ISOLATION": "chroot"}

    def said(*words: str | Path) -> str:
        done = subprocess.run(
            [*map(str, words)], env=env, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
        )
        return done.stdout.strip()

    said("scripts/install-debian-packages", "buildah=buildah", "debootstrap=debootstrap")
    mirror = said("apt-get", "indextargets", "--format", "$(REPO_URI)").split()[0]
    said("debootstrap", "--variant=minbase", "bookworm", folder / "base", mirror)
    base = said("buildah", "from", "scratch")
    said("buildah", "copy", "--quiet", base, folder / "base", "/")
    said("buildah", "commit", "--quiet", base, "base")
    said("scripts/build-image", "groundhog", "--build-arg", "BASE=localhost/base", "--pull-never")
    config = json.loads(said("buildah", "inspect", "--type", "image", "groundhog"))["OCIv1"]["config"]
    rootfs = Path(said("buildah", "mount", said("buildah", "from", "--pull-never", "groundhog")))
    path = next(setting for setting in config["Env"] if setting.startswith("PATH="))
    return Image(rootfs, path, [*config["Entrypoint"], *config["Cmd"]], config["User"])


def run(
    folder: Path,
    command: Sequence[str],
    *,
    seccomp: Mapping[str, Any] | None,
    user: int = NOBODY,
    capabilities: Sequence[str] = (),
    image: Image | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a command in a container of its own until it ends; `folder` is a new one for the bundle.

    `image`: what it is of, instead of this machine.
    """
    folder.mkdir()
    rootfs = folder / "rootfs"
    rootfs.mkdir()
    mounts = _mounts(rootfs)
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
            "env": [f"PATH={os.environ['PATH']}" if image is None else image.path, "HOME=/tmp"],
            "cwd": "/",
            "capabilities": {name: [*capabilities] for name in SETS},
            "noNewPrivileges": True,
        },
        "root": {"path": "rootfs" if image is None else str(image.rootfs), "readonly": True},
        "mounts": mounts if image is None else mounts[:OWN_MOUNTS],
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
