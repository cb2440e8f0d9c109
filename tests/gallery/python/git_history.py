"""A repository that is made, changed and read by git."""

import subprocess
import tempfile
from pathlib import Path

AUTHOR = ("-c", "user.name=Ada", "-c", "user.email=ada@shop.example", "-c", "init.defaultBranch=main")
FOLDER = Path(tempfile.gettempdir()) / "gallery-repository"


def git(*words):
    run = ["git", "-C", str(FOLDER), *AUTHOR, *words]
    return subprocess.run(run, check=True, capture_output=True, text=True).stdout


def main(params):
    existed = FOLDER.exists()
    FOLDER.mkdir(exist_ok=True)
    git("init", "--quiet")
    for number in range(params["n"] // 2 + 1):
        (FOLDER / "orders").write_text(f"{number}\n")
        git("add", "orders")
        git("commit", "--quiet", "--message", f"Order {number}")
    return {"existed": existed, "subjects": git("log", "--format=%s").splitlines()}
