"""Sets times that nobody asks for: of the last access, of a folder, of a symbolic link."""

import contextlib
import os
from pathlib import Path

folder = Path(os.environ.get("TMPDIR", "/tmp"))
names = [folder / "file", folder / "inner", folder / "link"]
names[0].write_text("file")
names[1].mkdir()
names[2].symlink_to("file")


def main(params):
    seen = [name.lstat().st_atime_ns - started for name, started in zip(names, accessed, strict=True)]
    seen.append(names[2].lstat().st_mtime_ns - modified)
    later = (int(params["secret"][1:]) + 1) * 10**12
    for name in names[:2]:
        with contextlib.suppress(PermissionError):
            os.utime(name, ns=(later, name.stat().st_mtime_ns))
    with contextlib.suppress(PermissionError):
        os.utime(names[2], ns=(later, later), follow_symlinks=False)
    return seen


accessed = [name.lstat().st_atime_ns for name in names]
modified = names[2].lstat().st_mtime_ns
