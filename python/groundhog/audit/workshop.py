"""Makes victims runnable: compiles C and Java, copies scripts, in a folder that everybody may enter."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from groundhog.audit.catalog import Victim

SOURCES = Path(__file__).parent / "victims"
C_FLAGS = ("-std=gnu11", "-O1", "-g", "-pthread", "-Wall", "-Wextra", "-Werror")
# Why each: README.md of the victims.
JAVA_FLAGS = (
    "-Xmx64m",
    "-Xss1m",
    "-XX:+UseSerialGC",
    "-XX:-UsePerfData",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UseDynamicNumberOfCompilerThreads",
    "-XX:+DisableAttachMechanism",
)


class Workshop:
    """A folder of runnable victims, each made when first asked for. Close it to remove the folder."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="groundhog-victims-"))
        self._folder.chmod(0o755)

    def close(self) -> None:
        shutil.rmtree(self._folder)

    def command(self, victim: Victim) -> tuple[str, ...]:
        """The command line that starts a victim."""
        match victim.language:
            case "c":
                return (str(self._compiled_c(victim.source)),)
            case "java":
                return ("java", *JAVA_FLAGS, "-cp", str(self._compiled_java()), victim.source)
            case "node":
                scripts = self._copied("node")
                return ("node", str(scripts / "loop.js"), str(scripts / f"{victim.source}.js"))
            case "python":
                scripts = self._copied("python")
                return (_python(), str(scripts / "loop.py"), str(scripts / f"{victim.source}.py"))

    def server(self, victim: Victim) -> tuple[str, ...]:
        """The command line that starts the server that a victim talks to; empty if it talks to none."""
        return (str(self._compiled_c("late", "servers")),) if victim.connected else ()

    def _compiled_c(self, source: str, folder: str = "c") -> Path:
        program = self._folder / source
        if not program.exists():
            _run("gcc", *C_FLAGS, "-o", str(program), str(SOURCES / folder / f"{source}.c"))
        return program

    def _compiled_java(self) -> Path:
        classes = self._folder / "java"
        if not classes.exists():
            sources = sorted(str(path) for path in (SOURCES / "java").glob("*.java"))
            _run("javac", "-Xlint:all", "-Werror", "-d", str(classes), *sources)
        return classes

    def _copied(self, language: str) -> Path:
        scripts = self._folder / language
        if not scripts.exists():
            shutil.copytree(SOURCES / language, scripts, ignore=shutil.ignore_patterns("__pycache__"))
        return scripts


def _run(*argv: str) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{argv[0]} failed for a victim:\n{done.stdout}{done.stderr}")


def _python() -> str:
    """An interpreter that anybody may start: ours if it lies where all may enter, else the system's."""
    for candidate in (sys.executable, "/usr/local/bin/python3", "/usr/bin/python3"):
        path = Path(candidate)
        if path.exists() and all(parent.stat().st_mode & 0o001 for parent in _way_to(path)):
            return str(path)
    raise RuntimeError(f"no Python that every user may start: {sys.executable} is in a private folder")


def _way_to(path: Path) -> list[Path]:
    """Every file and folder that is passed on the way, symbolic links followed one by one."""
    passed = []
    while True:
        passed += [path, *path.parents]
        if not path.is_symlink():
            return passed
        path = path.parent / os.readlink(path)  # noqa: PTH115 - one link only
