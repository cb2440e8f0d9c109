"""The kernels that users have, fetched from Debian and unpacked into a cache; nothing is installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path


class FetchError(Exception):
    """A kernel could not be had; the message says which and what to do."""


@dataclass(frozen=True)
class Kernel:
    """One kernel series and what the engine must find in it."""

    series: str
    meta_package: str
    interfaces: tuple[str, ...]
    strategies: tuple[str, ...]

    @property
    def package_pattern(self) -> re.Pattern[str]:
        """The names of this series' kernel packages."""
        return re.compile(rf"linux-image-{re.escape(self.series)}\.\d[\w.+-]*-cloud-amd64")


KERNELS = {
    kernel.series: kernel
    for kernel in (
        # Debian 12's own: what the published system ran on.
        Kernel("6.1", "linux-image-cloud-amd64", ("soft-dirty",), ("soft-dirty", "copy")),
        # Every mechanism in one kernel.
        Kernel(
            "6.12",
            "linux-image-6.12-cloud-amd64",
            ("soft-dirty", "wp-async"),
            ("hot", "classic", "soft-dirty", "copy"),
        ),
    )
}


def cache_folder() -> Path:
    """Where unpacked kernels are kept."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "groundhog" / "kernels"


def fetch(kernel: Kernel) -> Path:
    """Return the path of the newest ``vmlinuz`` of the series, downloaded at need.

    Raises:
        FetchError: apt does not offer one, or the download failed, and none is in the cache.
    """
    try:
        return _newest(kernel)
    except FetchError as error:
        cached = sorted(cache_folder().glob(f"linux-image-{kernel.series}.*/vmlinuz"), key=_numbers)
        if not cached:
            raise
        print(f"{kernel.series} | {error}; going on with the cached {cached[-1].parent.name}")
        return cached[-1]


def _newest(kernel: Kernel) -> Path:
    package = _newest_package(kernel)
    if package is None:
        message = (
            f"no Debian package of Linux {kernel.series} ({kernel.meta_package}): "
            f"run apt-get update, and add bookworm-security to the apt sources"
        )
        raise FetchError(message)
    file_name = _run("apt-get", "download", "--print-uris", package).split()[1]
    folder = cache_folder() / file_name.removesuffix(".deb")
    if not (folder / "vmlinuz").exists():
        _unpack(package, folder)
    return folder / "vmlinuz"


def _newest_package(kernel: Kernel) -> str | None:
    """The package the meta package stands for, else the newest one that apt knows of the series."""
    for refresh in (False, True):
        if refresh and os.geteuid() == 0:
            _run("apt-get", "update", "-qq", check=False)
        # The meta package of one Debian release is of another series in the next.
        named = _run("apt-cache", "depends", "--important", kernel.meta_package, check=False)
        for names in (named, _run("apt-cache", "pkgnames", f"linux-image-{kernel.series}.", check=False)):
            packages = [word for word in names.split() if kernel.package_pattern.fullmatch(word)]
            if packages:
                return max(packages, key=_numbers)
    return None


def _numbers(name: object) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", str(name))]


def _unpack(package: str, folder: Path) -> None:
    """Download the package and keep its kernel and configuration; complete or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".incoming-") as name:
        incoming = Path(name)
        # apt's own user may not write below a home folder.
        _run("apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root", package, cwd=incoming)
        (archive,) = incoming.glob("*.deb")
        _run("dpkg-deb", "-x", str(archive), str(incoming / "root"))
        (image,) = (incoming / "root/boot").glob("vmlinuz-*")
        (configuration,) = (incoming / "root/boot").glob("config-*")
        ready = incoming / "ready"
        ready.mkdir()
        shutil.move(image, ready / "vmlinuz")
        shutil.move(configuration, ready / "config")
        if not folder.exists():
            ready.rename(folder)


def _run(*command: str, cwd: Path | None = None, check: bool = True) -> str:
    try:
        done = subprocess.run(command, cwd=cwd, check=check, capture_output=True, text=True)
    except FileNotFoundError:
        message = f"{command[0]} not found: kernels are taken from Debian packages, on a Debian system only"
        raise FetchError(message) from None
    except subprocess.CalledProcessError as error:
        message = f"{' '.join(command)} failed: {error.stderr.strip() or error.stdout.strip()}"
        raise FetchError(message) from None
    return done.stdout
