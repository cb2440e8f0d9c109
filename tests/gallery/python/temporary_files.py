"""Files, folders and links in the temporary folder, and an archive of them."""

import os
import shutil
import tempfile
import zipfile
from pathlib import Path

TEMPORARY = Path(tempfile.gettempdir())


def main(params):
    before = sorted(path.name for path in TEMPORARY.glob("gallery-*"))
    folder = Path(tempfile.mkdtemp(prefix="gallery-"))
    for number in range(params["n"]):
        (folder / f"{number}.txt").write_text("x" * 10_000)
    os.link(folder / "0.txt", folder / "hard")
    (folder / "soft").symlink_to("0.txt")
    archive = shutil.make_archive(str(TEMPORARY / "gallery-archive"), "zip", folder)
    with zipfile.ZipFile(archive) as opened:
        names = sorted(opened.namelist())
    shutil.rmtree(folder)
    return {"before": before, "names": names}
