"""Makes victims runnable: compiles C and Java, copies scripts, in a folder that everybody may enter."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from groundhog import temporary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from groundhog.audit.catalog import Language, Victim

SOURCES = Path(__file__).parent / "victims"
C_FLAGS = ("-std=gnu11", "-O1", "-pthread")
JAVAC_FLAGS = ("-XDstringConcat=inline",)
WARNINGS = {"c": ("-Wall", "-Wextra", "-Werror"), "java": ("-Xlint:all", "-Werror")}
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


TOOLS = {"c": ("gcc",), "java": ("javac", "java"), "node": ("node",), "python": ()}


class MissingToolError(Exception):
    """A program without which a victim cannot be made or started; the message names it."""


def missing_tool(language: Language) -> str | None:
    """The first program that victims in this language need and that is not here."""
    return next((name for name in TOOLS[language] if shutil.which(name) is None), None)


class Workshop:
    """A folder of runnable victims, each made when first asked for. Close it to remove the folder.

    ``strict``: a compiler's warning is an error; not where another compiler than ours may have other ones.
    ``for_everyone``: every user can start what is made here, so the interpreter must lie where all may enter.
    """

    def __init__(self, *, strict: bool = False, for_everyone: bool = True) -> None:
        self._strict = strict
        self._for_everyone = for_everyone
        self._folder = temporary.folder("victims")
        self._folder.chmod(0o755)

    def close(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self._folder)

    def command(self, victim: Victim) -> tuple[str, ...]:
        """The command line that starts a victim.

        Raises:
            MissingToolError: What it takes is not here.
            RuntimeError: It cannot be compiled, or its interpreter not be started by everyone.

        """
        lacking = missing_tool(victim.language)
        if lacking is not None:
            raise MissingToolError(f"no {lacking} here")
        match victim.language:
            case "c":
                return (str(self._compiled_c(victim.source)), *victim.arguments)
            case "java":
                return (_path("java"), *JAVA_FLAGS, "-cp", str(self._compiled_java()), victim.source)
            case "node":
                scripts = self._copied("node")
                return (_path("node"), str(scripts / "loop.js"), str(scripts / f"{victim.source}.js"))
            case "python":
                scripts = self._copied("python")
                return (
                    python_for_everyone() if self._for_everyone else sys.executable,
                    str(scripts / "loop.py"),
                    str(scripts / f"{victim.source}.py"),
                )

    def server(self, victim: Victim) -> tuple[str, ...]:
        """The command line that starts the server that a victim talks to; empty if it talks to none."""
        return (str(self._compiled_c("late", "servers")),) if victim.connected else ()

    def _compiled_c(self, source: str, folder: str = "c") -> Path:
        program = self._folder / source
        if not program.exists():
            compiler = ("gcc", *self._flags("c"), *C_FLAGS, "-o")
            self._compile(compiler, program, [SOURCES / folder / f"{source}.c"])
        return program

    def _compiled_java(self) -> Path:
        classes = self._folder / "java"
        if not classes.exists():
            compiler = ("javac", *self._flags("java"), *JAVAC_FLAGS, "-d")
            self._compile(compiler, classes, sorted((SOURCES / "java").glob("*.java")))
        return classes

    def _compile(self, compiler: tuple[str, ...], target: Path, sources: Sequence[Path]) -> None:
        """Make the target of its sources; the compiler's last word is the option before the target."""
        _run(*compiler, str(target), *map(str, sources))

    def _flags(self, language: str) -> tuple[str, ...]:
        return WARNINGS[language] if self._strict else ()

    def _copied(self, language: str) -> Path:
        scripts = self._folder / language
        if not scripts.exists():
            shutil.copytree(SOURCES / language, scripts, ignore=shutil.ignore_patterns("__pycache__"))
        return scripts


def _path(name: str) -> str:
    """Where a program is for us: its victims get a `PATH` of their own."""
    return shutil.which(name) or name


def _run(*argv: str) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{argv[0]} failed for a victim:\n{done.stdout}{done.stderr}")


def python_for_everyone() -> str:
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
